"""The files of a stack: finding booty.toml, parsing, and following ``include``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from booty.errors import BootyError, ConfigError
from booty.paths import config_file

__all__ = [
    "INCLUDED",
    "LOCAL",
    "LOCAL_NAME",
    "NAME",
    "Source",
    "find",
    "layers",
    "named_profiles",
    "parse",
    "sources",
]

NAME: Final = "booty.toml"
LOCAL_NAME: Final = "booty.local.toml"
INCLUDED: Final = frozenset(("include", "defaults", "services", "profiles"))
"""Tables that an included file may hold."""
LOCAL: Final = frozenset(("stack", "defaults", "services", "profiles"))
"""Tables that booty.local.toml may hold."""
_PLACE: Final = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"
_TWICE: Final = r"^Cannot declare \('services', '([^']+)'\) twice"
_INCLUDES: Final = (b"include", b"\\u", b"\\U")
"""One of these stands in a file that has the key ``include``, however it is written."""

Source = tuple[Path, dict[str, Any]]
"""A file and what stands in it."""


def find(
    start: Path | str, file: Path | str | None = None, *, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return the absolute path of the booty.toml to use.

    Args:
        start: folder to look in, and then upward from it.
        file: a file (or its folder) that the caller names; else ``BOOTY_FILE``; both relative to
            ``start``.
        environ: variables to look at.

    Raises:
        ConfigError: ``no-file``.
    """
    base = Path(os.path.abspath(start))  # noqa: PTH100 - symbolic links stay: they are the user's
    asked = file or environ.get("BOOTY_FILE")
    if asked:
        return _asked(Path(os.path.normpath(base / asked)), str(asked))
    for folder in (base, *base.parents):
        if (folder / NAME).is_file():
            return folder / NAME
    raise ConfigError(
        f'cannot find "{NAME}" in "{base}" or above it', reference="no-file", hint="booty init"
    )


def _asked(path: Path, text: str) -> Path:
    path = path / NAME if path.is_dir() else path
    if path.is_file():
        return path
    raise ConfigError(f'cannot find the file "{text}"', reference="no-file", hint="booty init")


def text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: ``no-file``, ``file-unreadable`` or ``file-encoding``.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise ConfigError(
            f'cannot find the file "{path}"', reference="no-file", hint="booty init"
        ) from error
    except OSError as error:
        raise ConfigError(
            f'cannot read "{path}": {error.strerror}',
            reference="file-unreadable",
            hint=f"ls -l {path}",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'cannot read "{path}": it is not UTF-8 at byte {error.start}',
            reference="file-encoding",
            hint="save it as UTF-8",
        ) from error


def parse(path: Path, shown: str) -> dict[str, Any]:
    """Return what stands in a TOML file.

    Args:
        path: the file.
        shown: how messages call it.

    Raises:
        ConfigError: ``toml-syntax`` with line and column; as :func:`text`.
    """
    import tomllib

    content = text(path)
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), content, shown) from error


def _syntax(message: str, content: str, shown: str) -> ConfigError:
    found = re.search(_PLACE, message)
    line, column = (found[1], found[2]) if found and found[1] else _end(content)
    place = f"{shown}:{line}:{column}"
    twice = re.match(_TWICE, message)
    if twice:
        return ConfigError(
            f'cannot have two services named "{twice[1]}" ({place})',
            reference="name-twice",
            subject=f"services.{twice[1]}",
            hint="rename one of them",
        )
    why = message[: found.start()] if found else message
    return ConfigError(
        f'cannot read "{shown}" as TOML: {why[:1].lower()}{why[1:]} ({place})',
        reference="toml-syntax",
        hint=f"look at line {line}, or at the lines before it",
    )


def _end(content: str) -> tuple[str, str]:
    lines = content.split("\n")
    return str(len(lines)), str(len(lines[-1]) + 1)


