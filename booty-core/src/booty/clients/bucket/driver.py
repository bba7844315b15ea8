"""What a driver of buckets implements; what it is given has been checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from booty.clients.bucket.nouns import (
    Attributes,
    Before,
    ListRequest,
    Page,
    SignRequest,
    WriteRequest,
)
from booty.clients.capability import Capability
from booty.clients.errors import Code, UnimplementedError, code_of

__all__ = ["BucketDriver", "ObjectReader", "ObjectWriter", "call_before"]


class ObjectReader(ABC):
    """A stream of the bytes of one object.

    Attributes:
        attributes: of the object; ``size`` is that of the whole of it. Metadata may be missing.
    """

    attributes: Attributes

    @abstractmethod
    async def receive(self) -> bytes:
        """Return the next bytes, as many as are at hand, or none at the end."""

    async def aclose(self) -> None:  # noqa: B027 - nothing to give up is usual
        """Give up what is held; called once, also in the middle."""


class ObjectWriter(ABC):
    """An object that is being written; nobody sees it before the commit."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Take the next bytes; returns when it has room for more."""

    @abstractmethod
    async def commit(self) -> None:
        """Make it visible, entirely or not at all, and durable if the driver is."""

    async def abort(self) -> None:  # noqa: B027 - nothing to undo is usual
        """Leave nothing behind; called once, in a shielded scope, if there was no commit."""


class BucketDriver(ABC):
    """One bucket behind one URL.

    Exceptions may be anything: :meth:`code` judges them, the portable type wraps them. Keys are
    valid, not empty and of at most 1,024 bytes.

    Attributes:
        capabilities: what this driver, with the engine behind it, can do.
    """

    capabilities: frozenset[Capability] = frozenset()

    def code(self, error: Exception) -> Code:
        """Return the code of an exception that a method raised."""
        return code_of(error)

    async def open(self) -> None:  # noqa: B027 - not every driver connects
        """Connect; called once, before the first call."""

    async def close(self) -> None:  # noqa: B027 - not every driver connects
        """Disconnect; called once, after the last call, if it was opened."""

    def native(self) -> tuple[object, ...]:
        """Return the objects of the native library that a program may want."""
        return ()

    @abstractmethod
    async def accessible(self) -> bool:
        """Return whether the bucket exists and may be used."""

    @abstractmethod
    async def attributes(self, key: str) -> Attributes:
        """Return what is known about an object; raises what means "not found" if there is none."""

    @abstractmethod
    async def read(
        self, key: str, offset: int, length: int | None, before: Before | None
    ) -> ObjectReader:
        """Open an object for reading.

        Args:
            key: of the object.
            offset: 0 or more; at or behind the end there is nothing to read, which is no error.
            length: bytes, 0 or more; ``None`` for all to the end. With 0 attributes are wanted.
            before: see :data:`~booty.clients.bucket.nouns.Before`.
        """

    @abstractmethod
    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        """Begin to write an object. A condition is judged at the commit at the latest."""

    @abstractmethod
    async def delete(self, key: str, before: Before | None) -> None:
        """Remove an object; raises what means "not found" if there is none."""

    async def list(self, request: ListRequest) -> Page:
        """Return a page of the keys in byte order."""
        raise _unimplemented(Capability.LIST)

    async def copy(self, source: str, target: str, before: Before | None) -> None:
        """Copy an object with all its attributes; the target is replaced entirely."""
        raise _unimplemented(Capability.COPY)

    async def signed_url(self, key: str, request: SignRequest) -> str:
        """Return a URL that is good for one verb for a time."""
        raise _unimplemented(Capability.PRESIGN)


def _unimplemented(needed: Capability) -> UnimplementedError:
    return UnimplementedError(f'the driver does not have "{needed.value}"')


def call_before(before: Before | None, request: Any) -> None:
    """Call what is to be called before a request, if anything is."""
    if before is not None:
        before(request)
