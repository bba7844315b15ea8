"""Changes that a server tells the feed itself, by HTTP."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_events import patient

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
HOOK = ", events-way = 'webhook'"


async def put(s3: Any, first: int, last: int) -> None:
    """Write objects by eight at one time, however often the server is killed meanwhile."""

    async def one(number: int) -> None:
        await patient(lambda: s3.put_object(Bucket="uploads", Key=f"k é+{number}", Body=b"1"))

    for start in range(first, last, 8):
        await asyncio.gather(*map(one, range(start, min(start + 8, last))))


def told_to(stack: Any) -> dict[str, Any]:
    """Return what the feed was told."""
    root = Path(stack.stack._stack.place.state)
    found: dict[str, Any] = json.loads((root / "config/files.feed.0/feed.json").read_text())
    return found


def status(url: str, token: str) -> int:
    """Return how a message with a token is answered."""
    request = urllib.request.Request(url, b"{}", {"Authorization": token}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_nothing_is_lost_or_doubled(told: Any) -> None:
    """Bus, feed and server are killed, the feed hangs: each change is told once, in order."""
    with told("minio", settings=HOOK) as stack:
        stack.s3(lambda s3: put(s3, 0, 50))
        stack.stack.ask("kill", names=["bus"], signal="KILL")
        stack.s3(lambda s3: put(s3, 50, 100))
        stack.stack.ask("wait", names=["bus"], **{"for": "ready"})
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.stack.ask("kill", names=["files.0"], signal="KILL")
        stack.s3(lambda s3: put(s3, 100, 150))
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        stack.s3(lambda s3: put(s3, 150, 200))
        stack.stack.ask("kill", names=["files.feed.0"], signal="CONT")
        found = stack.until(lambda found: len({one["data"]["key"] for one in found}) == 200)

    keys = Counter(one["data"]["key"] for one in found)
    assert keys == dict.fromkeys((f"k é+{number}" for number in range(200)), 1)
    assert {one["data"]["via"] for one in found} == {"native"}
    assert not any(one["data"]["late"] for one in found)


def test_a_bus_that_hangs(told: Any) -> None:
    """No event is answered while the bus does not store it: the server keeps it."""
    with told("minio", settings=HOOK) as stack:
        root = Path(stack.stack._stack.place.state)
        stack.s3(lambda s3: put(s3, 0, 1))
        stack.until(lambda found: len(found) == 1)
        stack.stack.ask("kill", names=["bus"], signal="STOP")
        stack.s3(lambda s3: put(s3, 1, 20))
        about = told_to(stack)["hook"]
        url = f"http://{about['host']}:{about['port']}/"
        waiting = list((root / "data/files.0/events/minio-webhook-BOOTY").glob("*.event"))
        stack.stack.ask("kill", names=["bus"], signal="CONT")
        found = stack.until(lambda found: len(found) >= 20)
        strangers = [status(url, token) for token in ("", "Bearer ", "Bearer x", about["token"])]

    assert about["host"] == "127.0.0.1"
    assert len(waiting) == 19
    assert len({one["data"]["key"] for one in found}) == len(found) == 20
    assert strangers == [403, 403, 403, 403]


def test_another_way_is_taken(told: Any) -> None:
    """A service that told NATS tells its feed from now on: nothing is lost on the way."""
    with told("minio") as stack:
        stack.s3(lambda s3: put(s3, 0, 20))
        stack.set("events-way = 'webhook'")
        stack.s3(lambda s3: put(s3, 20, 40))
        stack.until(lambda found: len({one["data"]["key"] for one in found}) == 40)
        stack.set("events-way = 'listing'")
        stack.s3(lambda s3: put(s3, 40, 60))
        found = stack.until(lambda found: len({one["data"]["key"] for one in found}) == 60)

    assert len(found) == 60
    assert {one["data"]["via"] for one in found[-20:]} == {"listing"}
