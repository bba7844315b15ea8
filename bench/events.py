"""Events of an S3 service beside bare writes of the same engine: how many a second, how late.

Run by itself: ``python bench/events.py ENGINE [COUNT]``. A program of your own is named by
``BOOTY_TEST_<ENGINE>``. Bare writes are those of a stack without events, in the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import booty
import nats
from measure import Case

WRITERS = 16
ROUNDS = 5
COUNT = 300
LONGEST = 60.0
"""Seconds in which a round must be told."""


HEAD = "[stack]\nformat = 1\nname = 'bench'\n"


def _own(engine: str) -> str:
    return os.environ.get(f"BOOTY_TEST_{engine.upper()}", "")


def text(engine: str, *, events: bool, head: str = HEAD) -> str:
    """Return the booty.toml of a round."""
    own = _own(engine) or ("" if engine == "rclone" else shutil.which(engine) or "")
    binary = f'binary = "{own}"\n' if own else ""
    told = "events = 'bus'\nsettings = { events-interval = '200ms' }\n" if events else ""
    return (
        f"{head}[services.bus]\nuse = 'nats'\n"
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
        async with asyncio.timeout(LONGEST):
            while left:
                message = await messages.next_msg(timeout=LONGEST)
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


class Told:
    """Rounds of an engine beside bare writes of the same engine, each in a stack of its own."""

    def __init__(self, engine: str, stack: Callable[[str, str], Any]) -> None:
        self._engine, self._stack = engine, stack
        self._round = 0
        self._files: dict[bool, Path] = {}

    def _file(self, *, events: bool) -> Path:
        if events not in self._files:
            name = f"{'told' if events else 'bare'}-{self._engine}"
            made = self._stack(name, text(self._engine, events=events, head=""))
            made.booty("up", "-d")
            os.environ["BOOTY_HOME"] = made.env["BOOTY_HOME"]
            self._files[events] = made.root / "booty.toml"
        return self._files[events]

    async def _run(self, *, events: bool) -> tuple[float, float]:
        self._round += 1
        file = self._file(events=events)
        async with booty.Stack.open(file) as stack, stack.client("files") as s3:
            if events:
                return await told(stack, s3, self._round, COUNT)
            return (await put(s3, self._round, COUNT),) * 2

    def bare(self) -> float:
        """Return the seconds of writes that nobody is told of."""
        return asyncio.run(self._run(events=False))[0]

    def writes(self) -> float:
        """Return the seconds of writes of which somebody is told."""
        return asyncio.run(self._run(events=True))[0]

    def events(self) -> float:
        """Return the seconds until the last of the writes is told."""
        return asyncio.run(self._run(events=True))[1]

    def lag(self) -> float:
        """Return the seconds from the end of the last write to its event."""
        took, end = asyncio.run(self._run(events=True))
        return max(0.0, end - took)


def cases(stack: Callable[[str, str], Any]) -> list[Case]:
    """Return the figures of each engine that is here; of the others, say why there are none.

    Args:
        stack: makes a stack of a name and a text.
    """
    return [case for engine in ("minio", "versitygw", "rclone") for case in _cases(engine, stack)]


def _cases(engine: str, stack: Callable[[str, str], Any]) -> list[Case]:
    if engine != "rclone" and not (_own(engine) or shutil.which(engine)):
        why = f"is not on PATH, nor named by BOOTY_TEST_{engine.upper()}: no figures of its events"
        print(f"{engine} {why}", file=sys.stderr)
        return []
    one = Told(engine, stack)
    rows = (
        (f"{COUNT} writes that are told", one.writes),
        (f"{COUNT} writes, until the last is told", one.events),
        (f"the last event of {COUNT} after its write", one.lag),
    )
    return [
        Case(
            f"events of {engine}: {what}",
            "measured",
            ours,
            one.bare,
            f"the {COUNT} writes without events",
        )
        for what, ours in rows
    ]


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1], int((sys.argv[2:] or ["300"])[0])))
