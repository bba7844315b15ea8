"""The driver of ``file://`` buckets: threads around a folder."""

from __future__ import annotations

import hashlib
import os
import time
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from booty.clients.bucket.driver import BucketDriver, ObjectReader, ObjectWriter, call_before
from booty.clients.bucket.listing import paged
from booty.clients.bucket.nouns import (
    Attributes,
    Before,
    Listed,
    ListRequest,
    Page,
    SignRequest,
    WriteRequest,
)
from booty.clients.bucket.sniff import ENOUGH
from booty.clients.capability import Capability
from booty.clients.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from booty.clients.file import sidecar
from booty.clients.file.folder import Folder, Opened

if TYPE_CHECKING:
    from booty.clients.file.signing import Signer
    from booty.clients.location import Location

__all__ = ["FileBucket", "open_bucket"]

_PIECE: Final = 1 << 20
_FIRST: Final = 1 << 18
"""Bytes that are read with the opening: a small object costs one trip to a thread."""


async def _threaded(function: Any, *arguments: Any) -> Any:
    from anyio.to_thread import run_sync

    return await run_sync(function, *arguments)


class _Reader(ObjectReader):
    def __init__(self, opened: Opened, offset: int, length: int | None) -> None:
        self.attributes = opened.attributes
        self._opened = opened
        self._at = offset
        rest = max(0, opened.found.st_size - offset)
        self._left = rest if length is None else min(rest, length)
        self._first: bytes | None = self._read(_FIRST)
        if not self._left:
            opened.close()

    async def receive(self) -> bytes:
        first, self._first = self._first, None
        if first is not None or not self._left:
            return first or b""
        data: bytes = await _threaded(self._read, _PIECE)
        return data

    async def aclose(self) -> None:
        self._opened.close()

    def _read(self, size: int) -> bytes:
        data = os.pread(self._opened.descriptor, min(size, self._left), self._at)
        self._at += len(data)
        self._left = self._left - len(data) if data else 0
        return data


class _Temporary:
    """The file of one writer; gone with the writer, if it is not placed."""

    def __init__(self, folder: Folder) -> None:
        self.descriptor, self.path = folder.temporary()
        self._gone = weakref.finalize(self, _dropped, self.descriptor, self.path)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def copied(self, opened: Opened) -> None:
        """Take all bytes of another file."""
        at, size = 0, opened.found.st_size
        while at < size:
            data = os.pread(opened.descriptor, _PIECE, at)
            if not data:
                break
            self.write(data)
            at += len(data)

    def finish(self, *, durable: bool) -> os.stat_result:
        """Give it a time that no other version has, and put it on the disk."""
        now = time.time_ns()
        os.utime(self.descriptor, ns=(now, now))
        if durable:
            os.fsync(self.descriptor)
        return os.fstat(self.descriptor)

    def placed(self) -> None:
        """Let go of the file, which has its name."""
        self._gone.detach()
        os.close(self.descriptor)

    def drop(self) -> None:
        """Remove it."""
        self._gone()

    def unname(self) -> None:
        """Remove its name; whoever writes to it still writes to nothing."""
        if self._gone.alive:
            with suppress(OSError):
                os.unlink(self.path)


