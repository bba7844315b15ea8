"""A bucket in memory.

``mem://`` is a new one each time; ``mem://name`` is one and the same within the process for as long
as somebody holds it.
"""

from __future__ import annotations

import hashlib
import secrets
import weakref
from bisect import bisect_left
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Final

import attrs

from booty.clients.bucket.driver import BucketDriver, ObjectReader, ObjectWriter, call_before
from booty.clients.bucket.listing import paged
from booty.clients.bucket.nouns import (
    Attributes,
    Before,
    Listed,
    ListRequest,
    Page,
    WriteRequest,
)
from booty.clients.capability import Capability
from booty.clients.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from booty.clients.location import Location

__all__ = ["MemoryBucket", "open_bucket"]

_PIECE: Final = 1 << 20


@attrs.frozen
class _Object:
    data: bytes
    attributes: Attributes


class _Store:
    """The objects, and their keys in byte order, which are sorted when they are asked for."""

    def __init__(self) -> None:
        self.objects: dict[str, _Object] = {}
        self._keys: list[bytes] | None = []

    def put(self, key: str, found: _Object) -> None:
        """Set an object."""
        if key not in self.objects:
            self._keys = None
        self.objects[key] = found

    def drop(self, key: str) -> None:
        """Remove an object that is there."""
        del self.objects[key]
        self._keys = None

    def walk(self, start: bytes) -> Generator[bytes, bytes | None, None]:
        """Give keys in order; see :data:`~booty.clients.bucket.listing.Walk`."""
        if self._keys is None:
            self._keys = sorted(key.encode() for key in self.objects)
        keys, at = self._keys, bisect_left(self._keys, start)
        while at < len(keys):
            place = yield keys[at]
            at = at + 1 if place is None else bisect_left(keys, place, at + 1)


_NAMED: Final[weakref.WeakValueDictionary[str, _Store]] = weakref.WeakValueDictionary()


class _Reader(ObjectReader):
    def __init__(self, found: _Object, offset: int, length: int | None) -> None:
        end = None if length is None else offset + length
        self.attributes = found.attributes
        self._data = memoryview(found.data)[offset:end]

    async def receive(self) -> bytes:
        piece, self._data = self._data[:_PIECE], self._data[_PIECE:]
        return bytes(piece)


class _Writer(ObjectWriter):
    def __init__(self, store: _Store, key: str, request: WriteRequest) -> None:
        self._store = store
        self._key = key
        self._request = request
        self._pieces: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self._pieces.append(data)

    async def commit(self) -> None:
        known = self._store.objects.get(self._key)
        _judge(self._request, known)
        self._store.put(self._key, _made(b"".join(self._pieces), self._request, known))

    async def abort(self) -> None:
        self._pieces.clear()


def _judge(request: WriteRequest, known: _Object | None) -> None:
    if request.if_not_exist and known is not None:
        raise FailedPreconditionError("it is there already", reference="object-exists")
    etag = None if known is None else known.attributes.etag
    if request.if_match is not None and request.if_match != etag:
        raise FailedPreconditionError("it is another version", reference="object-changed")


def _made(data: bytes, request: WriteRequest, known: _Object | None) -> _Object:
    now = datetime.now(UTC)
    attributes = Attributes(
        size=len(data),
        modified=now,
        created=now if known is None else known.attributes.created,
        etag=f'"{secrets.token_hex(8)}"',
        md5=hashlib.md5(data, usedforsecurity=False).digest(),
        content_type=request.content_type,
        cache_control=request.cache_control,
        content_disposition=request.content_disposition,
        content_encoding=request.content_encoding,
        content_language=request.content_language,
        metadata=dict(request.metadata),
    )
    return _Object(data, attributes)


class MemoryBucket(BucketDriver):
    """A bucket whose objects are lost with the process."""

    capabilities = frozenset(
        (
            Capability.LIST,
            Capability.LONG_PARTS,
            Capability.RANGE,
            Capability.ATTRS,
            Capability.METADATA,
            Capability.MD5,
            Capability.COPY,
            Capability.CONDITIONAL,
            Capability.IF_MATCH,
            Capability.WHOLE,
            Capability.HOOKS,
        )
    )

    def __init__(self, store: _Store | None = None) -> None:
        self._store = _Store() if store is None else store

    async def accessible(self) -> bool:
        return True

    async def attributes(self, key: str) -> Attributes:
        found = self._found(key).attributes
        return attrs.evolve(found, metadata=dict(found.metadata))

    async def read(
        self, key: str, offset: int, length: int | None, before: Before | None
    ) -> ObjectReader:
        call_before(before, key)
        return _Reader(self._found(key), offset, length)

    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        call_before(request.before, key)
        return _Writer(self._store, key, request)

    async def delete(self, key: str, before: Before | None) -> None:
        self._found(key)
        call_before(before, key)
        self._store.drop(key)

    async def copy(self, source: str, target: str, before: Before | None) -> None:
        found = self._found(source)
        call_before(before, source)
        known = self._store.objects.get(target)
        fields = attrs.asdict(found.attributes, recurse=False)
        names = {one.name for one in attrs.fields(WriteRequest)} - {"md5", "size"}
        kept = {name: value for name, value in fields.items() if name in names}
        self._store.put(target, _made(found.data, WriteRequest(**kept), known))

    async def list(self, request: ListRequest) -> Page:
        call_before(request.before, request.prefix)
        return paged(self._store.walk, request, self._listed)

    def _found(self, key: str) -> _Object:
        found = self._store.objects.get(key)
        if found is None:
            raise NotFoundError("there is no such object")
        return found

    def _listed(self, key: str) -> Listed:
        known = self._found(key).attributes
        return Listed(key=key, size=known.size, modified=known.modified, md5=known.md5)


def open_bucket(location: Location) -> MemoryBucket:
    """Return the driver of a ``mem://`` URL."""
    if location.path.strip("/") or location.port is not None:
        told = f'cannot use "{location.shown}": mem:// has a name at most'
        raise InvalidArgumentError(told, reference="url-invalid", subject=location.shown)
    if not location.host:
        return MemoryBucket()
    store = _NAMED.get(location.host)
    if store is None:
        _NAMED[location.host] = store = _Store()
    return MemoryBucket(store)
