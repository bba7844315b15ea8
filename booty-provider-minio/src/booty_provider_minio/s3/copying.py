"""Copies on the server: in one request up to a bound, in parts above."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from booty import clients

from booty_provider_minio.engines import ENGINES
from booty_provider_minio.s3.answers import KEPT
from booty_provider_minio.s3.uploads import given_up

__all__ = ["PART", "bound_of", "copied"]

PART: Final = 1 << 30
"""Bytes of a part; S3 copies 5 GiB at one time, but a server is silent while it does."""
_MOST_PARTS: Final = 10_000


def bound_of(engine: str | None, size: int) -> int | None:
    """Return the bytes above which an engine copies in parts; ``None`` = in one request always."""
    known = ENGINES.get(engine or "")
    return size if known is None or "part-copies" in known.has else None


async def copied(
    client: Any,
    source: dict[str, Any],
    target: dict[str, Any],
    *,
    bound: int | None,
    changed: dict[str, Any] | None = None,
    before: clients.Before | None = None,
) -> None:
    """Copy an object, with all that belongs to it.

    Args:
        client: aiobotocore's.
        source: ``Bucket Key``.
        target: likewise.
        bound: bytes above which it goes in parts of so many; ``None`` = never.
        changed: what is another of the copy, of :data:`~booty_provider_minio.s3.answers.KEPT`.
        before: called with the request that begins the copy.
    """
    known = await client.head_object(**source)
    told = {**{name: known[name] for name in KEPT if known.get(name)}, **(changed or {})}
    same = {"CopySource": source, "CopySourceIfMatch": known["ETag"]}
    if bound is not None and known["ContentLength"] > bound:
        request = {**target, **told, **await _tagging(client, source, known)}
        clients.call_before(before, request)
        await _in_parts(client, request, {**target, **same}, _spans(known["ContentLength"], bound))
        return
    request = {**target, "CopySource": source}
    if changed:
        request |= {**told, **same, "MetadataDirective": "REPLACE"}
    clients.call_before(before, request)
    await client.copy_object(**request)


async def _tagging(client: Any, source: dict[str, Any], known: dict[str, Any]) -> dict[str, str]:
    # a copy in one request has them by itself
    if not known.get("TagCount"):
        return {}
    found = await client.get_object_tagging(**source)
    return {"Tagging": urlencode([(one["Key"], one["Value"]) for one in found["TagSet"]])}


def _spans(size: int, bound: int) -> list[str]:
    part = max(bound, -(-size // _MOST_PARTS))
    return [f"bytes={at}-{min(at + part, size) - 1}" for at in range(0, size, part)]


async def _in_parts(
    client: Any, request: dict[str, Any], part: dict[str, Any], spans: list[str]
) -> None:
    begun = await client.create_multipart_upload(**request)
    upload = {"Bucket": part["Bucket"], "Key": part["Key"], "UploadId": begun["UploadId"]}
    try:
        parts = []
        for number, span in enumerate(spans, 1):
            about = {**part, **upload, "PartNumber": number, "CopySourceRange": span}
            answer = await client.upload_part_copy(**about)
            parts.append({"ETag": answer["CopyPartResult"]["ETag"], "PartNumber": number})
        await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException:
        await given_up(client, upload)
        raise
