"""Changes of files told through a bus that talks TLS, to who trusts its authority."""

from __future__ import annotations

import json
import subprocess
import sys
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
