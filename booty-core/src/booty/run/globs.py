"""Globs over paths: ``*`` within a folder, ``**`` over any number of them."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import Final

__all__ = ["IGNORED", "Glob", "ignored"]

IGNORED: Final = frozenset(
    (".git", ".hg", ".svn", ".jj", ".booty", "__pycache__", "node_modules", ".venv", ".tox",
     ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".idea", ".vscode", ".DS_Store")
)  # fmt: skip
"""Names below the fixed part of a glob that it never stands for."""
_EDITORS: Final = ("*~", ".#*", "#*#", ".*.sw?", "4913", "*.pyc")
"""What editors put beside a file while they write it, and what Python makes of it."""
_WILD: Final = frozenset("*?[")


def ignored(name: str) -> bool:
    """Tell whether an entry of a folder is of no interest, whatever a glob says."""
    return name in IGNORED or any(fnmatchcase(name, one) for one in _EDITORS)


class Glob:
    """One glob.

    A glob without a wild part that names a folder stands for all below it.

    Args:
        text: an absolute path with ``*``, ``?``, ``[…]`` and ``**``.

    Attributes:
        base: the folder below which everything lies that it stands for.
    """

    def __init__(self, text: str) -> None:
        self._parts = tuple(os.path.normpath(text).split("/")[1:])
        wild = [at for at, part in enumerate(self._parts) if _WILD & set(part)]
        self._whole = not wild
        fixed = self._parts[: wild[0]] if wild else self._parts[:-1]
        self.base = f"/{'/'.join(fixed)}"

    def fits(self, path: str) -> bool:
        """Tell whether it stands for a file."""
        return self._fits(self._parts, tuple(path.split("/")[1:]), partial=False)

    def descends(self, folder: str) -> bool:
        """Tell whether something below a folder may fit."""
        return self._fits(self._parts, tuple(folder.split("/")[1:]), partial=True)

    def _fits(self, glob: tuple[str, ...], path: tuple[str, ...], *, partial: bool) -> bool:
        if not glob:
            return not path or self._whole
        if glob[0] == "**":
            rest = bool(path) and self._fits(glob, path[1:], partial=partial)
            return rest or self._fits(glob[1:], path, partial=partial)
        if not path:
            return partial
        return fnmatchcase(path[0], glob[0]) and self._fits(glob[1:], path[1:], partial=partial)
