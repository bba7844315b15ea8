"""The state of instances: one file that only grows, a row a line; the last row of each holds.

A file for each instance, replaced by rename, costs a journalling file system a tenth of a
millisecond a change, and four changes belong to every start. A line more costs a hundredth of that.
The file is written anew, by rename, when most of its lines are of the past.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from booty.run import whole
from booty.supervise.machine import EDGES

__all__ = ["Rows", "read"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
_HEAD: Final = b'{"instance": "'
_MARK: Final = re.compile(rb'"mark": ?"([0-9a-f]{16})"')
SMALL: Final = 1 << 16
"""Bytes up to which a file is never written anew."""
WASTE: Final = 4
"""How many times larger than its living rows a file may become."""


def _name(line: bytes) -> str | None:
    end = line.find(b'"', len(_HEAD))
    if not line.startswith(_HEAD) or end <= len(_HEAD):
        return None
    name = line[len(_HEAD) : end]
    return name.decode() if name.isascii() and name.decode().isprintable() else None


def _last_lines(path: str) -> dict[bytes, list[bytes]]:
    # what is said of each instance, the newest first; instances by what their lines begin with
    found: dict[bytes, list[bytes]] = {}
    try:
        lines = whole.contents(path).split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    for end in reversed(lines):
        # a loss of power leaves blocks of NUL where something was about to be written
        line = end.lstrip(b"\0")
        found.setdefault(line[: line.find(b'"', len(_HEAD)) + 1], []).append(line)
    return found


def _decode(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict) and _sound(row):
            return row
    return None


def _sound(row: dict[str, Any]) -> bool:
    # what somebody has garbled by hand is looked for as if it was cut
    return row.get("state", "absent") in EDGES and isinstance(row.get("pid"), int | None)


def _newest(name: str, lines: list[bytes]) -> tuple[dict[str, Any], bytes]:
    # the row, and the line that says it
    row = _decode(lines[0])
    if row is not None:
        return row, lines[0] + b"\n"
    row = _before_a_cut(name, lines)
    return row, _encode(row)


def _before_a_cut(name: str, lines: list[bytes]) -> dict[str, Any]:
    # cut by a full disk or a loss of power; it often still holds the mark of its process
    mark = found[1].decode() if (found := _MARK.search(lines[0])) else None
    older = next((row for line in lines[1:] if (row := _decode(line)) is not None), None)
    if older is not None and mark in {None, older.get("mark")}:
        return older
    lost = {"instance": name, "state": "stopped", "reason": "state file unreadable"}
    return {**lost, "mark": mark}


def read(path: str) -> dict[str, dict[str, Any]]:
    """Return the row of each instance.

    Args:
        path: the file; need not exist.

    Returns:
        Rows by name, sorted; one that was cut is ``stopped`` with the reason ``state file
        unreadable`` and the ``mark`` that could still be read.

    Raises:
        OSError: the file cannot be read.
    """
    return {name: row for name, (row, _) in _read(path).items()}


def _read(path: str) -> dict[str, tuple[dict[str, Any], bytes]]:
    said = {name: lines for head, lines in _last_lines(path).items() if (name := _name(head))}
    found = {name: _newest(name, said[name]) for name in sorted(said)}
    return {name: both for name, both in found.items() if not both[0].get("forgotten")}


class Rows:
    """Writes the rows of a stack's instances.

    Args:
        path: the file; its folder exists when the first row is written.

    Attributes:
        due: writes down each row that has changed, and tells whether it could.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None
        self._size = 0
        self._torn = False
        self.due: list[Callable[[], bool]] = []
        found = _read(path)
        self._found = {name: row for name, (row, _) in found.items()}
        self._lines = {name: line for name, (_, line) in found.items()}
        self._living = sum(map(len, self._lines.values()))

    def take_found(self) -> dict[str, dict[str, Any]]:
        """Return the rows that were there when this began, see :func:`read`; once."""
        found, self._found = self._found, {}
        return found

    def write(self, row: dict[str, Any]) -> None:
        """Write a row down.

        Args:
            row: the row; ``instance`` names whose it is.

        Raises:
            OSError: it cannot be written; the row before it holds.
        """
        line, name = _encode(row), row["instance"]
        self._append(line)
        self._living += len(line) - len(self._lines.get(name, b""))
        self._lines[name] = line
        self._tidy()

    def write_due(self) -> bool:
        """Write each row that has changed; tells whether all could be."""
        due, self.due = self.due, []
        written = [write() for write in due]
        return all(written)

    def forget(self, name: str) -> None:
        """Let an instance have no row any longer.

        Raises:
            OSError: it cannot be written.
        """
        line = self._lines.pop(name, None)
        if line is not None:
            self._living -= len(line)
            self._append(_encode({"instance": name, "forgotten": True}))

    def _append(self, line: bytes) -> None:
        fd = self._open()
        # a line that could only be written in part must not swallow the next one
        data = b"\n" + line if self._torn else line
        self._torn = True
        while data:
            data = data[os.write(fd, data) :]
        self._torn = False
        self._size += len(line)

    def _open(self) -> int:
        if self._fd is not None and self._whole(self._fd):
            return self._fd
        self._anew()
        self._close()
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return self._fd

    def mend(self) -> None:
        """Write the file anew if it was removed, or cut from outside; else the next row tells."""
        if self._lines:
            with suppress(OSError):
                self._open()

    def _whole(self, fd: int) -> bool:
        found = os.fstat(fd)
        return found.st_nlink > 0 and found.st_size >= self._size

    def _tidy(self) -> None:
        if self._size > SMALL + WASTE * self._living:
            self._close()

    def _anew(self) -> None:
        # also the first time: what a predecessor left may end in the middle of a line
        body = b"".join(self._lines.values())
        staged = f"{self._path}.new"
        fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            while body:
                body = body[os.write(fd, body) :]
            self._size = os.fstat(fd).st_size
        except OSError:
            os.unlink(staged)
            raise
        finally:
            os.close(fd)
        os.replace(staged, self._path)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _encode(row: dict[str, Any]) -> bytes:
    row = {"instance": row["instance"], **row}
    return _ENCODER.encode(row).encode() + b"\n"
