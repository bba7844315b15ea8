"""Events of an S3 service beside bare writes of the same engine: how many a second, how late.

Run by itself: ``python bench/events.py ENGINE [COUNT]``. A program of your own is named by
``BOOTY_TEST_<ENGINE>``. Bare writes are those of a stack without events, in the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import booty
import nats

WRITERS = 16
ROUNDS = 5


def text(engine: str, *, events: bool) -> str:
    """Return the booty.toml of a round."""
    own = os.environ.get(f"BOOTY_TEST_{engine.upper()}", "")
    binary = f'binary = "{own}"\n' if own else ""
    told = "events = 'bus'\nsettings = { events-interval = '200ms' }\n" if events else ""
    return (
        "[stack]\nformat = 1\nname = 'bench'\n[services.bus]\nuse = 'nats'\n"
        "ports = { client = 0, monitor = 0 }\n[services.files]\nuse = 'minio'\n"
        f"engine = '{engine}'\nports = {{ api = 0 }}\nbuckets = ['uploads']\n{binary}{told}"
    )


def written(root: Path, content: str) -> Path:
    """Write a booty.toml into a new folder."""
    root.mkdir()
    file = root / "booty.toml"
    file.write_text(content)
    return file


async def put(s3: Any, round_: int, count: int) -> float:
    """Write so many small objects by 16 writers; return the seconds."""
    begin = time.perf_counter()
    numbers = iter(range(count))

    async def writer() -> None:
        for number in numbers:
            await s3.put_object(Bucket="uploads", Key=f"{round_}/{number}", Body=b"1")

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return time.perf_counter() - begin


async def told(stack: booty.Stack, s3: Any, round_: int, count: int) -> tuple[float, float]:
    """Write, and read until all is told; return the seconds of both."""
    connection = await nats.connect(stack.url("bus"))
    try:
        messages = await connection.subscribe("minio.bucket.>")
        await connection.flush()
        begin = time.perf_counter()
        writing = asyncio.create_task(put(s3, round_, count))
        left = {f"{round_}/{number}" for number in range(count)}
        while left:
            message = await messages.next_msg(timeout=60)
            left.discard(json.loads(message.data)["data"]["key"])
        return await writing, time.perf_counter() - begin
    finally:
        await connection.close()


async def measure(engine: str, count: int) -> None:
    """Print one line for each round, and the medians."""
    with tempfile.TemporaryDirectory() as folder:
        bare = await rounds(Path(folder) / "bare", engine, count, events=False)
        events = await rounds(Path(folder) / "told", engine, count, events=True)
    plain = statistics.median(took for took, _ in bare)
    written = statistics.median(took for took, _ in events)
    ended = statistics.median(end for _, end in events)
    lag = statistics.median(end - took for took, end in events)
    print(f"{engine}: {count} writes by {WRITERS} writers, medians of {ROUNDS}")
    print(f"  bare writes        {count / plain:8.0f} a second")
    print(f"  writes with events {count / written:8.0f} a second, {plain / written:.2f} of bare")
    print(f"  events             {count / ended:8.0f} a second, {plain / ended:.2f} of bare")
    print(f"  last event after the last write: {lag:.2f} s")


async def rounds(root: Path, engine: str, count: int, *, events: bool) -> list[tuple[float, float]]:
    """Return the seconds of each round, in a stack of their own."""
    found = []
    async with booty.Stack.open(written(root, text(engine, events=events))) as stack:
        await stack.up()
        async with stack.client("files") as s3:
            for round_ in range(ROUNDS):
                if events:
                    found.append(await told(stack, s3, round_, count))
                else:
                    took = await put(s3, round_, count)
                    found.append((took, took))
    return found


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1], int((sys.argv[2:] or ["300"])[0])))
