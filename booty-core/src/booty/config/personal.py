"""The user's own ``config.toml``: mirrors, tokens and the secrets backend, for all stacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from booty.config import files, lines
from booty.config.keys import USER
from booty.config.reading import BAD, At, Reading
from booty.paths import config_file

__all__ = ["UserConfig", "read", "user"]


@frozen(kw_only=True)
class UserConfig:
    """What a user wants in all stacks.

    Attributes:
        mirrors: base-URL overrides by host, ``*`` for all others.
        tokens: references to what private releases are asked with, by host.
        secrets: name of the backend; empty = ``file``.
    """

    mirrors: Mapping[str, str] = Factory(dict)
    tokens: Mapping[str, str] = Factory(dict)
    secrets: str = ""


def user(file: Path | None = None) -> UserConfig:
    """Return the user's own configuration; all defaults when there is no file.

    Args:
        file: the file; by default ``config.toml`` in the user's config folder.

    Raises:
        ConfigError: one fault in it.
        BootyErrors: several.
    """
    return UserConfig(**read(file or config_file()))


def read(path: Path) -> dict[str, Any]:
    """Return the checked keys of the user's file; empty when it is not there.

    Raises:
        ConfigError: one fault in it.
        BootyErrors: several.
    """
    if not path.is_file():
        return {}
    data = files.parse(path, str(path))

    def where(at: At) -> str:
        number, _ = lines.line(files.text(path), at)
        return f"{path}:{number}" if number else str(path)

    reading = Reading(where)
    result = USER.read(data, (), reading)
    reading.finish()
    return {} if result is BAD else dict(result)