def _dropped(descriptor: int, path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
    os.close(descriptor)


class _Writer(ObjectWriter):
    def __init__(
        self,
        folder: Folder,
        key: str,
        request: WriteRequest,
        begun: weakref.WeakSet[_Temporary],
    ) -> None:
        self._folder = folder
        self._begun = begun
        self._key = key
        self._request = request
        self._waiting = bytearray()
        self._file: _Temporary | None = None
        self._md5 = hashlib.md5(usedforsecurity=False) if request.metadata else None

    async def send(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= _PIECE:
            await _threaded(self._flush)

    async def commit(self) -> None:
        await _threaded(self._commit)

    async def abort(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await _threaded(file.drop)

    def _flush(self) -> None:
        if self._file is None:
            self._file = _Temporary(self._folder)
            self._begun.add(self._file)
        waiting, self._waiting = bytes(self._waiting), bytearray()
        if self._md5 is not None:
            self._md5.update(waiting)
        self._file.write(waiting)

    def _commit(self) -> None:
        self._flush()
        assert self._file is not None  # noqa: S101 - flushed
        _placed(self._folder, self._file, self._key, self._requested())
        self._file = None

    def _requested(self) -> WriteRequest:
        return attrs.evolve(self._request, md5=self._md5.digest()) if self._md5 else self._request


def _placed(folder: Folder, file: _Temporary, key: str, request: WriteRequest) -> None:
    found = file.finish(durable=folder.durable)
    kept = sidecar.needed(request, os.pread(file.descriptor, ENOUGH, 0))
    record = sidecar.written(request, found) if kept else None
    with folder.locked():
        _judge(folder, key, request)
        folder.place(file.path, key, record)
    file.placed()


def _judge(folder: Folder, key: str, request: WriteRequest) -> None:
    if not request.if_not_exist and request.if_match is None:
        return
    known = folder.look(key)
    if request.if_not_exist and known is not None:
        raise FailedPreconditionError("it is there already", reference="object-exists")
    etag = None if known is None else sidecar.etag_of(known)
    if request.if_match is not None and request.if_match != etag:
        raise FailedPreconditionError("it is another version", reference="object-changed")


class FileBucket(BucketDriver):
    """A folder as a bucket.

    Args:
        folder: where the objects are.
        create: whether the folder is made if it is not there.
        signer: makes signed URLs; ``None`` if there is nobody who would serve them.
    """

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
            Capability.NATIVE,
            Capability.DURABLE,
        )
    )

    def __init__(
        self, folder: Folder, *, create: bool = False, signer: Signer | None = None
    ) -> None:
        self._folder = folder
        self._create = create
        self._signer = signer
        self._begun = weakref.WeakSet[_Temporary]()
        if signer is not None:
            self.capabilities = self.capabilities | {Capability.PRESIGN, Capability.PRESIGN_NO_TYPE}

    def native(self) -> tuple[object, ...]:
        return (Path(self._folder.root),)

    async def open(self) -> None:
        await _threaded(self._open)

    def _open(self) -> None:
        if self._create:
            os.makedirs(self._folder.root, exist_ok=True)
        self._folder.sweep()

    async def close(self) -> None:
        # what nobody ended goes with its writer, which a thread may hold for a moment still
        await _threaded(self._unname)

    def _unname(self) -> None:
        for file in list(self._begun):
            file.unname()

    async def accessible(self) -> bool:
        return bool(await _threaded(os.path.isdir, self._folder.root))

    async def attributes(self, key: str) -> Attributes:
        found: Attributes = await _threaded(self._attributes, key)
        return found

    def _attributes(self, key: str) -> Attributes:
        opened = self._folder.open(key)
        try:
            return opened.attributes
        finally:
            opened.close()

    async def read(
        self, key: str, offset: int, length: int | None, before: Before | None
    ) -> ObjectReader:
        call_before(before, self._folder.path(key))
        reader: ObjectReader = await _threaded(self._read, key, offset, length)
        return reader

    def _read(self, key: str, offset: int, length: int | None) -> _Reader:
        opened = self._folder.open(key)
        try:
            return _Reader(opened, offset, length)
        except BaseException:
            opened.close()
            raise

    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        call_before(request.before, self._folder.path(key))
        if not await self.accessible():
            raise self._no_folder()
        return _Writer(self._folder, key, request, self._begun)

    async def delete(self, key: str, before: Before | None) -> None:
        if await _threaded(self._folder.look, key) is None:
            raise NotFoundError("there is no such object")
        call_before(before, self._folder.path(key))
        await _threaded(self._delete, key)

    def _delete(self, key: str) -> None:
        with self._folder.locked():
            self._folder.remove(key)

    async def copy(self, source: str, target: str, before: Before | None) -> None:
        call_before(before, self._folder.path(source))
        await _threaded(self._copy, source, target)

    def _copy(self, source: str, target: str) -> None:
        opened = self._folder.open(source)
        try:
            file = _Temporary(self._folder)
            try:
                file.copied(opened)
                self._place_copy(opened, file, target)
            except BaseException:
                file.drop()
                raise
        finally:
            opened.close()

    def _place_copy(self, opened: Opened, file: _Temporary, target: str) -> None:
        known = attrs.asdict(opened.attributes, recurse=False)
        names = {one.name for one in attrs.fields(WriteRequest)} - {"size"}
        request = WriteRequest(**{name: known[name] for name in names if name in known})
        _placed(self._folder, file, target, request)

    async def list(self, request: ListRequest) -> Page:
        call_before(request.before, self._folder.root)
        if not await self.accessible():
            raise self._no_folder()
        walk = self._folder.walk(request.prefix)
        page: Page = await _threaded(partial(paged, walk, request, self._listed))
        return page

    def _listed(self, key: str) -> Listed | None:
        found = self._folder.look(key)
        if found is None:
            return None
        modified = sidecar.time_of(found)
        return Listed(key=key, size=found.st_size, modified=modified)

    async def signed_url(self, key: str, request: SignRequest) -> str:
        if self._signer is None:
            return await super().signed_url(key, request)
        call_before(request.before, self._folder.path(key))
        return self._signer.signed(key, request)

    def _no_folder(self) -> NotFoundError:
        told = f'there is no folder "{self._folder.root}"'
        return NotFoundError(told, reference="bucket-missing", hint='add "?create=true" to the URL')


def open_bucket(location: Location) -> FileBucket:
    """Return the driver of a ``file://`` URL."""
    if location.host not in ("", ".", "localhost") or location.port is not None:
        told = f'cannot use "{location.shown}": a file:// URL has three slashes'
        hint = f"file:///{location.host}{location.path}, or file://./ for a path from here"
        raise InvalidArgumentError(told, reference="url-invalid", hint=hint)
    path = location.path.lstrip("/") if location.host == "." else location.path
    folder = Folder(os.path.realpath(path or "/"), durable=location.parameters["durable"])
    return FileBucket(folder, create=location.parameters["create"], signer=_signer(location))


def _signer(location: Location) -> Signer | None:
    url, file = location.parameters["base_url"], location.parameters["secret_file"]
    if not url and not file:
        return None
    if not (url and file):
        told = f'cannot sign URLs of "{location.shown}" with one of "base_url" and "secret_file"'
        raise InvalidArgumentError(told, reference="url-invalid", hint="give both, or none")
    from booty.clients.file.signing import Signer

    return Signer.of(url, file)
