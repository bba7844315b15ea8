"""Keys as names of files, and back.

A key's parts between slashes are folders and a file of the same names, so that a person finds what
is looked for. What a file system cannot have is escaped: ``%`` and control characters as ``%XX``,
``.`` and ``..`` likewise, an empty part as ``%`` alone; a part that is too long becomes several
folders, each of which but the last ends in ``%+``. No key leads out of the folder, and every name
with a ``%`` that no key has is free for our own files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

__all__ = ["ATTRIBUTES", "TEMPORARY", "folder_of", "path_of", "text_of"]

ATTRIBUTES: Final = "%attrs"
"""Ends the name of the file beside an object that has its attributes."""
TEMPORARY: Final = "%tmp-"
"""Begins the name of a file that is being written."""
_EMPTY: Final = "%"
_MORE: Final = "%+"
_LONGEST: Final = 200
"""Bytes of one name, so that there is room for our endings below the usual limit of 255."""
_WIDEST: Final = 4
"""Bytes that one letter of a name may have."""
_ESCAPE: Final = re.compile(r"[%\x00-\x1f\x7f]")
_ESCAPED: Final = re.compile(r"%([0-9A-F]{2})")


def path_of(key: str) -> str:
    """Return the relative path of an object's file."""
    folders, last = key.split("/")[:-1], key.rpartition("/")[2]
    return "/".join((*(_folder(one) for one in folders), *_names(last)))


def folder_of(prefix: str) -> str:
    """Return the relative path of the folder that has all keys of a prefix; empty for the root."""
    return "/".join(_folder(one) for one in prefix.split("/")[:-1])


def text_of(name: str, *, folder: bool) -> str | None:
    """Return what a name adds to a key.

    Args:
        name: of a file or folder.
        folder: whether it is a folder, which adds a slash unless its part goes on.

    Returns:
        The text; ``None`` if the name belongs to no key: ours, or a stranger's.
    """
    more = folder and name.endswith(_MORE)
    bare = name.removesuffix(_MORE) if more else name
    text = "" if bare == _EMPTY else _ESCAPED.sub(lambda one: chr(int(one[1], 16)), bare)
    try:
        names = list(_names(text))
    except UnicodeEncodeError:  # no UTF-8: no key of ours
        return None
    if names != [bare] or (more and len(bare.encode()) <= _LONGEST - _WIDEST):
        return None
    return text + "/" if folder and not more else text


def _folder(part: str) -> str:
    return "/".join(_names(part))


def _names(part: str) -> Iterator[str]:
    room, name = _LONGEST, ""
    for letter in map(_escaped, part):
        size = len(letter.encode())
        if size > room:
            yield name + _MORE
            room, name = _LONGEST, ""
        name += letter
        room -= size
    yield _dots(name) or _EMPTY


def _escaped(letter: str) -> str:
    return f"%{ord(letter):02X}" if _ESCAPE.match(letter) else letter


def _dots(name: str) -> str:
    return name.replace(".", "%2E") if name in (os.curdir, os.pardir) else name
