"""Files and streams of every kind, as one: pieces of bytes in, pieces of bytes out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Final, Protocol, TypeAlias

__all__ = ["PIECE", "Sink", "Stream", "pieces", "poured"]

PIECE: Final = 1 << 20
"""Bytes that are read from a file at once."""


class _Readable(Protocol):
    def read(self, size: int, /) -> Any: ...


class _Writable(Protocol):
    def write(self, data: bytes, /) -> Any: ...


Stream: TypeAlias = _Readable | Iterable[bytes] | AsyncIterable[bytes]
"""An open binary file (blocking or not), or an iterable of bytes (blocking or not)."""
Sink: TypeAlias = _Writable
"""Something with a ``write``, blocking or not."""


def pieces(source: Stream) -> AsyncIterator[bytes]:
    """Give what a file or stream holds; what blocks is run in a thread."""
    if isinstance(source, AsyncIterable):
        return aiter(source)
    read = getattr(source, "read", None)
    if read is None:
        return _iterated(iter(source))  # type: ignore[arg-type]  # what has no read is iterable
    if iscoroutinefunction(read):
        return _awaited(read)
    return _threaded(partial(read, PIECE))


async def poured(source: AsyncIterable[bytes], sink: Sink) -> int:
    """Write all pieces to a sink; returns how many bytes."""
    from anyio.to_thread import run_sync

    waits = iscoroutinefunction(sink.write)
    size = 0
    async for data in source:
        if waits:
            await sink.write(data)
        else:
            await run_sync(sink.write, data)
        size += len(data)
    return size


async def _awaited(read: Any) -> AsyncIterator[bytes]:
    while data := await read(PIECE):
        yield data


async def _threaded(read: Any) -> AsyncIterator[bytes]:
    from anyio.to_thread import run_sync

    while data := await run_sync(read):
        yield data


async def _iterated(source: Iterator[bytes]) -> AsyncIterator[bytes]:
    from anyio.to_thread import run_sync

    while (data := await run_sync(next, source, None)) is not None:
        yield data
