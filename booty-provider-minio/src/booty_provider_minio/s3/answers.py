"""What S3 answers, as nouns of the portable client, and back."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any, Final

from booty import clients

from booty_provider_minio.s3.keys import metadata_from, metadata_to

__all__ = [
    "KEPT",
    "attributes_of",
    "checksum",
    "conditions",
    "directory_of",
    "listed_of",
    "summed",
    "written",
]

_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_HEADERS: Final = {
    "content_type": "ContentType",
    "cache_control": "CacheControl",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
}
KEPT: Final = (*_HEADERS.values(), "Metadata")
"""What is kept of an object beside its body."""


def attributes_of(answer: dict[str, Any]) -> clients.Attributes:
    """Return the attributes that a HEAD or GET answered."""
    headers: dict[str, Any] = {name: answer.get(field, "") for name, field in _HEADERS.items()}
    return clients.Attributes(
        size=_size(answer),
        modified=answer["LastModified"],
        etag=answer.get("ETag", ""),
        md5=_md5(answer.get("ETag", "")),
        metadata=metadata_from(answer.get("Metadata", {})),
        **headers,
    )


def _size(answer: dict[str, Any]) -> int:
    whole = str(answer.get("ContentRange", "")).rpartition("/")[2]
    return int(whole) if whole.isdigit() else int(answer["ContentLength"])


def _md5(etag: str) -> bytes | None:
    # of a multipart upload it is something else, and has a hyphen
    found = _MD5.fullmatch(etag)
    return bytes.fromhex(found[1]) if found else None


def listed_of(entry: dict[str, Any], key: str) -> clients.Listed:
    """Return the row of an object."""
    return clients.Listed(
        key=key,
        size=entry["Size"],
        modified=entry["LastModified"],
        md5=_md5(entry.get("ETag", "")),
    )


def directory_of(key: str) -> clients.Listed:
    """Return the row of a directory."""
    return clients.Listed(key=key, directory=True)


def written(request: clients.WriteRequest) -> dict[str, Any]:
    """Return the parameters of a PUT, or of the beginning of an upload in parts."""
    headers = {
        field: value for name, field in _HEADERS.items() if (value := getattr(request, name))
    }
    metadata = metadata_to(request.metadata)
    return {**headers, **({"Metadata": metadata} if metadata else {})}


def conditions(request: clients.WriteRequest) -> dict[str, str]:
    """Return the parameters of a condition."""
    if request.if_not_exist:
        return {"IfNoneMatch": "*"}
    return {} if request.if_match is None else {"IfMatch": request.if_match}


def checksum(request: clients.WriteRequest) -> dict[str, str]:
    """Return the MD5 that the server compares, too."""
    return {} if request.md5 is None else {"ContentMD5": base64.b64encode(request.md5).decode()}


def summed(data: bytes) -> dict[str, str]:
    """Return the CRC of a body, for a header: over TLS botocore would put it behind the body."""
    return {"ChecksumCRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}
