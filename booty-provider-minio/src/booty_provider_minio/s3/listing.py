"""Pages of keys, by the server where it can, by ourselves where its delimiters cannot."""

from __future__ import annotations

from typing import Any, Final

from booty import clients

from booty_provider_minio.s3.answers import directory_of, listed_of
from booty_provider_minio.s3.keys import escaped_prefix, unescaped

__all__ = ["page_of", "page_of_any"]

_BEHIND: Final = "\U0010ffff"
"""Sorts behind all that begins with what is in front of it."""
_MANY: Final = 1000


async def page_of(client: Any, bucket: str, request: clients.ListRequest) -> clients.Page:
    """Return a page as the server cuts it; for a delimiter that all servers know."""
    asked: dict[str, Any] = {
        "Bucket": bucket,
        "Prefix": escaped_prefix(request.prefix),
        "MaxKeys": min(request.size, _MANY),
    }
    asked |= {"Delimiter": request.delimiter} if request.delimiter else {}
    asked |= {} if request.token is None else {"ContinuationToken": request.token}
    clients.call_before(request.before, asked)
    answer = await client.list_objects_v2(**asked)
    rows = [listed_of(one, unescaped(one["Key"])) for one in answer.get("Contents", ())]
    rows += [directory_of(unescaped(one["Prefix"])) for one in answer.get("CommonPrefixes", ())]
    rows.sort(key=lambda one: one.key.encode())
    token = answer.get("NextContinuationToken") if answer.get("IsTruncated", False) else None
    if token is not None and len(rows) == 1:
        token = await _checked(client, asked, token)
    return clients.Page(items=tuple(rows), token=token)


async def _checked(client: Any, asked: dict[str, Any], token: str) -> str | None:
    # behind a last page of one item MinIO names a further one, which is empty
    answer = await client.list_objects_v2(**{**asked, "MaxKeys": 2, "ContinuationToken": token})
    return token if answer.get("Contents") or answer.get("CommonPrefixes") else None


async def page_of_any(client: Any, bucket: str, request: clients.ListRequest) -> clients.Page:
    """Return a page for any delimiter: keys are listed flat, those of a directory skipped."""
    prefix, delimiter = escaped_prefix(request.prefix), escaped_prefix(request.delimiter)
    asked = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": _MANY}
    clients.call_before(request.before, asked)
    place = request.token or ""
    rows: list[clients.Listed] = []
    while True:
        start = {"StartAfter": place} if place else {}
        answer = await client.list_objects_v2(**asked, **start)
        for entry in answer.get("Contents", ()):
            if entry["Key"] <= place:
                continue
            if len(rows) == request.size:
                return clients.Page(items=tuple(rows), token=place)
            at = entry["Key"].find(delimiter, len(prefix))
            found = entry["Key"][: at + len(delimiter)] if at >= 0 else None
            place = entry["Key"] if found is None else found + _BEHIND
            row = listed_of(entry, unescaped(entry["Key"]))
            rows.append(row if found is None else directory_of(unescaped(found)))
        if not answer.get("IsTruncated", False):
            return clients.Page(items=tuple(rows))
