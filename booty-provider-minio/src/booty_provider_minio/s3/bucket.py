"""The driver of ``s3://`` buckets, on aiobotocore."""

from __future__ import annotations

import functools
import math
from contextlib import AsyncExitStack
from typing import Any, Final

import attrs
from booty import (
    Code,
    InvalidArgumentError,
    UnimplementedError,
    clients,
)

from booty_provider_minio.s3 import copying, errors, listing, reader
from booty_provider_minio.s3.answers import attributes_of
from booty_provider_minio.s3.keys import escaped
from booty_provider_minio.s3.lacks import Can, can, engine_of
from booty_provider_minio.s3.place import REGION, Place, place_of
from booty_provider_minio.s3.writer import Writer

__all__ = ["S3Bucket", "open_bucket"]

_WEEK: Final = 7 * 86400
_METHODS: Final = {"GET": "get_object", "PUT": "put_object", "DELETE": "delete_object"}


class S3Bucket(clients.BucketDriver):
    """One bucket of a server that speaks S3.

    Args:
        place: where it is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._writers: set[Writer] = set()
        self._engine: str | None = place.parameters["engine"]
        self.capabilities = can(self._engine)

    def code(self, error: Exception) -> Code:
        """Judge what S3 and botocore say."""
        return errors.code_of(error)

    def native(self) -> tuple[object, ...]:
        """Give aiobotocore's client, once connected."""
        return () if self._client is None else (self._client,)

    async def open(self) -> None:
        """Make the client, and ask what the server is where nobody said it."""
        from anyio import to_thread

        # importing and reading botocore's data take a second: in a thread, others go on
        session = await to_thread.run_sync(_session, self._place.parameters["profile"])
        await to_thread.run_sync(_read_authority, self._place.parameters["ca"])
        options = self._place.options()
        if not (options.get("region_name") or session.get_config_variable("region")):
            options["region_name"] = REGION
        made = session.create_client("s3", **options)
        self._client = await self._stack.enter_async_context(made)
        if self._place.endpoint is not None and self._engine is None:
            self._engine = await self._asked()
            self.capabilities = can(self._engine)

    async def close(self) -> None:
        """Give up what nobody ended, and let go of the connections."""
        for writer in list(self._writers):
            await writer.abort()
        await self._stack.aclose()

    async def _asked(self) -> str:
        try:
            answer = await self._client.head_bucket(Bucket=self._place.bucket)
        except errors.ANSWERED as error:
            answer = error.response
        except errors.SILENT:  # whoever calls next is told why
            return ""
        return engine_of(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))

    async def accessible(self) -> bool:
        """Ask for the bucket; what is not "not found" is an error."""
        try:
            await self._client.head_bucket(Bucket=self._place.bucket)
        except Exception as error:
            if errors.code_of(error) is Code.NOT_FOUND:
                return False
            raise
        return True

    async def attributes(self, key: str) -> clients.Attributes:
        """Ask for the head of an object."""
        found = attributes_of(await self._client.head_object(**self._named(key)))
        if self._engine != "rclone":
            return found
        # what rclone adds to copies; what a user calls so it takes for a time, too
        metadata = {name: one for name, one in found.metadata.items() if name != "mtime"}
        return attrs.evolve(found, metadata=metadata)

    async def read(
        self, key: str, offset: int, length: int | None, before: clients.Before | None
    ) -> clients.ObjectReader:
        """Ask for an object, or a range of it."""
        request: dict[str, Any] = self._named(key)
        clients.call_before(before, request)
        return await reader.opened(self._client, request, offset, length)

    async def write(self, key: str, request: clients.WriteRequest) -> clients.ObjectWriter:
        """Begin to write; nothing is sent before a part is full, or all is there."""
        self._need(request)
        told = self._place.parameters
        named = self._named(key)
        return Writer(
            self._client,
            named,
            request,
            part=told["part_size"],
            most=told["concurrency"],
            uploading=self._writers,
        )

    def _need(self, request: clients.WriteRequest) -> None:
        # a bucket that was not open yet when the portable type looked may lack what it has found
        conditional = request.if_not_exist and Can.CONDITIONAL not in self.capabilities
        matching = request.if_match is not None and Can.IF_MATCH not in self.capabilities
        if conditional or matching:
            raise UnimplementedError(
                "this server ignores conditions", reference="capability-missing"
            )

    async def delete(self, key: str, before: clients.Before | None) -> None:
        """Look whether it is there, which S3 does not tell, and delete it."""
        request: dict[str, Any] = self._named(key)
        await self._client.head_object(**request)
        clients.call_before(before, request)
        await self._client.delete_object(**request)

    async def copy(self, source: str, target: str, before: clients.Before | None) -> None:
        """Copy on the server."""
        bucket, told = self._place.bucket, self._place.parameters
        await copying.copied(
            self._client,
            {"Bucket": bucket, "Key": escaped(source)},
            {"Bucket": bucket, "Key": escaped(target)},
            bound=copying.bound_of(self._engine, told["copy_size"]),
            before=before,
        )

    async def list(self, request: clients.ListRequest) -> clients.Page:
        """Return a page of keys; servers know the delimiter ``/`` alone for sure."""
        paged = listing.page_of if request.delimiter in ("", "/") else listing.page_of_any
        return await paged(self._client, self._place.bucket, request)

    async def signed_url(self, key: str, request: clients.SignRequest) -> str:
        """Sign a URL; that a type is absent is not among what S3 signs."""
        if request.expiry > _WEEK:
            told = "S3 signs for a week at most"
            raise InvalidArgumentError(told, reference="sign-invalid", hint=f"expiry={_WEEK}")
        if request.no_content_type:
            told = "S3 cannot sign that there is no content type"
            raise UnimplementedError(told, reference="capability-missing")
        typed = {"ContentType": request.content_type} if request.content_type else {}
        wish: dict[str, Any] = {**self._named(key), **typed}
        clients.call_before(request.before, wish)
        url: str = await self._client.generate_presigned_url(
            _METHODS[request.method], Params=wish, ExpiresIn=math.ceil(request.expiry)
        )
        return url

    def _named(self, key: str) -> dict[str, Any]:
        stored = escaped(key)
        if len(stored.encode()) > clients.LONGEST_KEY:
            told = f"it has more than {clients.LONGEST_KEY} bytes once it is escaped for S3"
            raise InvalidArgumentError(told, reference="key-invalid")
        return {"Bucket": self._place.bucket, "Key": stored}


def _session(profile: str | None) -> Any:
    from aiobotocore.session import AioSession

    # one for each bucket: it keeps the credentials that it found, and those may be others by now
    session = AioSession(profile=profile)
    session.register_component("data_loader", _loader())
    return session


def _read_authority(ca: str | None) -> None:
    """Refuse a file that is none of certificates: what uses it says of none that it is wrong."""
    if ca is None:
        return
    import ssl

    try:
        ssl.create_default_context(cafile=ca)
    except OSError as error:
        why = "it is no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        told = f'cannot read the authority "{ca}": {why}'
        raise InvalidArgumentError(told, reference="url-value", native=error) from error


@functools.cache
def _loader() -> Any:
    from aiobotocore.session import AioSession

    loader = AioSession().get_component("data_loader")
    for name in (("s3", "service-2"), ("s3", "endpoint-rule-set-1")):
        loader.load_service_model(*name)
    return loader


def open_bucket(location: clients.Location) -> S3Bucket:
    """Return the driver of an ``s3://`` URL."""
    return S3Bucket(place_of(location))
