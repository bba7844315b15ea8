"""Fills the references of a run sheet with what they stand for on this host."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from booty.supervise.wire import ControlError

__all__ = ["Values", "fill", "holds_secret"]

# the same form as in booty.model.reference, which this floor may not import
_REFERENCE: Final = re.compile(r"@\{booty:([A-Za-z0-9_.:#/@+-]+)\}")
_DEEP: Final = frozenset((str, dict, list))
"""What may hold a reference."""
_BEGIN: Final = "@{booty:"
_SECRET: Final = "@{booty:secret:"  # noqa: S105 - the mark of a reference


def fill(value: Any, lookup: Callable[[str], str]) -> Any:
    """Return JSON-like data with every reference replaced, once, never inside what was put in."""
    kind = type(value)  # as JSON is read: no other classes come here
    if kind is str:
        return _filled(value, lookup) if _BEGIN in value else value
    if kind is dict:
        return {
            _filled(key, lookup) if _BEGIN in key else key: fill(item, lookup)
            if type(item) in _DEEP
            else item
            for key, item in value.items()
        }
    if kind is list:
        return [fill(item, lookup) if type(item) in _DEEP else item for item in value]
    return value


def _filled(text: str, lookup: Callable[[str], str]) -> str:
    return _REFERENCE.sub(lambda found: lookup(found.group(1)), text)


def holds_secret(text: str) -> bool:
    """Tell whether a string refers to a secret."""
    return _SECRET in text


class Values:
    """What references stand for: folders of this host, programs of a sheet, secret values.

    Args:
        root: the folder of booty.toml.
        state_dir: the state folder.
        runtime: the stack's runtime folder.
        store: folder of the verified programs.
    """

    def __init__(self, root: str, state_dir: str, runtime: str, store: str) -> None:
        self.root = root
        self.state_dir = state_dir
        self.runtime = runtime
        self.store = store
        self.artifacts: Mapping[str, Mapping[str, str]] = {}
        self._secrets: Mapping[str, str] = {}
        self._last: tuple[str, str, Callable[[str], str]] | None = None

    def read_secrets(self, fd: int) -> None:
        """Read the values that a command handed over; the descriptor stays at its beginning."""
        size = os.fstat(fd).st_size
        self._secrets = json.loads(os.pread(fd, size, 0) or b"{}").get("values", {})

    def data(self, instance: str) -> str:
        """Return an instance's data folder."""
        return f"{self.state_dir}/data/{instance}"

    def config(self, instance: str) -> str:
        """Return an instance's config folder."""
        return f"{self.state_dir}/config/{instance}"

    def run(self, instance: str) -> str:
        """Return an instance's folder for sockets."""
        return f"{self.runtime}/{instance}"

    def lookup(self, instance: str, config: str | None = None) -> Callable[[str], str]:
        """Return the lookup of one instance.

        Args:
            instance: its name.
            config: another config folder, for files that are only staged.
        """
        if config is not None:
            return self._lookup(instance, config)
        # a start asks ten times about one instance
        if self._last is None or self._last[:2] != (instance, self.runtime):
            self._last = instance, self.runtime, self._lookup(instance, self.config(instance))
        return self._last[2]

    def _lookup(self, instance: str, config: str) -> Callable[[str], str]:
        places = {
            "root": self.root,
            "state": self.state_dir,
            "store": self.store,
            "data": self.data(instance),
            "config": config,
            "logs": f"{self.state_dir}/logs",
            "run": self.run(instance),
        }

        def look(name: str) -> str:
            if name in places:
                return places[name]
            kind, _, rest = name.partition(":")
            if kind == "secret":
                return self._secret(rest)
            return self._program(kind, rest)

        return look

    def _secret(self, name: str) -> str:
        if name not in self._secrets:
            raise ControlError.of(
                f'cannot find the secret "{name.partition("#")[0]}": it was not handed over',
                reference="secret-not-here",
                status=7,
                hint="booty up",
            )
        return self._secrets[name]

    def _program(self, kind: str, key: str) -> str:
        if kind not in {"program", "artifact"} or key not in self.artifacts:
            raise ControlError.of(
                f'cannot resolve "{kind}:{key}" of the run sheet',
                reference="bad-sheet",
                status=7,
                hint="booty up --replan",
            )
        artifact = self.artifacts[key]
        folder = os.path.join(self.store, artifact["path"])
        return folder if kind == "artifact" else os.path.join(folder, artifact["executable"])
