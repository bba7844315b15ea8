"""Bodies of objects up and down, in pieces: of any size in little memory."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from booty import Code

from booty_provider_minio.s3.answers import KEPT
from booty_provider_minio.s3.errors import code_of
from booty_provider_minio.s3.uploads import given_up
from booty_provider_minio.session import Refused, Unreachable, ask, exists

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import IO

__all__ = ["KEPT", "SECONDS", "pages", "pieces", "upload"]

SECONDS: Final = 60
"""How long the server may be silent."""
PART: Final = 16 * 1024 * 1024
"""Bytes that are sent at one time; S3 takes at most 10,000 parts, and none under 5 MiB."""
_MOST_PARTS: Final = 10_000


async def pages(client: Any, listing: str, **about: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield the pages of a listing.

    Args:
        client: an S3 client.
        listing: the call, such as ``list_objects_v2``.
        about: its fields.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    found = aiter(client.get_paginator(listing).paginate(**about))
    while True:
        try:
            page = await ask(anext(found))
        except StopAsyncIteration:
            return
        yield page


async def pieces(body: Any, size: int) -> AsyncIterator[bytes]:
    """Yield a body in pieces, and close it.

    Raises:
        Unreachable: the server stopped in the middle.
    """
    async with body:
        while piece := await ask(body.read(size)):
            yield piece


async def upload(client: Any, bucket: str, key: str, file: Path, **told: Any) -> None:
    """Send a file: at once if it is small, else in parts; an upload that fails leaves nothing.

    Args:
        client: an S3 client.
        bucket: its name.
        key: the object's.
        file: what is sent.
        told: further fields, see :data:`KEPT`.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    with file.open("rb") as body:
        size = os.fstat(body.fileno()).st_size
        if size <= PART:
            await _put(client, bucket, key, body.read(), **told)
            return
        made = await ask(client.create_multipart_upload(Bucket=bucket, Key=key, **told))
        about = {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}
        try:
            parts = await _parts(client, body, max(PART, -(-size // _MOST_PARTS)), about)
            await ask(client.complete_multipart_upload(**about, MultipartUpload={"Parts": parts}))
        except BaseException:
            await given_up(client, about)
            raise


async def _put(client: Any, bucket: str, key: str, body: bytes, **told: Any) -> None:
    try:
        await ask(client.put_object(Bucket=bucket, Key=key, Body=body, **told))
    except Unreachable as error:
        cause = error.__cause__
        if not isinstance(cause, Exception) or code_of(cause) is not Code.UNKNOWN:
            raise  # whoever says nothing is not asked again
        # who hangs up while a body comes (versitygw does) is not heard: a HEAD has no body
        with suppress(Unreachable):
            if not await exists(client, bucket):
                raise Refused("NoSuchBucket", 404, "there is no such bucket") from None
        raise


async def _parts(
    client: Any, body: IO[bytes], size: int, about: dict[str, Any]
) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    while piece := body.read(size):
        number = len(parts) + 1
        answer = await ask(client.upload_part(**about, PartNumber=number, Body=piece))
        parts.append({"ETag": answer["ETag"], "PartNumber": number})
    return parts
