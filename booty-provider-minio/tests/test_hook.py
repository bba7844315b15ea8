"""A server that tells the feed by HTTP: who is heard, and when it is answered."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from booty_provider_minio.feed import disk, hook
from booty_provider_minio.feed.changes import Change
from booty_provider_minio.feed.teller import Teller

ABOUT = {"key": "a%2Bb", "sequencer": "18EA78E1E9E4BFDC", "size": 1, "eTag": "00"}
EVENT = json.dumps(
    {
        "Records": [
            {
                "eventName": "s3:ObjectCreated:Put",
                "eventTime": "2026-11-22T20:45:13.158Z",
                "s3": {"bucket": {"name": "uploads"}, "object": ABOUT},
            }
        ]
    }
).encode()


class Bus:
    """Stores what it is told, as long as it is well."""

    def __init__(self) -> None:
        self.well = asyncio.Event()
        self.told: list[Change] = []

    async def tell(self, changes: Iterable[Change]) -> None:
        """Store it, when the bus is well."""
        await self.well.wait()
        self.told += changes


Post = Callable[..., Awaitable[int]]


def play(path: Path, work: Callable[[Bus, Post], Awaitable[None]]) -> None:
    """Let a coroutine post to a listener."""

    async def run() -> None:
        bus = Bus()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with disk.opened(str(path / "cursor.db")) as database:
            teller = Teller(bus, database, 3600, lists=True)  # type: ignore[arg-type] # stand-in
            about: dict[str, Any] = {"host": "127.0.0.1", "port": port, "token": "secret"}
            about["certificate"] = {}
            async with hook.listening(about, teller), aiohttp.ClientSession() as session:

                async def post(body: bytes = EVENT, token: str = "Bearer secret") -> int:
                    told = {"Authorization": token} if token else {}
                    url = f"http://127.0.0.1:{port}/"
                    async with session.post(url, data=body, headers=told) as answer:
                        return answer.status

                await work(bus, post)

    asyncio.run(run())


def test_an_event_is_answered_when_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the bus is away the server is asked to come again; what it says twice is told once."""
    monkeypatch.setattr(hook, "STORED_SECONDS", 0.05)

    async def work(bus: Bus, post: Post) -> None:
        assert await post() == 503
        bus.well.set()
        assert await post() == 204
        assert await post() == 204
        assert [(one.key, one.via) for one in bus.told] == [("a+b", "native")]

    play(tmp_path, work)


def test_strangers_are_not_heard(tmp_path: Path) -> None:
    """Who does not show the token is refused, whatever he says."""

    async def work(bus: Bus, post: Post) -> None:
        bus.well.set()
        for token in ("", "secret", "Bearer", "Bearer secret2", "Basic secret", "Bearer sécret"):
            assert await post(token=token) == 403
        assert bus.told == []

    play(tmp_path, work)


def test_what_is_no_event_does_not_stop_the_queue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said in the log and answered as done: the server would send it for ever."""

    async def work(bus: Bus, post: Post) -> None:
        bus.well.set()
        assert await post(b"{") == 204
        assert bus.told == []

    play(tmp_path, work)

    assert "dropped a message that is no event" in capsys.readouterr().out
