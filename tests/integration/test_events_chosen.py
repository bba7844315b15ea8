"""Changes of some buckets and keys alone are told, whatever the engine."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from file_stack import PATIENCE

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
CHOSEN = """[services.files.buckets.inbox]
events = { prefix = "in ä/", suffix = ".csv" }
[services.files.buckets.private]
events = false
[services.files.buckets.odd]
events = { prefix = "a?" }
[services.files.buckets.zz-all]
"""
WRITTEN = {
    "inbox": ("in ä/1.csv", "in ä/x/2.csv", "in ä/1.txt", "out/1.csv", "1.csv"),
    "private": ("in ä/1.csv", "a"),
    "odd": ("a?", "a?b", "ab", "abc"),
    "zz-all": ("out/1.txt",),
}
TOLD = {
    ("inbox", "in ä/1.csv"): 1,
    ("inbox", "in ä/x/2.csv"): 1,
    ("odd", "a?"): 1,
    ("odd", "a?b"): 1,
    ("zz-all", "out/1.txt"): 1,
}
every_engine = pytest.mark.parametrize("engine", ["minio", "silo", "versitygw", "rclone"])


def counted(events: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how often each object was told."""
    return Counter((one["data"]["bucket"], one["data"]["key"]) for one in events)


class Marks:
    """Marks that are told after what was before them.

    Args:
        told: a stack.
    """

    def __init__(self, told: Any) -> None:
        self._told = told
        self._wanted: set[str] = set()

    def events(self) -> list[dict[str, Any]]:
        """Return all events but the marks', when a second mark has been told."""
        for _ in range(2):
            mark = f"mark-{len(self._wanted)}"
            self._wanted.add(mark)
            self._told.s3(lambda s3, mark=mark: s3.put_object(Bucket="zz-all", Key=mark, Body=b"1"))
            found = self._told.until(
                lambda events, mark=mark: any(one["data"]["key"] == mark for one in events)
            )
        return [one for one in found if one["data"]["key"] not in self._wanted]


async def write(s3: Any) -> None:
    """Write what is told and what is not."""
    for bucket, keys in WRITTEN.items():
        for key in keys:
            await s3.put_object(Bucket=bucket, Key=key, Body=b"1")


async def remove(s3: Any) -> None:
    """Remove all of it."""
    for bucket, keys in WRITTEN.items():
        for key in keys:
            await s3.delete_object(Bucket=bucket, Key=key)


@every_engine
def test_only_what_is_chosen(told: Any, engine: str) -> None:
    """Only keys with the prefix and the suffix, of the buckets that are told, come and go."""
    with told(engine, CHOSEN) as stack:
        marks = Marks(stack)
        stack.s3(write)
        come = marks.events()
        stack.s3(remove)
        gone = marks.events()[len(come) :]

    assert counted(come) == TOLD
    assert {one["type"] for one in come} == {"minio.object.created"}
    assert counted(gone) == TOLD
    assert {one["type"] for one in gone} == {"minio.object.removed"}


@every_engine
def test_another_choice(told: Any, engine: str) -> None:
    """A wider choice tells what was there as created, once; a narrower one tells no end of it."""
    with told(engine, CHOSEN) as stack:
        file = stack.stack._stack.place.file
        marks = Marks(stack)
        stack.s3(write)
        before = marks.events()
        narrow, wide = file.read_text(), file.read_text().replace("events = false", "events = true")
        file.write_text(wide)
        stack.stack.up()
        widened = marks.events()[len(before) :]
        file.write_text(narrow)
        stack.stack.up()
        stack.s3(remove)
        narrowed = marks.events()[len(before) + len(widened) :]

    assert counted(widened) == {("private", key): 1 for key in WRITTEN["private"]}
    assert {one["type"] for one in widened} == {"minio.object.created"}
    assert counted(narrowed) == TOLD


def test_what_is_not_told_is_not_watched(told: Any) -> None:
    """``watch`` refuses a place of which nothing will ever be told, and takes one above it."""

    def watch(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "booty", "client", "files", "watch", *words]
        return subprocess.run(
            command,
            cwd=stack.stack._stack.place.root,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    with told("rclone", CHOSEN) as stack:
        refused = [watch(stack, place) for place in ("private", "inbox/out/", "odd/b")]

    assert [one.returncode for one in refused] == [3, 3, 3]
    assert 'cannot watch "s3://private/": its changes are not told' in refused[0].stderr
    assert "events of [services.files.buckets.inbox]" in refused[1].stderr
