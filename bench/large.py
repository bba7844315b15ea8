"""``make large``: many GiB go up and come down; prints rates and the peak of memory.

By default 5 GiB through ``file://`` in a temporary folder. The bytes are made and compared as they
pass; nothing holds them. Fails if they differ, or if the process grew by more than 256 MiB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import booty

PIECE = 1 << 20
ROOM = 256 << 20


def pattern(number: int) -> bytes:
    """Return the n-th MiB: every one another, so that a shifted answer is visible."""
    return number.to_bytes(8, "big") * (PIECE // 8)


class Compared:
    """A sink that compares what comes with what was sent."""

    def __init__(self) -> None:
        self.size = 0
        self._rest = b""

    async def write(self, data: bytes) -> None:
        """Compare; raises where it differs."""
        data = self._rest + data
        whole = len(data) // PIECE * PIECE
        for at in range(0, whole, PIECE):
            if data[at : at + PIECE] != pattern((self.size + at) // PIECE):
                sys.exit(f"other bytes near {self.size + at}")
        self.size += whole
        self._rest = data[whole:]


def made(size: int) -> Iterator[bytes]:
    """Give an object, a MiB at a time."""
    for number in range(size // PIECE):
        yield pattern(number)


def peak() -> int:
    """Return the most memory that this process had so far, in bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


async def run(url: str, size: int) -> None:
    """Send, fetch, remove; print the figures."""
    async with booty.open_bucket(url) as bucket:
        await bucket.write("large", b"")
        before, begin = peak(), time.perf_counter()
        await bucket.upload("large", made(size))
        between = time.perf_counter()
        sink = Compared()
        await bucket.download("large", sink)
        end = time.perf_counter()
        await bucket.delete("large")
    grown = peak() - before
    if sink.size != size:
        sys.exit(f"{sink.size} bytes came, {size} went")
    rates = [size / PIECE / seconds for seconds in (between - begin, end - between)]
    print(f"{bucket.name}: {size >> 20} MiB, up {rates[0]:.0f} MiB/s, down {rates[1]:.0f} MiB/s,")
    print(f"memory grew by {grown / PIECE:.0f} MiB")
    if grown > ROOM:
        sys.exit("that is not constant")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--gib", type=float, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="booty-large-") as folder:
        anyio.run(run, asked.url or Path(folder).as_uri(), int(asked.gib * 1024) << 20)


if __name__ == "__main__":
    main()
