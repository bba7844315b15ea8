"""booty.lock: the exact version of every program, and everything that ever vouched for it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import Factory, evolve, frozen

from booty.errors import ConfigError
from booty.model.plan import Artifact
from booty.run import whole

__all__ = ["Lock", "Locked"]

FORMAT: Final = 1
HEAD: Final = "# Written by booty; commit it. Do not edit: `booty lock` makes it again.\n"
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@frozen(kw_only=True)
class Locked:
    """One source that served a program for one platform.

    Attributes:
        source: name of the source.
        url: where it came from.
        digest: sha256 of what was downloaded.
        size: its bytes.
        trust: what vouched for it.
    """

    source: str
    url: str = ""
    digest: str = ""
    size: int = 0
    trust: str = ""


Platforms = Mapping[str, tuple[Locked, ...]]


@frozen(kw_only=True)
class Lock:
    """The lock file as a value.

    Attributes:
        programs: what served a program, by artifact key (``nats@2.15.0``) and platform; sources in
            the order of their names, so that it does not matter who fetched first.
    """

    programs: Mapping[str, Platforms] = Factory(dict)

    @property
    def versions(self) -> dict[str, tuple[str, ...]]:
        """Exact versions by component id."""
        found: dict[str, tuple[str, ...]] = {}
        for key in sorted(self.programs):
            component, _, version = key.partition("@")
            found[component] = (*found.get(component, ()), version)
        return found

    def of(self, key: str, platform: str) -> tuple[Locked, ...]:
        """Return what served a program for a platform."""
        return self.programs.get(key, {}).get(platform, ())

    def adding(self, artifact: Artifact) -> Lock:
        """Return a lock that also knows how an artifact was had; what stands there stays.

        A program of the user's own machine (``file:``) is locked by its version alone. An installed
        distribution is what it is: its entry follows it.
        """
        platforms = dict(self.programs.get(artifact.key, {}))
        known = {one.source: one for one in platforms.get(artifact.platform, ())}
        before = known.get(artifact.source)
        if not artifact.url.startswith("file:") and (
            before is None or before.digest != artifact.digest
        ):
            known[artifact.source] = _entry(artifact)
            platforms[artifact.platform] = tuple(known[name] for name in sorted(known))
        return evolve(self, programs={**self.programs, artifact.key: platforms})

    def keeping(self, keys: Collection[str]) -> Lock:
        """Return a lock without the versions that no key names, of components that one names."""
        named = {key.partition("@")[0] for key in keys}
        kept = {
            key: platforms
            for key, platforms in self.programs.items()
            if key in keys or key.partition("@")[0] not in named
        }
        return evolve(self, programs=kept)

    @classmethod
    def read(cls, file: Path) -> Lock:
        """Read a lock file; one that is not there is an empty lock.

        Raises:
            ConfigError: it cannot be read or has another format.
        """
        try:
            data = tomllib.loads(file.read_text())
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise _unreadable(file, str(error)) from error
        if data.get("format") != FORMAT:
            raise _unreadable(file, f"its format is {data.get('format')}, not {FORMAT}")
        try:
            programs = {key: _platforms(table) for key, table in data.get("programs", {}).items()}
        except (TypeError, AttributeError) as error:
            raise _unreadable(file, "an entry is not as booty writes it") from error
        return cls(programs=programs)

    def write(self, file: Path) -> bool:
        """Write the lock, whole or not at all; unchanged content is not written again.

        Returns:
            Whether the file was written.

        Raises:
            ConfigError: it cannot be written.
        """
        if not self.programs and not file.exists():
            return False  # a stack of programs of its own needs no lock
        text = self.text()
        try:
            if file.exists() and file.read_text() == text:
                return False
            whole.replace(file, text.encode(), 0o666)
        except OSError as error:
            raise ConfigError(
                f'cannot write "{file}": {error.strerror}',
                reference="lock-unwritable",
                subject=str(file),
                hint="make the folder writable, or make room",
            ) from error
        return True

    def text(self) -> str:
        """Return the file's text: sorted, one value a line, a table for each source."""
        lines = [HEAD, f"format = {FORMAT}"]
        for key, platforms in sorted(self.programs.items()):
            lines += ["", f"[programs.{_quoted(key)}]"]
            for platform, known in sorted(platforms.items()):
                for one in known:
                    table = ".".join(_key(name) for name in ("programs", key, platform, one.source))
                    lines += ["", f"[{table}]", *_fields(one)]
        return "\n".join(lines) + "\n"


def _entry(artifact: Artifact) -> Locked:
    return Locked(
        source=artifact.source,
        url=artifact.url,
        digest=artifact.digest,
        size=artifact.size,
        trust=artifact.trust,
    )


def _platforms(table: Mapping[str, Any]) -> Platforms:
    return {
        platform: tuple(_locked(name, one) for name, one in sorted(sources.items()))
        for platform, sources in table.items()
    }


def _locked(source: str, values: Mapping[str, Any]) -> Locked:
    found = Locked(source=source, **values)
    if not all(isinstance(one, str) for one in (found.url, found.digest, found.trust)):
        raise TypeError
    if type(found.size) is not int:
        raise TypeError
    return found


def _fields(one: Locked) -> list[str]:
    return [
        f"digest = {_quoted(one.digest)}",
        f"size = {one.size}",
        f"trust = {_quoted(one.trust)}",
        f"url = {_quoted(one.url)}",
    ]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    # a string of JSON is one of TOML, but for one control character
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _unreadable(file: Path, why: str) -> ConfigError:
    return ConfigError(
        f'cannot read "{file}": {why}',
        reference="lock-unreadable",
        subject=str(file),
        hint="take it from version control again, or remove it and run booty lock",
    )
