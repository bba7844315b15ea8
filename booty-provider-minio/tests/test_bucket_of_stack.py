"""A bucket of the stack, as a portable client; a program's main way to its files."""

from __future__ import annotations

from typing import Any

import booty
import pytest

pytestmark = pytest.mark.real
PROGRAM = """
import os, booty
with booty.SyncBucket.open(os.environ["BUCKET"]) as bucket:
    bucket.write("from/main", b"written by a program", metadata={"by": "main"})
"""


def test_one_graph_gives_every_url(stacks: Any) -> None:
    """A program writes by the URL in its environment, its user reads by the stack's bucket."""
    text = (
        'buckets = ["uploads"]\n'
        '[services.main]\nuse = "program"\nkind = "task"\n'
        f"run = [{_python()}, '-c', '''{PROGRAM}''']\n"
        'env = { BUCKET = "${services.files.url}/uploads" }\n'
    )
    with stacks.up("rclone", text) as stack:
        with stack.bucket("files") as bucket:
            assert bucket.read("from/main") == b"written by a program"
            bucket.write("mine", b"1")
        with stack.bucket("files", "uploads", prefix="from/") as below:
            assert [one.key for one in below.list()] == ["main"]
        with booty.SyncBucket.open(f"{stack.url('files')}/uploads") as same:
            assert same.read("mine") == b"1"


@pytest.mark.parametrize("engine", ["minio", "versitygw", "rclone"])
def test_a_body_for_no_bucket(stacks: Any, engine: str) -> None:
    """A bucket that is not there is told, also by a server that hangs up while the body comes."""
    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        for _ in range(3):
            with pytest.raises(booty.NotFoundError), stack.bucket("files", "nobucket") as bucket:
                bucket.write("a", bytes(6 * 1024 * 1024))


def test_which_bucket_is_meant(stacks: Any) -> None:
    """Of several one must be named; what has no buckets says so."""
    text = 'buckets = ["uploads", "logs"]\n'
    with stacks.up("rclone", text) as stack:
        with pytest.raises(booty.ConfigError) as caught, stack.bucket("files"):
            pass
        assert caught.value.reference == "bucket-unclear"
        assert '"logs", "uploads"' in caught.value.message
        with stack.bucket("files", "logs") as bucket:
            assert bucket.accessible()
        with pytest.raises(booty.ConfigError), stack.bucket("fils", "logs"):
            pass
        with pytest.raises(booty.InvalidArgumentError), stack.bucket("files", "UP"):
            pass


def _python() -> str:
    import sys

    return f"'{sys.executable}'"
