"""Writing an object: a small one in one request, a large one in parts."""

from __future__ import annotations

import asyncio
from typing import Any

from booty import Code, clients

from booty_provider_minio.s3 import errors
from booty_provider_minio.s3.answers import checksum, conditions, summed, written
from booty_provider_minio.s3.uploads import given_up

__all__ = ["Writer"]


class Writer(clients.ObjectWriter):
    """An object that is being written.

    What is held in memory: one part that fills up, and the parts that are on their way.

    Args:
        client: aiobotocore's.
        named: bucket and key.
        request: what is to be written.
        part: bytes of a part.
        most: parts on their way at once.
        uploading: the writers of this bucket that have parts on the server; it is one of them from
            its first part to its end, so that a bucket that is closed leaves none of them.
    """

    def __init__(
        self,
        client: Any,
        named: dict[str, str],
        request: clients.WriteRequest,
        *,
        part: int,
        most: int,
        uploading: set[Writer],
    ) -> None:
        self._client = client
        self._named = named
        self._request = request
        self._part = part
        self._most = most
        self._uploading = uploading
        self._waiting = bytearray()
        self._upload: dict[str, Any] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._etags: dict[int, str] = {}
        self._number = 0

    async def send(self, data: bytes) -> None:
        """Take the next bytes; waits where enough parts are on their way."""
        self._waiting += data
        while len(self._waiting) > self._part:
            await self._send_part(self._part)

    async def commit(self) -> None:
        """Make the object."""
        if self._upload is None:
            await self._put()
            return
        if self._waiting:
            await self._send_part(len(self._waiting))
        await self._room(1)
        parts = [
            {"ETag": etag, "PartNumber": number} for number, etag in sorted(self._etags.items())
        ]
        await self._client.complete_multipart_upload(
            **self._upload, MultipartUpload={"Parts": parts}, **conditions(self._request)
        )
        self._upload = None
        self._uploading.discard(self)

    async def abort(self) -> None:
        """Stop what is on its way, and remove the parts that arrived."""
        self._uploading.discard(self)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._waiting.clear()
        upload, self._upload = self._upload, None
        if upload is not None:
            await given_up(self._client, upload)

    async def _put(self) -> None:
        request = {
            **self._named,
            **written(self._request),
            **conditions(self._request),
            **checksum(self._request),
        }
        clients.call_before(self._request.before, request)
        data = bytes(self._waiting)
        # S3 takes one checksum, and whoever was called before may have put one there
        told = any(name == "ContentMD5" or name.startswith("Checksum") for name in request)
        try:
            await self._client.put_object(**({} if told else summed(data)), **request, Body=data)
        except errors.SILENT as error:
            if errors.code_of(error) is Code.UNKNOWN:  # whoever says nothing is not asked again
                await self._refuse_missing()
            raise

    async def _refuse_missing(self) -> None:
        # who hangs up while a body comes (versitygw does) is not heard: a HEAD has no body
        try:
            await self._client.head_bucket(Bucket=self._named["Bucket"])
        except errors.ANSWERED as error:
            if errors.code_of(error) is Code.NOT_FOUND:
                raise
        except errors.SILENT:
            pass

    async def _send_part(self, size: int) -> None:
        if self._upload is None:
            self._upload = await self._begun()
            self._uploading.add(self)
        await self._room(self._most)
        self._number += 1
        data = bytes(memoryview(self._waiting)[:size])
        del self._waiting[:size]
        task = asyncio.create_task(self._sent(self._number, data))
        self._under_way.add(task)

    async def _begun(self) -> dict[str, Any]:
        request = {**self._named, **written(self._request)}
        clients.call_before(self._request.before, request)
        answer = await self._client.create_multipart_upload(**request)
        return {**self._named, "UploadId": answer["UploadId"]}

    async def _sent(self, number: int, data: bytes) -> None:
        assert self._upload is not None  # noqa: S101 - begun before the first part
        answer = await self._client.upload_part(
            **self._upload, **summed(data), PartNumber=number, Body=data
        )
        self._etags[number] = answer["ETag"]

    async def _room(self, most: int) -> None:
        # until fewer than so many are on their way; the first that failed ends it
        while len(self._under_way) >= most:
            done, self._under_way = await asyncio.wait(
                self._under_way, return_when=asyncio.FIRST_COMPLETED
            )
            failed = [error for task in done if (error := task.exception()) is not None]
            if failed:
                raise failed[0]
