"""Copies on the server: in one request up to 5 GiB, in parts above."""

from __future__ import annotations

from typing import Any, Final

from booty import clients

from booty_provider_minio.s3.answers import attributes_of, written
from booty_provider_minio.s3.uploads import given_up

__all__ = ["copied"]

_LARGEST: Final = 5 << 30
_PART: Final = 1 << 30


async def copied(
    client: Any, bucket: str, source: str, target: str, before: clients.Before | None
) -> None:
    """Copy an object, with all that belongs to it.

    Args:
        client: aiobotocore's.
        bucket: of both.
        source: stored key.
        target: stored key.
        before: called with the request of the copy.
    """
    known = attributes_of(await client.head_object(Bucket=bucket, Key=source))
    request = {
        "Bucket": bucket,
        "Key": target,
        "CopySource": {"Bucket": bucket, "Key": source},
    }
    clients.call_before(before, request)
    if known.size <= _LARGEST:
        await client.copy_object(**request)
    else:
        await _in_parts(client, request, known)


async def _in_parts(client: Any, request: dict[str, Any], known: clients.Attributes) -> None:
    named = {name: request[name] for name in ("Bucket", "Key")}
    wish = clients.WriteRequest(
        content_type=known.content_type,
        cache_control=known.cache_control,
        content_disposition=known.content_disposition,
        content_encoding=known.content_encoding,
        content_language=known.content_language,
        metadata=known.metadata,
    )
    begun = await client.create_multipart_upload(**named, **written(wish))
    upload = {**named, "UploadId": begun["UploadId"]}
    try:
        await _parts(client, {**request, **upload}, known)
    except BaseException:
        await given_up(client, upload)
        raise


async def _parts(client: Any, request: dict[str, Any], known: clients.Attributes) -> None:
    parts = []
    for number, at in enumerate(range(0, known.size, _PART), 1):
        span = f"bytes={at}-{min(at + _PART, known.size) - 1}"
        answer = await client.upload_part_copy(
            **request, PartNumber=number, CopySourceRange=span, CopySourceIfMatch=known.etag
        )
        parts.append({"ETag": answer["CopyPartResult"]["ETag"], "PartNumber": number})
    upload = {name: request[name] for name in ("Bucket", "Key", "UploadId")}
    await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
