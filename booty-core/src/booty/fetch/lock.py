"""booty.lock: the exact version of every program, and everything that ever vouched for it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import Factory, frozen

from booty.errors import ConfigError
from booty.model.plan import Artifact

__all__ = ["Lock", "Locked"]

FORMAT: Final = 1
HEAD: Final = "# Written by booty; commit it. Do not edit: `booty lock` makes it again.\n"


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


@frozen(kw_only=True)
class Lock:
    """The lock file as a value.

    Attributes:
        versions: exact version by component id.
        entries: what served a program, by component id and platform, in the order of first use.
    """

    versions: Mapping[str, str] = Factory(dict)
    entries: Mapping[tuple[str, str], tuple[Locked, ...]] = Factory(dict)

    def of(self, component: str, version: str, platform: str) -> tuple[Locked, ...]:
        """Return the entries of one program, if the lock holds this version of it."""
        if self.versions.get(component) != version:
            return ()
        return self.entries.get((component, platform), ())

    def adding(self, component: str, artifact: Artifact) -> Lock:
        """Return a lock that also knows how an artifact was had; what stands there stays."""
        if self.versions.get(component, artifact.version) != artifact.version:
            kept = {key: one for key, one in self.entries.items() if key[0] != component}
        else:
            kept = dict(self.entries)
        new = Locked(
            source=artifact.source,
            url=artifact.url,
            digest=artifact.digest,
            size=artifact.size,
            trust=artifact.trust,
        )
        at = (component, artifact.platform)
        before = tuple(one for one in kept.get(at, ()) if one.source != new.source)
        known = next((one for one in kept.get(at, ()) if one.source == new.source), None)
        if known is None or known.digest != new.digest:
            kept[at] = (*before, new)
        return Lock(versions={**self.versions, component: artifact.version}, entries=kept)

    def without(self, components: set[str]) -> Lock:
        """Return a lock without some components."""
        return Lock(
            versions={key: one for key, one in self.versions.items() if key not in components},
            entries={key: one for key, one in self.entries.items() if key[0] not in components},
        )

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
            return cls._from(data.get("programs", {}))
        except (KeyError, TypeError) as error:
            raise _unreadable(file, f"{error} is missing or wrong") from error

    @classmethod
    def _from(cls, programs: Mapping[str, Any]) -> Lock:
        entries = {
            (component, platform): tuple(Locked(**one) for one in known)
            for component, table in programs.items()
            for platform, known in table["platforms"].items()
        }
        return cls(
            versions={name: table["version"] for name, table in programs.items()}, entries=entries
        )

    def write(self, file: Path) -> bool:
        """Write the lock, whole or not at all; unchanged content is not written again.

        Returns:
            Whether the file was written.

        Raises:
            ConfigError: it cannot be written.
        """
        if not self.versions and not file.exists():
            return False  # a stack of programs of its own needs no lock
        text = self.text()
        try:
            if file.exists() and file.read_text() == text:
                return False
            new = file.with_name(f".{file.name}.{os.getpid()}")
            new.write_text(text)
            new.replace(file)
        except OSError as error:
            raise ConfigError(
                f'cannot write "{file}": {error.strerror}',
                reference="lock-unwritable",
                subject=str(file),
                hint="make the folder writable, or make room",
            ) from error
        return True

    def text(self) -> str:
        """Return the file's text: sorted, one value a line."""
        lines = [HEAD, f"format = {FORMAT}"]
        for component in sorted(self.versions):
            lines += ["", f'[programs."{component}"]', f'version = "{self.versions[component]}"']
            for (name, platform), known in sorted(self.entries.items()):
                if name == component:
                    for one in known:
                        lines += ["", f'[[programs."{component}".platforms.{platform}]]']
                        lines += _fields(one)
        return "\n".join(lines) + "\n"


def _fields(one: Locked) -> list[str]:
    return [
        f'digest = "{one.digest}"',
        f"size = {one.size}",
        f'source = "{one.source}"',
        f'trust = "{one.trust}"',
        f'url = "{one.url}"',
    ]


def _unreadable(file: Path, why: str) -> ConfigError:
    return ConfigError(
        f'cannot read "{file}": {why}',
        reference="lock-unreadable",
        subject=str(file),
        hint="take it from version control again, or remove it and run booty lock",
    )
