"""``SyncBucket``: the same names as :class:`booty.Bucket`, blocking."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from booty.clients.blocking import Blocking, Twin
from booty.clients.bucket.face import Bucket
from booty.clients.bucket.opening import open_bucket

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from booty.clients.bucket.face import Method
    from booty.clients.bucket.nouns import Attributes, Before, Listed, Page
    from booty.clients.bucket.reader import Reader
    from booty.clients.bucket.streams import Sink, Stream
    from booty.clients.bucket.writer import Writer

__all__ = ["SyncBucket", "SyncReader", "SyncWriter"]


class SyncReader(Blocking):
    """See :class:`booty.clients.Reader`."""

    def __init__(self, reader: Reader, running: BlockingPortal) -> None:
        super().__init__(running)
        self._reader = reader

    @property
    def attributes(self) -> Attributes:
        """What is known about the object; metadata may be missing."""
        return self._reader.attributes

    @property
    def size(self) -> int:
        """Bytes of the whole object."""
        return self._reader.size

    @property
    def length(self) -> int:
        """Bytes that this reader gives from its beginning to its end."""
        return self._reader.length

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes: exactly ``size``, fewer at the end, none behind it."""
        return self._run(self._reader.read, size)

    def receive(self) -> bytes:
        """Return the bytes that come next, as they come; none at the end."""
        return self._run(self._reader.receive)

    def __iter__(self) -> Iterator[bytes]:
        """Give all that is left, in pieces as they come."""
        while data := self.receive():
            yield data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place; costs nothing before the next read."""
        return self._run(self._reader.seek, offset, whence)

    def tell(self) -> int:
        """Return the place, in bytes from the reader's beginning."""
        return self._reader.tell()


class SyncWriter(Blocking):
    """See :class:`booty.clients.Writer`."""

    def __init__(self, writer: Writer, running: BlockingPortal) -> None:
        super().__init__(running)
        self._writer = writer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._run(self._writer.write, data)

    def close(self) -> None:
        """Make the object, entirely; a second time does nothing."""
        self._run(self._writer.close)

    def abort(self) -> None:
        """Give up, leaving nothing behind."""
        self._run(self._writer.abort)


class SyncBucket(Twin[Bucket]):
    """A bucket in the hands of a blocking program; see :class:`booty.Bucket` for what each does.

    Threads may share one.
    """

    _opener = staticmethod(open_bucket)

    def accessible(self) -> bool:
        """Return whether the bucket exists and may be used."""
        return self._run(self._one.accessible)

    def exists(self, key: str) -> bool:
        """Return whether there is an object of this key."""
        return self._run(self._one.exists, key)

    def attributes(self, key: str) -> Attributes:
        """Return what is known about an object."""
        return self._run(self._one.attributes, key)

    @contextmanager
    def reader(
        self,
        key: str,
        *,
        offset: int = 0,
        length: int | None = None,
        before: Before | None = None,
    ) -> Iterator[SyncReader]:
        """Give a stream of an object's bytes for as long as the block lasts."""
        reader = self._one.reader(key, offset=offset, length=length, before=before)
        with self._inside(reader):
            yield SyncReader(reader, self._portal)

    def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Return an object's bytes, or a part of them."""
        return self._run(self._one.read, key, offset=offset, length=length)

    def download(self, key: str, sink: Sink) -> int:
        """Write an object's bytes to a file or stream, in constant memory."""
        return self._run(self._one.download, key, sink)

    @contextmanager
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
    ) -> Iterator[SyncWriter]:
        """Give a stream into an object; leaving the block makes it, an exception does not."""
        writer = self._one.writer(
            key,
            content_type=content_type,
            cache_control=cache_control,
            content_disposition=content_disposition,
            content_encoding=content_encoding,
            content_language=content_language,
            metadata=metadata,
            md5=md5,
            size=size,
            if_not_exist=if_not_exist,
            if_match=if_match,
            detect=detect,
            before=before,
        )
        with self._inside(writer):
            yield SyncWriter(writer, self._portal)

    def write(self, key: str, data: bytes | bytearray | memoryview, **options: Any) -> None:
        """Write an object at once; the options are those of :meth:`writer`."""
        self._run(self._one.write, key, data, **options)

    def upload(self, key: str, source: Stream, **options: Any) -> int:
        """Write an object from a file or stream, in constant memory."""
        return self._run(self._one.upload, key, source, **options)

    def copy(self, source: str, target: str, *, before: Before | None = None) -> None:
        """Copy an object with all its attributes; the target is replaced entirely."""
        self._run(self._one.copy, source, target, before=before)

    def delete(self, key: str, *, before: Before | None = None) -> None:
        """Remove an object."""
        self._run(self._one.delete, key, before=before)

    def list(self, prefix: str = "", *, delimiter: str = "") -> Iterator[Listed]:
        """Give all objects, page by page, in byte order of their keys."""
        return self._each(self._one.list(prefix, delimiter=delimiter))

    def list_page(
        self,
        token: str | None = None,
        *,
        prefix: str = "",
        delimiter: str = "",
        size: int = 1000,
        before: Before | None = None,
    ) -> Page:
        """Return one page of a listing."""
        return self._run(
            self._one.list_page,
            token,
            prefix=prefix,
            delimiter=delimiter,
            size=size,
            before=before,
        )

    def signed_url(
        self,
        key: str,
        method: Method = "GET",
        *,
        expiry: float = 3600.0,
        content_type: str = "",
        no_content_type: bool = False,
        before: Before | None = None,
    ) -> str:
        """Return a URL that lets whoever has it do one thing to an object for a time."""
        return self._run(
            self._one.signed_url,
            key,
            method,
            expiry=expiry,
            content_type=content_type,
            no_content_type=no_content_type,
            before=before,
        )

    def prefixed(self, prefix: str) -> Self:
        """Return the part of the bucket below a prefix; its keys are without the prefix."""
        return type(self)(self._one.prefixed(prefix), self._portal)

    def single(self, key: str) -> Self:
        """Return the bucket as if it had one object alone, whatever key is asked for."""
        return type(self)(self._one.single(key), self._portal)
