"""A stack of files and a bus, with every engine that can be had, and what it tells."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import booty
import nats
import nats.js.errors
import pytest
from booty_provider_minio.feed import schema
from jsonschema import Draft202012Validator

SCHEMA: Final = Draft202012Validator(
    schema.SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER
)
PATIENCE: Final = 60.0
TELLS: Final = "events = 'bus'\n"
BUCKETS: Final = "buckets = ['uploads', 'my-files']\n"


def lines(engine: str) -> str:
    """Return the lines of a service of an engine; skip where it cannot be had."""
    told = f'use = "minio"\nengine = "{engine}"\nports = {{ api = 0 }}\n'
    if engine == "rclone":
        return told
    found = os.environ.get(f"BOOTY_TEST_{engine.upper()}") or shutil.which(engine)
    if not found:
        pytest.skip(f"{engine} is not here: name it by BOOTY_TEST_{engine.upper()}")
    return f'{told}binary = "{found}"\n'


class Told:
    """A stack with files and a bus, and what it tells."""

    def __init__(self, stack: booty.SyncStack, told: str) -> None:
        self.stack = stack
        self._told = told

    def s3(self, work: Callable[[Any], Awaitable[Any]], service: str = "files") -> Any:
        """Let a coroutine work with the S3 client of a service."""

        async def run() -> Any:
            async with self.stack._stack.client(service) as client:
                return await work(client)

        return self.stack._portal.call(run)

    def turn_on(self) -> None:
        """Let a silent service tell its changes."""
        self.stack._stack.place.file.write_text(self._told)
        self.stack.up()

    def set(self, setting: str) -> None:
        """Change the settings of the service that has files to this one alone."""
        file = self.stack._stack.place.file
        text, begin = file.read_text(), "[services.files]"
        head, _, tail = text.partition(begin)
        tail = re.sub(r"settings = \{.*\}", f"settings = {{ {setting} }}", tail, count=1)
        file.write_text(head + begin + tail)
        self.stack.up()

    def bus(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let a coroutine work with the NATS client."""

        async def run() -> Any:
            async with self.stack._stack.client("bus") as client:
                return await work(client)

        return self.stack._portal.call(run)

    def until(
        self, enough: Callable[[list[dict[str, Any]]], bool], patience: float = PATIENCE
    ) -> list[dict[str, Any]]:
        """Read the events from the first on until there are enough; return them.

        Each must be of the schema.
        """

        async def run() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            async with self.stack._stack.client("bus") as connection:
                try:
                    async with asyncio.timeout(patience):
                        events = await _subscribed(connection)
                        while not enough(found):
                            with suppress(nats.errors.TimeoutError):
                                message = await events.next_msg(timeout=1.0)
                                event = json.loads(message.data)
                                SCHEMA.validate(event)
                                told = {"on": message.subject, "msg-id": _id_of(message)}
                                found.append({**event, **told})
                except TimeoutError:
                    pytest.fail(f"only {len(found)} events: {found[-3:]}")
            return found

        return self.stack._portal.call(run)


def _id_of(message: Any) -> str:
    return str((message.headers or {}).get("Nats-Msg-Id"))


async def _subscribed(connection: Any) -> Any:
    while True:
        with suppress(nats.js.errors.NotFoundError):  # the stream was removed, and not made yet
            return await connection.jetstream().subscribe("minio.bucket.>", ordered_consumer=True)


@pytest.fixture
def told(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a stack of an engine that tells its changes, until the block ends."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "store").symlink_to(programs)
    monkeypatch.setenv("BOOTY_HOME", str(home))

    @contextmanager
    def up(
        engine: str,
        more: str = BUCKETS,
        *,
        interval: str = "200ms",
        settings: str = "",
        bus: str = "",
        silent: bool = False,
    ) -> Iterator[Told]:
        file = tmp_path / "booty.toml"
        head = (
            "[stack]\nformat = 1\nname = 'shop'\n"
            f"[services.bus]\nuse = 'nats'\nports = {{ client = 0, monitor = 0 }}\n{bus}"
            f"[services.files]\n{lines(engine)}"
        )
        words = f"settings = {{ events-interval = '{interval}'{settings} }}\n"
        loud = f"{head}{TELLS}{words}{more}"
        # where nobody listens, the interval is refused
        quiet = f"{head}settings = {{ {settings.removeprefix(', ')} }}\n{more}"
        file.write_text(quiet if silent else loud)
        with booty.SyncStack.open(file) as stack:
            stack.up()
            yield Told(stack, loud)

    return up
