"""Attributes of an object, in a file beside its own.

An object whose attributes are what its bytes alone would give has none. The file holds what belongs
to the last two versions, each known by size and time of the object's file: the new one is written
before the object is renamed into place, so that whoever opens either finds what belongs to it, and
a crash in between loses nothing. A file that a person changed has another time, and so no stale
attributes.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from booty.clients.bucket.nouns import Attributes, WriteRequest
from booty.clients.bucket.sniff import ENOUGH, sniffed

__all__ = [
    "Record",
    "attributes_of",
    "dumped",
    "etag_of",
    "needed",
    "record_for",
    "records",
    "time_of",
    "written",
]

_HEADERS: Final = (
    "content_type",
    "cache_control",
    "content_disposition",
    "content_encoding",
    "content_language",
)
_SECOND: Final = 1_000_000_000
Record = dict[str, Any]


def needed(request: WriteRequest, head: bytes) -> bool:
    """Return whether an object needs a file for its attributes."""
    usual = request.content_type in ("", sniffed(head))
    rest = any(getattr(request, name) for name in _HEADERS[1:])
    return not usual or rest or bool(request.metadata)


def written(request: WriteRequest, found: os.stat_result) -> Record:
    """Return what is written down of one version."""
    headers = {name: value for name in _HEADERS if (value := getattr(request, name))}
    md5 = {} if request.md5 is None else {"md5": base64.b64encode(request.md5).decode()}
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        **headers,
        "metadata": dict(request.metadata),
        **md5,
    }


def records(text: bytes) -> list[Record]:
    """Return what an attributes file holds; nothing if a stranger wrote it."""
    try:
        found = json.loads(text)
        return [one for one in found["versions"] if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError):
        return []


def dumped(versions: list[Record]) -> bytes:
    """Return the text of an attributes file: the newest version first."""
    return json.dumps({"format": 1, "versions": versions}).encode()


def record_for(versions: list[Record], found: os.stat_result) -> Record | None:
    """Return what belongs to this file; an archive may have cut its time to whole seconds."""
    return next((one for one in versions if _same(one, found)), None)


def _same(record: Mapping[str, Any], found: os.stat_result) -> bool:
    time = record.get("mtime_ns")
    if record.get("size") != found.st_size or not isinstance(time, int):
        return False
    cut = found.st_mtime_ns % _SECOND == 0
    return time == found.st_mtime_ns or (cut and time // _SECOND * _SECOND == found.st_mtime_ns)


def attributes_of(descriptor: int, found: os.stat_result, record: Record | None) -> Attributes:
    """Return the attributes of an open object."""
    known: Record = record or {"content_type": sniffed(os.pread(descriptor, ENOUGH, 0))}
    metadata = known.get("metadata", {})
    md5 = known.get("md5")
    headers: Record = {name: str(known.get(name, "")) for name in _HEADERS}
    return Attributes(
        size=found.st_size,
        modified=time_of(found),
        etag=etag_of(found),
        md5=base64.b64decode(md5) if md5 else None,
        metadata={str(key): str(value) for key, value in metadata.items()},
        **headers,
    )


def time_of(found: os.stat_result) -> datetime:
    """Return when a file was written."""
    return datetime.fromtimestamp(found.st_mtime, UTC)


def etag_of(found: os.stat_result) -> str:
    """Return an etag that no two versions have."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'
