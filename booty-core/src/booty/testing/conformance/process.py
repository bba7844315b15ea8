"""Another process at work on a bucket: ``python -m booty.testing.conformance.process``.

``URL write KEY SIZE`` writes an object and says ``closed``; ``URL hold KEY SIZE`` writes all of its
bytes, says ``written``, and waits to be killed.
"""

from __future__ import annotations

import sys
from functools import partial

import anyio

from booty.clients.bucket.opening import open_bucket
from booty.testing.conformance.data import noise

__all__ = ["main"]

PIECE = 1 << 20
MARK = {"by": "another process"}


async def main(url: str, do: str, key: str, size: str) -> None:
    """Do what was asked for.

    Args:
        url: of the bucket.
        do: ``write`` or ``hold``.
        key: of the object.
        size: of it, in bytes, a multiple of a MiB.
    """
    async with open_bucket(url) as bucket:
        metadata = MARK if "metadata" in bucket.capabilities else None
        async with bucket.writer(key, metadata=metadata) as writer:
            for _ in range(int(size) // PIECE):
                await writer.write(noise(PIECE))
            if do == "hold":
                _say("written")
                await anyio.sleep_forever()
    _say("closed")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:5]))
