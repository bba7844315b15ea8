"""Layers laid over one another: tables merge, everything else replaces; and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from booty.config import files, lines
from booty.config.parts import EXCLUSIVE
from booty.config.reading import At, dotted, quoted
from booty.errors import ConfigError

__all__ = ["Merged", "Origin", "nested"]

_KEPT: Final = frozenset(("profiles", "defaults"))


class Origin(NamedTuple):
    """Where a value came from.

    Attributes:
        label: in words, for ``config``: ``booty.toml``, ``profile ha``, ``--lifetime``.
        file: the file it stands in, ``None`` if it stands in none.
        at: its path in that file.
    """

    label: str
    file: Path | None
    at: At


class Merged:
    """A document made of layers.

    Args:
        root: folder of booty.toml; files are named relative to it.

    Attributes:
        data: the document; the caller may take parts out.
        origins: where each leaf came from.
    """

    def __init__(self, root: Path) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[At, Origin] = {}
        self._root = root

    def lay(self, layer: Mapping[str, Any], origin: Callable[[At], Origin]) -> None:
        """Lay a document over what is there; ``origin`` tells where each of its leaves is from."""
        self._merge(self.data, layer, (), origin)

    def lay_file(self, path: Path, layer: Mapping[str, Any]) -> None:
        """Lay a whole file over what is there."""
        label = files.shown(path, self._root)
        self.lay(layer, lambda at: Origin(label, path, at))

    def join(self, path: Path, layer: dict[str, Any]) -> Iterator[ConfigError]:
        """Add an included file, which may repeat nothing; yields what it does repeat."""
        for at in list(_entries(layer)):
            if _get(self.data, at) is not None:
                yield self._twice(at, path)
                del _get(layer, at[:-1])[at[-1]]
        self.lay_file(path, layer)

    def lay_profile(self, name: str) -> None:
        """Lay ``[profiles.<name>]`` over the document that it stands in."""

        def origin(at: At) -> Origin:
            inside = self.origin(("profiles", name, *at))
            return Origin(f"profile {name}", inside.file, inside.at)

        self.lay(self.data["profiles"][name], origin)

    def lay_defaults(self, defaults: Mapping[str, Any]) -> None:
        """Put ``[defaults]`` under all services."""
        services = self.data.get("services")
        if not defaults or not isinstance(services, dict):
            return
        above, known = self.data, self.origins
        self.data = {}
        self.origins = {at: found for at, found in known.items() if at[0] in _KEPT}
        under = {name: defaults for name, own in services.items() if isinstance(own, dict)}

        def origin(at: At) -> Origin:
            inside = known.get(("defaults", *at[2:])) or Origin("defaults", None, at)
            return Origin(f"{inside.label} [defaults]", inside.file, ("defaults", *at[2:]))

        self.lay({"services": under}, origin)
        # an emptied table, such as of profiles that were all chosen, comes from nowhere
        self.lay(above, lambda at: known.get(at) or Origin("", None, at))

    def _merge(
        self, base: dict[str, Any], over: Mapping[str, Any], at: At, origin: Callable[[At], Origin]
    ) -> None:
        for key, value in over.items():
            here = (*at, key)
            if not isinstance(value, dict):
                self._forget(base.get(key), here)
                base[key] = value
                self.origins[here] = origin(here)
                continue
            if not isinstance(base.get(key), dict):
                base[key] = {}
            self.origins.pop(here, None)
            self._replaced(base[key], value, here)
            self._merge(base[key], value, here, origin)
            if not base[key]:
                self.origins[here] = origin(here)

    def _replaced(self, base: dict[str, Any], over: Mapping[str, Any], at: At) -> None:
        # ready = { tcp } over ready = { http } means tcp, not both
        if len(at) == 3 and at[0] == "services" and at[2] in EXCLUSIVE:  # noqa: PLR2004 - services.S.ready
            kinds = EXCLUSIVE[str(at[2])]
            if not kinds.isdisjoint(over):
                for kind in kinds & base.keys():
                    self._forget(base.pop(kind), (*at, kind))

    def _forget(self, value: Any, at: At) -> None:
        self.origins.pop(at, None)
        if isinstance(value, dict):
            for key, item in value.items():
                self._forget(item, (*at, key))

    def origin(self, at: At) -> Origin:
        """Return where a value, or the first leaf of a table, or what it is in, came from."""
        for length in range(len(at), 0, -1):
            part = at[:length]
            if part in self.origins:
                found = self.origins[part]
                return Origin(found.label, found.file, (*found.at, *at[length:]))
            for leaf, found in self.origins.items():
                if leaf[:length] == part:
                    own = found.at[: len(found.at) - (len(leaf) - length)]
                    return Origin(found.label, found.file, (*own, *at[length:]))
        return Origin("", None, at)

    def value(self, at: At) -> Any:
        """Return what stands at a path, ``None`` for nothing."""
        return _get(self.data, at)

    def drop(self, at: At) -> None:
        """Take out what stands at a path, if anything does."""
        inside = _get(self.data, at[:-1])
        if isinstance(inside, dict):
            self._forget(inside.pop(at[-1], None), at)

    def place(self, at: At) -> str:
        """Return the place of a value for a message: ``booty.toml:12``, ``from BOOTY_LIFETIME``."""
        found = self.origin(at)
        if found.file is None:
            return f"from {found.label}" if found.label else ""
        return self._place(found.file, found.at)

    def _place(self, file: Path, at: At) -> str:
        number, _ = lines.line(files.text(file), at)
        name = files.shown(file, self._root)
        return f"{name}:{number}" if number else name

    def _twice(self, at: At, path: Path) -> ConfigError:
        what = "services" if at[-2] == "services" else "values"
        both = f"{self.place(at)} and {self._place(path, at)}"
        return ConfigError(
            f"cannot have two {what} named {quoted(at[-1])}: {both}",
            reference="name-twice",
            subject=dotted(at),
            hint="rename or remove one of them",
        )


def _entries(layer: Mapping[str, Any], at: At = ()) -> Iterator[At]:
    for table in ("services", "defaults"):
        inside = layer.get(table)
        if isinstance(inside, dict):
            yield from ((*at, table, name) for name in inside)
    profiles = {} if at else layer.get("profiles")
    for name, profile in profiles.items() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict):
            yield from _entries(profile, ("profiles", name))


def _get(data: Any, at: At) -> Any:
    for key in at:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def nested(at: At, value: Any) -> dict[str, Any]:
    """Return a document with one value at a path of keys."""
    for key in reversed(at):
        value = {str(key): value}
    return dict(value)
