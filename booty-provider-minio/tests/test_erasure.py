"""Stores of several drives and several servers, some of which are lost."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.real
KEY = "a b/é+%.txt"
BODY = bytes(range(256)) * 4096
"""More than MinIO keeps with the metadata: it is spread over the drives."""


async def put(s3: Any) -> None:
    """Write an object."""
    await s3.put_object(Bucket="uploads", Key=KEY, Body=BODY)


async def get(s3: Any) -> bytes:
    """Read it."""
    answer = await s3.get_object(Bucket="uploads", Key=KEY)
    return bytes(await answer["Body"].read())


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_drives_that_are_lost(stacks: Any, through: Any, engine: str) -> None:
    """With one of four drives gone all goes on; with three gone no write does, and health tells."""
    text = 'settings = { drives = 4 }\nbuckets = ["uploads"]'
    with stacks.up(engine, text) as stack:
        data = stacks.root / ".booty" / "data" / "files.0"
        through(stack, put)
        lost(data / "drive1")
        kept = through(stack, get)
        through(stack, put)
        one_less = stack.health("files")["files.0"]
        lost(data / "drive2")
        lost(data / "drive3")
        three_less = stack.health("files")["files.0"]
        with pytest.raises(ClientError):
            through(stack, put)

    assert kept == BODY
    assert (one_less["ready"], one_less["good"]) == (True, True), one_less
    assert not three_less["good"], three_less
    assert three_less["reason"]


def lost(drive: Any) -> None:
    """Take a drive away; a file in its place keeps the server from making it anew."""
    shutil.rmtree(drive)
    drive.write_text("")


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_a_server_that_is_killed(stacks: Any, through: Any, engine: str) -> None:
    """One of four servers may be killed or stopped at any moment; it comes back by itself."""
    with stacks.up(engine, 'replicas = 4\nbuckets = ["uploads"]') as stack:
        through(stack, put)
        whole = stack.health("files")
        first = {row["instance"]: row["pid"] for row in stack.ps()}["files.0"]
        os.kill(first, signal.SIGKILL)
        killed = through(stack, get)
        through(stack, put)
        stack.start("files.0")  # returns when it is ready
        again = {row["instance"]: row["pid"] for row in stack.ps()}["files.0"]
        stack.stop("files.0")
        stopped = through(stack, get)
        through(stack, put)
        less = stack.health("files.1")["files.1"]

    assert all(one["good"] for one in whole.values()), whole
    assert (killed, stopped) == (BODY, BODY)
    assert again not in {first, None}
    assert less["good"], less
