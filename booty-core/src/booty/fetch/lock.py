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
_OURS, _BASE, _MIDDLE, _THEIRS = "<<<<<<< ", "||||||| ", "=======", ">>>>>>> "
"""What version control writes around what it cannot merge."""


@frozen(kw_only=True)
class Locked:
    """One source that served a program for one platform.

    Attributes:
        source: name of the source.
        url: where it came from.
        digest: sha256 of what was downloaded.
        size: its bytes; 0 = not known: it was never downloaded, its publisher lists it.
        trust: what vouched for it.
        module: of a built program: the module with its version; empty = it was not built here.
        h1: of a built program: the module's sum, as the checksum database has it.
        toolchain: of a built program: what built it.
        packed: of a program that no single file vouches for: sha256 of it as a bundle carries it;
            empty = it was in none yet.
    """

    source: str
    url: str = ""
    digest: str = ""
    size: int = 0
    trust: str = ""
    module: str = ""
    h1: str = ""
    toolchain: str = ""
    packed: str = ""


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

    def adding(self, artifact: Artifact, others: Mapping[str, Locked] | None = None) -> Lock:
        """Return a lock that also knows how an artifact was had; what stands there stays.

        A program of the user's own machine (``file:``) is locked by its version alone. An installed
        distribution is what it is: its entry follows it.

        Args:
            artifact: what was had.
            others: what its source says of it for other platforms, by platform.
        """
        platforms = dict(self.programs.get(artifact.key, {}))
        if not artifact.url.startswith("file:"):
            _lay(platforms, artifact.platform, _entry(artifact))
        for platform, one in (others or {}).items():
            if all(known.source != one.source for known in platforms.get(platform, ())):
                _lay(platforms, platform, one)
        return evolve(self, programs={**self.programs, artifact.key: platforms})

    def packing(self, artifact: Artifact, digest: str) -> Lock:
        """Return a lock that also knows a program as bundles carry it.

        Args:
            artifact: the program; it is in the lock.
            digest: sha256 of what a bundle holds.
        """
        platforms = dict(self.programs[artifact.key])
        platforms[artifact.platform] = tuple(
            evolve(one, packed=digest) if one.source == artifact.source else one
            for one in platforms[artifact.platform]
        )
        return evolve(self, programs={**self.programs, artifact.key: platforms})

    def merged(self, other: Lock) -> Lock:
        """Return a lock that knows what either knows.

        Raises:
            ValueError: they name different digests; the text says of what.
        """
        programs = {key: dict(platforms) for key, platforms in self.programs.items()}
        for key, platforms in other.programs.items():
            mine = programs.setdefault(key, {})
            for platform, entries in platforms.items():
                for one in entries:
                    _refuse_another(key, platform, one, mine.get(platform, ()))
                    _lay(mine, platform, one)
        return evolve(self, programs=programs)

    def keeping(self, keys: Collection[str], *, only: bool = False) -> Lock:
        """Return a lock without the versions that no key names, of components that one names.

        Args:
            keys: the programs that are used.
            only: drop components that no key names, too.
        """
        named = {key.partition("@")[0] for key in keys}
        kept = {
            key: platforms
            for key, platforms in self.programs.items()
            if key in keys or not (only or key.partition("@")[0] in named)
        }
        return evolve(self, programs=kept)

    @classmethod
    def read(cls, file: Path, *, merging: bool = False) -> Lock:
        """Read a lock file; one that is not there is an empty lock.

        Args:
            file: booty.lock.
            merging: take both sides where version control could not merge it.

        Raises:
            ConfigError: it cannot be read or has another format.
        """
        try:
            text = file.read_text()
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise _unreadable(file, str(error)) from error
        sides = _sides(text)
        if len(sides) > 1 and not merging:
            raise _unreadable(file, "it holds both sides of a merge", "booty lock takes both")
        found = cls._parsed(file, sides[0])
        for side in sides[1:]:
            try:
                found = found.merged(cls._parsed(file, side))
            except ValueError as error:
                raise _unreadable(file, str(error)) from error
        return found

    @classmethod
    def _parsed(cls, file: Path, text: str) -> Lock:
        try:
            data = tomllib.loads(text)
        except ValueError as error:
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
        module=artifact.module,
        h1=artifact.h1,
        toolchain=artifact.toolchain,
    )


def _lay(platforms: dict[str, tuple[Locked, ...]], platform: str, one: Locked) -> None:
    # what stands there stays; what was only listed is completed by who downloads it
    known = {entry.source: entry for entry in platforms.get(platform, ())}
    before = known.get(one.source)
    if before is None or before.digest != one.digest:
        known[one.source] = one
    else:
        whole = one if not before.size and one.size else before
        known[one.source] = evolve(whole, packed=before.packed or one.packed)
    platforms[platform] = tuple(known[name] for name in sorted(known))


def _refuse_another(key: str, platform: str, one: Locked, known: tuple[Locked, ...]) -> None:
    if any(entry.source == one.source and entry.digest != one.digest for entry in known):
        message = f"its sides name different digests for {key} from {one.source} on {platform}"
        raise ValueError(message)


def _sides(text: str) -> list[str]:
    """Return the texts that version control could not merge; one if there was nothing to merge."""
    if not text.startswith(_OURS) and f"\n{_OURS}" not in text:
        return [text]
    ours: list[str] = []
    theirs: list[str] = []
    into: tuple[list[str], ...] = (ours, theirs)
    for line in text.splitlines(keepends=True):
        if line.startswith(_OURS):
            into = (ours,)
        elif line.startswith(_BASE):
            into = ()
        elif line.rstrip() == _MIDDLE:
            into = (theirs,)
        elif line.startswith(_THEIRS):
            into = (ours, theirs)
        else:
            for side in into:
                side.append(line)
    return ["".join(ours), "".join(theirs)]


def _platforms(table: Mapping[str, Any]) -> Platforms:
    return {
        platform: tuple(_locked(name, one) for name, one in sorted(sources.items()))
        for platform, sources in table.items()
    }


def _locked(source: str, values: Mapping[str, Any]) -> Locked:
    found = Locked(source=source, **values)
    texts = (found.url, found.digest, found.trust, found.module, found.h1, found.toolchain)
    if not all(isinstance(one, str) for one in (*texts, found.packed)):
        raise TypeError
    if type(found.size) is not int:
        raise TypeError
    return found


def _fields(one: Locked) -> list[str]:
    built = {"h1": one.h1, "module": one.module, "toolchain": one.toolchain, "packed": one.packed}
    texts = {"digest": one.digest, "trust": one.trust, "url": one.url}
    texts |= {name: text for name, text in built.items() if text}
    lines = {name: f"{name} = {_quoted(text)}" for name, text in texts.items()}
    lines["size"] = f"size = {one.size}"
    return [lines[name] for name in sorted(lines)]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    # a string of JSON is one of TOML, but for one control character
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _unreadable(file: Path, why: str, hint: str = "") -> ConfigError:
    again = "take it from version control again, or remove it and run booty lock"
    return ConfigError(
        f'cannot read "{file}": {why}',
        reference="lock-unreadable",
        subject=str(file),
        hint=hint or again,
    )
