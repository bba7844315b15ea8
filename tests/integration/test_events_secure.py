"""Changes of files told through a bus that talks TLS, to who trusts its authority."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from file_stack import PATIENCE

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.mark.parametrize("engine", ["rclone", "minio"])
def test_told_over_tls(told: Any, engine: str) -> None:
    """Server, feed, health and watcher reach a bus by TLS; the first two once more after a kill."""
    with told(engine, bus="settings = { tls = true }\n") as stack:
        words = [sys.executable, "-m", "booty", "client", "files", "watch", "--json", "--count=1"]
        watching = subprocess.Popen(
            words,
            cwd=stack.stack._stack.place.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stderr is not None
        assert watching.stderr.readline() == "watching\n"
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="a", Body=b"1"))
        found = stack.until(lambda events: len(events) == 1)
        said, _ = watching.communicate(timeout=PATIENCE)
        stack.stack.ask("kill", names=["bus"], signal="KILL")
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="b", Body=b"1"))
        found = stack.until(lambda events: len(events) == 2)
        health = stack.stack.health("files.feed.0")["files.feed.0"]
        address = stack.stack.url("bus")

    assert address.startswith("tls://")
    assert [one["subject"] for one in found] == ["uploads/a", "uploads/b"]
    assert json.loads(said)["id"] == found[0]["id"]
    assert health["good"] is True, health


@pytest.mark.parametrize(
    ("engine", "way"),
    [("rclone", ""), ("versitygw", ""), ("minio", ""), ("minio", ", events-way = 'webhook'")],
)
def test_told_by_a_server_with_tls(told: Any, engine: str, way: str) -> None:
    """A server that talks HTTPS is listed, and tells: what it told and what it could not."""
    with told(engine, settings=f", tls = true{way}") as stack:
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="a", Body=b"1"))
        stack.until(lambda events: len(events) == 1)
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="b", Body=b"1"))
        found = stack.until(lambda events: len(events) == 2)
        root = Path(stack.stack._stack.place.state)
        about = json.loads((root / "config/files.feed.0/feed.json").read_text())
        health = stack.stack.health("files.0")["files.0"]

    assert all(url.startswith("https://") for url in about["server"]["urls"])
    assert [one["subject"] for one in found] == ["uploads/a", "uploads/b"]
    listed = engine in {"rclone", "versitygw"}
    assert {one["data"]["via"] for one in found} == {"listing" if listed else "native"}
    assert health["good"] is True, health


def test_a_listing_goes_by_tls(told: Any) -> None:
    """What an engine was not asked to tell yet is found over HTTPS, by its own authority."""
    with told("minio", settings=", tls = true", silent=True) as stack:
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="before", Body=b"1"))
        stack.turn_on()
        found = stack.until(lambda events: len(events) == 1)

    assert [(one["subject"], one["data"]["via"]) for one in found] == [
        ("uploads/before", "listing")
    ]
