"""``Bucket``: what programs hold. It checks, the driver does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from booty.clients.bucket.checks import checked_key
from booty.clients.bucket.life import Life
from booty.clients.bucket.nouns import ListRequest, SignRequest
from booty.clients.bucket.reader import Reader, Span
from booty.clients.bucket.requests import sign_request, write_request
from booty.clients.bucket.session import Hook, Session
from booty.clients.bucket.streams import pieces, poured
from booty.clients.bucket.views import Prefixed, SingleKey
from booty.clients.bucket.writer import Writer
from booty.clients.capability import Capability
from booty.clients.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from types import TracebackType

    from booty.clients.bucket.driver import BucketDriver
    from booty.clients.bucket.nouns import Attributes, Before, Listed, Page
    from booty.clients.bucket.streams import Sink, Stream

__all__ = ["Bucket"]

K = TypeVar("K")
Method = Literal["GET", "PUT", "DELETE"]


class Bucket:
    """A bucket of objects, wherever it is; made by :func:`booty.open_bucket`.

    It connects at ``async with`` or at its first call. Every method raises
    :class:`booty.ClientError` by the codes of ``docs/reference/clients.md``, and
    ``FailedPreconditionError`` once it is closed. ``before`` of a method is called with the native
    request just before it is made. Many tasks may use one bucket at once.

    Args:
        driver: of the bucket, not opened yet.
        name: what errors call it: its URL without credentials.
    """

    def __init__(self, driver: BucketDriver, name: str) -> None:
        self._session = Session(driver, Life(driver, name))

    def __repr__(self) -> str:
        """Return the class and the URL, without credentials."""
        return f"<{type(self).__name__} {self.name}>"

    async def __aenter__(self) -> Self:
        async with self._session.call("open", self.name, "open"):
            pass
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.life.leave()

    @property
    def name(self) -> str:
        """Its URL without credentials and parameters."""
        return self._session.life.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the driver, with the engine behind it, can do."""
        return self._session.driver.capabilities

    async def close(self) -> None:
        """Disconnect, for all views of the bucket, too."""
        await self._session.life.close()

    async def accessible(self) -> bool:
        """Return whether the bucket exists and may be used."""
        async with self._session.call("look at", self.name, "accessible") as driver:
            return await driver.accessible()

    async def exists(self, key: str) -> bool:
        """Return whether there is an object of this key."""
        try:
            await self.attributes(key)
        except NotFoundError:
            return False
        return True

    async def attributes(self, key: str) -> Attributes:
        """Return what is known about an object.

        Raises:
            NotFoundError: there is none.
        """
        self._session.life.check()
        checked_key(key)
        async with self._session.call("tell the attributes of", key, "attributes") as driver:
            return await driver.attributes(key)

    def reader(
        self,
        key: str,
        *,
        offset: int = 0,
        length: int | None = None,
        before: Before | None = None,
    ) -> Reader:
        """Return a stream of an object's bytes, for ``async with``.

        Args:
            key: of the object.
            offset: the first byte.
            length: how many bytes; ``None`` or negative for all to the end.
            before: called with the native request.

        Raises:
            InvalidArgumentError: a negative offset, or a key that cannot be.
            UnimplementedError: a part is asked for, and the driver reads whole objects only.
        """
        self._session.life.check()
        checked_key(key)
        if offset < 0:
            told = f'cannot read "{key}" from {offset}: before the beginning'
            raise InvalidArgumentError(told, reference="offset-invalid", subject=key)
        span = Span(offset, None if length is None or length < 0 else length)
        if span != Span():
            self._session.need(Capability.RANGE, f'read a part of "{key}"')
        return Reader(self._session, key, span, before)

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Return an object's bytes, or a part of them; see :meth:`reader`."""
        async with self.reader(key, offset=offset, length=length) as reader:
            return await reader.read()

    async def download(self, key: str, sink: Sink) -> int:
        """Write an object's bytes to a file or stream, in constant memory.

        Args:
            key: of the object.
            sink: anything with a ``write`` or ``send``, blocking (run in a thread) or not.

        Returns:
            How many bytes.
        """
        async with self.reader(key) as reader:
            return await poured(reader, sink)

    def writer(
        self,
        key: str,
        *,
        content_type: str = "",
        cache_control: str = "",
        content_disposition: str = "",
        content_encoding: str = "",
        content_language: str = "",
        metadata: Mapping[str, str] | None = None,
        md5: bytes | None = None,
        size: int | None = None,
        if_not_exist: bool = False,
        if_match: str | None = None,
        detect: bool = True,
        before: Before | None = None,
    ) -> Writer:
        """Return a stream into an object, for ``async with``; what is there is replaced.

        Args:
            key: of the object.
            content_type: its type; found from the first bytes if it is not given.
            cache_control: header kept with it; likewise the next three.
            content_disposition: see above.
            content_encoding: see above.
            content_language: see above.
            metadata: free text by key; keys are kept in lower case.
            md5: of the whole content, 16 bytes: other bytes are refused.
            size: of the whole content in bytes: fewer or more are refused.
            if_not_exist: only if there is no object.
            if_match: only over the object that has this etag.
            detect: whether to find the type from the first bytes where none is given.
            before: called with the native request.

        Raises:
            InvalidArgumentError: a key, type, header, MD5 or metadata that cannot be.
            UnimplementedError: the driver cannot keep or check what was asked for.
        """
        self._session.life.check()
        options = {
            "content_type": content_type,
            "cache_control": cache_control,
            "content_disposition": content_disposition,
            "content_encoding": content_encoding,
            "content_language": content_language,
            "metadata": metadata,
            "md5": md5,
            "size": size,
            "if_not_exist": if_not_exist,
            "if_match": if_match,
            "before": before,
        }
        request = write_request(self._session, key, options)
        return Writer(self._session, key, request, detect=detect and not content_type)

    async def write(self, key: str, data: bytes | bytearray | memoryview, **options: Any) -> None:
        """Write an object at once; the options are those of :meth:`writer`."""
        async with self.writer(key, **options) as writer:
            await writer.write(data)

    async def upload(self, key: str, source: Stream, **options: Any) -> int:
        """Write an object from a file or stream, in constant memory.

        Args:
            key: of the object.
            source: an open binary file, or an iterable of bytes, blocking (run in a thread) or not.
            options: those of :meth:`writer`.

        Returns:
            How many bytes.
        """
        size = 0
        async with self.writer(key, **options) as writer:
            async for data in pieces(source):
                await writer.write(data)
                size += len(data)
        return size

    async def copy(self, source: str, target: str, *, before: Before | None = None) -> None:
        """Copy an object with all its attributes; the target is replaced entirely.

        Raises:
            NotFoundError: there is no source.
        """
        self._session.need(Capability.COPY, f'copy "{source}"')
        checked_key(source)
        checked_key(target)
        hook = Hook(before)
        if source == target:
            await self.attributes(source)  # it is equal to itself: S3 refuses to copy it
            return
        async with self._session.call("copy", source, "copy", hook) as driver:
            await driver.copy(source, target, hook.before)

    async def delete(self, key: str, *, before: Before | None = None) -> None:
        """Remove an object.

        Raises:
            NotFoundError: there is none.
        """
        self._session.life.check()
        checked_key(key)
        hook = Hook(before)
        async with self._session.call("delete", key, "delete", hook) as driver:
            await driver.delete(key, hook.before)

    async def list(self, prefix: str = "", *, delimiter: str = "") -> AsyncIterator[Listed]:
        """Give all objects, page by page, in byte order of their keys.

        Args:
            prefix: what keys begin with.
            delimiter: with ``/``, keys below a directory are given as that directory alone. Any
                text may be one.
        """
        page = await self.list_page(prefix=prefix, delimiter=delimiter)
        while True:
            for item in page.items:
                yield item
            if page.token is None:
                return
            page = await self.list_page(page.token, prefix=prefix, delimiter=delimiter)

    async def list_page(
        self,
        token: str | None = None,
        *,
        prefix: str = "",
        delimiter: str = "",
        size: int = 1000,
        before: Before | None = None,
    ) -> Page:
        """Return one page of a listing.

        Args:
            token: of the page before; ``None`` for the first.
            prefix: what keys begin with.
            delimiter: see :meth:`list`.
            size: the most items, 1 or more.
            before: called with the native request.

        Raises:
            InvalidArgumentError: a size below 1, or a token that no page gave.
        """
        self._session.need(Capability.LIST, "list")
        if size < 1:
            told = f"cannot list with {size} items a page"
            raise InvalidArgumentError(told, reference="page-size-invalid", subject=self.name)
        hook = Hook(before)
        request = ListRequest(
            prefix=prefix and checked_key(prefix, "prefix"),
            delimiter=delimiter and checked_key(delimiter, "delimiter"),
            token=token,
            size=size,
            before=hook.before,
        )
        async with self._session.call("list", prefix or self.name, "list", hook) as driver:
            return await driver.list(request)

    async def signed_url(
        self,
        key: str,
        method: Method = "GET",
        *,
        expiry: float = 3600.0,
        content_type: str = "",
        no_content_type: bool = False,
        before: Before | None = None,
    ) -> str:
        """Return a URL that lets whoever has it do one thing to an object for a time.

        Args:
            key: of the object, which need not be there.
            method: ``GET``, ``PUT`` or ``DELETE``: the only verb that it is good for.
            expiry: seconds from now, more than 0.
            content_type: the type that a PUT must have.
            no_content_type: whether a PUT with a type is refused.
            before: called with the native request.

        Raises:
            InvalidArgumentError: an expiry of 0 or less, another method, both kinds of type.
            UnimplementedError: the driver cannot sign.
        """
        self._session.life.check()
        hook = Hook(before)
        request = SignRequest(
            method=method,
            expiry=expiry,
            content_type=content_type,
            no_content_type=no_content_type,
            before=hook.before,
        )
        sign_request(self._session, key, request)
        async with self._session.call("sign a URL of", key, "signed_url", hook) as driver:
            return await driver.signed_url(key, request)

    def prefixed(self, prefix: str) -> Bucket:
        """Return the part of the bucket below a prefix; its keys are without the prefix.

        Closing it closes the bucket.
        """
        checked_key(prefix, "prefix")
        return self._view(Prefixed(self._session.driver, prefix))

    def single(self, key: str) -> Bucket:
        """Return the bucket as if it had one object alone, whatever key is asked for.

        Closing it closes the bucket.
        """
        return self._view(SingleKey(self._session.driver, checked_key(key)))

    def native(self, kind: type[K]) -> K | None:
        """Return the native object of a kind, the way out to what only this driver can.

        Args:
            kind: its class, such as aiobotocore's client.

        Returns:
            The object, or ``None`` if this driver has none of that kind.

        Raises:
            InvalidArgumentError: ``kind`` is no class.
        """
        self._session.life.check()
        if not isinstance(kind, type):
            told = f'cannot give the native object of "{kind}": it is no class'
            raise InvalidArgumentError(told, reference="native-invalid", subject=self.name)
        found = self._session.driver.native()
        return next((one for one in found if isinstance(one, kind)), None)

    def _view(self, driver: BucketDriver) -> Bucket:
        view = Bucket.__new__(type(self))
        view._session = Session(driver, self._session.life)  # noqa: SLF001 - one of our own
        return view