def shown(path: Path, root: Path) -> str:
    """Return a file's name as messages show it: relative to the root where it is below."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def sources(file: Path, faults: list[BootyError]) -> Iterator[Source]:
    """Yield booty.toml, what it includes, and last booty.local.toml.

    Args:
        file: absolute path of booty.toml.
        faults: what is wrong with a file is added here, and the file left out.
    """
    yield from _Included(file.parent, faults).follow(file, ())
    local = file.with_name(LOCAL_NAME)
    if local.is_file():
        try:
            data = parse(local, LOCAL_NAME)
        except ConfigError as error:
            faults.append(error)
        else:
            yield local, _allowed(data, LOCAL, LOCAL_NAME, faults)


class _Included:
    """Follows ``include`` from file to file, each once."""

    def __init__(self, root: Path, faults: list[BootyError]) -> None:
        self._root = root
        self._faults = faults
        self._seen: set[Path] = set()

    def follow(self, path: Path, above: tuple[Path, ...]) -> Iterator[Source]:
        """Yield a file and all that it includes."""
        if path in self._seen:
            return
        self._seen.add(path)
        name = shown(path, self._root)
        try:
            data = parse(path, name)
        except ConfigError as error:
            self._faults.append(error)
            return
        yield path, _allowed(data, INCLUDED, name, self._faults) if above else data
        for below in self._below(data, path, (*above, path)):
            yield from self.follow(below, (*above, path))

    def _below(self, data: dict[str, Any], path: Path, above: tuple[Path, ...]) -> list[Path]:
        found = []
        for pattern in patterns(data):
            matches = [match for match in expand(path.parent, pattern) if match not in above]
            if not matches:
                self._missing(pattern, path, above)
            found += matches
        return found

    def _missing(self, pattern: str, path: Path, above: tuple[Path, ...]) -> None:
        name = shown(path, self._root)
        if expand(path.parent, pattern):
            chain = " -> ".join(shown(file, self._root) for file in above)
            self._faults.append(
                ConfigError(
                    f'cannot include "{pattern}" in "{name}": it is included by itself ({chain})',
                    reference="include-cycle",
                    subject="include",
                    hint="remove one of the includes",
                )
            )
        elif not any(mark in pattern for mark in "*?["):
            self._faults.append(
                ConfigError(
                    f'cannot include "{pattern}" in "{name}": there is no such file',
                    reference="include-missing",
                    subject="include",
                    hint=f"write the path relative to the folder of {name}",
                )
            )


def patterns(data: Mapping[str, Any]) -> list[str]:
    """Return the well-formed patterns of ``include``; the reader tells of the others."""
    asked = data.get("include", ())
    listed = [asked] if isinstance(asked, str) else asked if isinstance(asked, list) else []
    return [item for item in listed if isinstance(item, str) and item and item[0] != "/"]


def expand(folder: Path, pattern: str) -> list[Path]:
    """Return the files that a pattern names, sorted, booty.local.toml left out."""
    import glob

    # Path.glob would follow no "..", and its "**" finds folders only before Python 3.13
    whole = str(Path(glob.escape(str(folder))) / pattern)
    found = glob.glob(whole, recursive=True)  # noqa: PTH207 - see above
    paths = (Path(os.path.normpath(item)) for item in sorted(found))
    return [path for path in paths if path.is_file() and path.name != LOCAL_NAME]


def _allowed(
    data: dict[str, Any], allowed: frozenset[str], name: str, faults: list[BootyError]
) -> dict[str, Any]:
    from booty.config.reading import nearest

    for key in [key for key in data if key not in allowed]:
        del data[key]
        faults.append(
            ConfigError(
                f'cannot use "{key}" in "{name}": such a file may not hold it',
                reference="unknown-key",
                subject=key,
                hint=nearest(key, allowed),
            )
        )
    return data


def named_profiles(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the profiles that ``BOOTY_PROFILE`` names, between commas or spaces."""
    return tuple(environ.get("BOOTY_PROFILE", "").replace(",", " ").split())


def layers(file: Path | str) -> list[Path]:
    """Return every file that :func:`booty.config.load` reads, without reading more than it must.

    Args:
        file: booty.toml.

    Returns:
        Existing files: booty.toml, included ones, booty.local.toml, the user's config.toml.
    """
    main = Path(file)
    found = _below(main, {})
    return [*found, *filter(Path.is_file, (main.with_name(LOCAL_NAME), config_file()))]


def _below(path: Path, seen: dict[Path, None]) -> list[Path]:
    if path not in seen:
        seen[path] = None
        for pattern in patterns(_head(path)):
            for below in expand(path.parent, pattern):
                _below(below, seen)
    return list(seen)


def _head(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        if not any(word in data for word in _INCLUDES):
            return {}  # mostly: what reads TOML need not be imported
        content = data.decode()
    except (OSError, UnicodeDecodeError):
        return {}  # the reader tells
    return _above_tables(content)


def _above_tables(content: str) -> dict[str, Any]:
    import tomllib

    try:
        # "include" stands above the first table: mostly there is nothing else to parse
        return tomllib.loads(re.split(r"(?m)^[ \t]*\[", content, maxsplit=1)[0])
    except tomllib.TOMLDecodeError:
        return _whole(content)


def _whole(content: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        return {}  # the reader tells
