"""Which change is told by which engine: each is done on a real server, and held to its promise."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty_provider_minio.engines import ENGINES
from booty_provider_minio.promises import CASES, promised

OUTCOMES = Path(__file__).parents[2] / "docs/reference/conformance"
RUNS = [(name, way) for name, engine in ENGINES.items() for way in engine.ways]
"""Each engine by each way in which its changes can be heard of."""
PLAIN, KEEPS, LAST = "aa-plain", "bb-keeps", "zz-last"
PART = b"p" * 1024


class Objects:
    """Objects of one bucket, each by the name of its case.

    Args:
        s3: a client.
        keeps: whether it is the bucket that keeps versions.
    """

    def __init__(self, s3: Any, *, keeps: bool) -> None:
        self.s3 = s3
        self.bucket = KEEPS if keeps else PLAIN

    async def put(self, key: str, body: bytes) -> str:
        """Write; return the version."""
        answer = await self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return str(answer.get("VersionId", ""))

    async def delete(self, key: str, **about: str) -> str:
        """Delete; return the version of the marker."""
        answer = await self.s3.delete_object(Bucket=self.bucket, Key=key, **about)
        return str(answer.get("VersionId", ""))

    async def copy(self, source: str, key: str, **about: Any) -> None:
        """Copy within the bucket."""
        origin = {"Bucket": self.bucket, "Key": source}
        await self.s3.copy_object(Bucket=self.bucket, Key=key, CopySource=origin, **about)

    async def tag(self, key: str) -> None:
        """Put a tag on it."""
        tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
        await self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging=tags)

    async def in_parts(self, key: str) -> None:
        """Upload in one part."""
        about = {"Bucket": self.bucket, "Key": key}
        about["UploadId"] = (await self.s3.create_multipart_upload(**about))["UploadId"]
        tag = (await self.s3.upload_part(**about, PartNumber=1, Body=PART))["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        await self.s3.complete_multipart_upload(**about, MultipartUpload=parts)


Step = Callable[[Objects, str], Awaitable[Any]]
HELD: dict[str, str] = {}
"""Versions by case, from what is there before to what is done to it."""


async def first(objects: Objects, key: str) -> None:
    """What is there before."""
    HELD[key] = await objects.put(key, b"first")


async def nothing(objects: Objects, key: str) -> None:
    """Nothing is there before."""


async def twice(objects: Objects, key: str) -> None:
    """Write two times."""
    await objects.put(key, b"second")
    await objects.put(key, b"third")


async def came_and_went(objects: Objects, key: str) -> None:
    """Write and delete."""
    await objects.put(key, b"brief")
    await objects.delete(key)


async def and_back(objects: Objects, key: str) -> None:
    """Delete and write."""
    await objects.delete(key)
    await objects.put(key, b"back")


async def tagged(objects: Objects, key: str) -> None:
    """It has a tag already."""
    await objects.put(key, b"first")
    await objects.tag(key)


async def untag(objects: Objects, key: str) -> None:
    """Take the tags away."""
    await objects.s3.delete_object_tagging(Bucket=objects.bucket, Key=key)


async def renewed(objects: Objects, key: str) -> None:
    """Copy it onto itself with other metadata."""
    about = {"MetadataDirective": "REPLACE", "Metadata": {"n": "1"}, "ContentType": "text/x"}
    await objects.copy(key, key, **about)


async def marked(objects: Objects, key: str) -> None:
    """It has a delete marker already."""
    await objects.put(key, b"first")
    HELD[key] = await objects.delete(key)


async def with_former(objects: Objects, key: str) -> None:
    """It has a former version."""
    HELD[key] = await objects.put(key, b"first")
    await objects.put(key, b"second")


async def with_latest(objects: Objects, key: str) -> None:
    """It has a former version, and the latest is known."""
    await objects.put(key, b"first")
    HELD[key] = await objects.put(key, b"second")


async def unversion(objects: Objects, key: str) -> None:
    """Remove the version that is known."""
    await objects.delete(key, VersionId=HELD[key])


async def write(objects: Objects, key: str) -> None:
    """Write something else."""
    await objects.put(key, b"second")


DONE: dict[str, tuple[Step, Step]] = {
    "create": (nothing, write),
    "overwrite": (first, write),
    "twice": (first, twice),
    "same": (first, first),
    "copy": (nothing, lambda objects, key: objects.copy("overwrite", key)),
    "multipart": (nothing, lambda objects, key: objects.in_parts(key)),
    "tag": (first, lambda objects, key: objects.tag(key)),
    "untag": (tagged, untag),
    "metadata": (first, renewed),
    "delete": (first, lambda objects, key: objects.delete(key)),
    "passing": (nothing, came_and_went),
    "back": (first, and_back),
    "version": (first, write),
    "versions": (first, twice),
    "mark": (first, lambda objects, key: objects.delete(key)),
    "unmark": (marked, unversion),
    "former": (with_former, unversion),
    "latest": (with_latest, unversion),
    "brief": (nothing, came_and_went),
}
"""What is there before, and what is done to it, by case."""


class Run:
    """All cases on one engine.

    Args:
        told: its stack.
        name: the engine.
        way: how its changes are heard of.
    """

    def __init__(self, told: Any, name: str, way: str) -> None:
        self.told = told
        self.listed = way == "listing"
        self.cases = list(promised(ENGINES[name], way))

    def phase(self, number: int) -> list[dict[str, Any]]:
        """Do the first or the second half of every case; return all that has been told by then."""

        async def work(s3: Any) -> None:
            for case in self.cases:
                await DONE[case][number](Objects(s3, keeps=CASES[case].keeps), case)

        self.told.s3(work)
        for mark in (f"{number}-once", f"{number}-again"):
            found = self._looked(mark)
        return found

    def _looked(self, mark: str) -> list[dict[str, Any]]:
        """Let the feed look, until it tells a mark; what was before a mark is told by the next."""
        self.told.s3(lambda s3: s3.put_object(Bucket=LAST, Key=mark, Body=b"1"))
        if self.listed:
            self.told.stack.restart("files.feed.0")
        found: list[dict[str, Any]] = self.told.until(
            lambda events: any(one["data"]["key"] == mark for one in events)
        )
        return found


def buckets(keeps: bool) -> str:
    """Return the lines of the buckets."""
    return (
        f"[services.files.buckets.{PLAIN}]\n[services.files.buckets.{LAST}]\n"
        f"[services.files.buckets.{KEEPS}]\nversioning = {str(keeps).lower()}\n"
    )


def of_case(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the events of each case, in the order in which they came."""
    found: dict[str, list[dict[str, Any]]] = {case: [] for case in CASES}
    for event in events:
        found.get(event["data"]["key"], []).append(event)
    return found


def words(event: dict[str, Any]) -> str:
    """Return kind and action."""
    return f"{event['type'].removeprefix('minio.object.')} {event['data']['action']}"


def keep(name: str, way: str, seen: dict[str, list[str]], via: list[str]) -> None:
    """Write the outcome, if anybody wants it."""
    folder = os.environ.get("BOOTY_CONFORMANCE")
    if folder:
        data = {"kind": "events", "engine": name, "way": way, "cases": seen, "via": via}
        text = json.dumps(data, indent=1, sort_keys=True) + "\n"
        (Path(folder) / f"events-{name}-{way}.json").write_text(text)


def faults(events: list[dict[str, Any]], keeps: bool) -> Iterator[str]:
    """Yield what is wrong with single events and with their order."""
    last: dict[tuple[str, str], int] = {}
    for event in events:
        data = event["data"]
        key = (data["bucket"], data["key"])
        kind = event["type"].rpartition(".")[2]
        if event["on"] != f"minio.bucket.{data['bucket']}.{kind}" or event["id"] != event["msg-id"]:
            yield f"{key}: {event['on']} {event['msg-id']}"
        if bool(data["version"]) != (keeps and data["bucket"] == KEEPS):
            yield f'{key}: version "{data["version"]}"'
        if data["noticed"] != (data["action"] == "gone"):
            yield f"{key}: noticed is {data['noticed']}"
        now = int(data["sequencer"], 16)
        if now < last.get(key, 0) or data["late"]:
            yield f"{key}: out of order"
        last[key] = now


@pytest.mark.real
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "way"), RUNS)
def test_each_change_is_told_as_promised(told: Any, name: str, way: str) -> None:
    """Each change is told as often, as what, and in the order that its engine declares."""
    keeps = "versioning" in ENGINES[name].has
    settings = f", events-way = '{way}'"
    with told(name, buckets(keeps), interval="1h", settings=settings) as stack:
        run = Run(stack, name, way)
        before = of_case(run.phase(0))
        events = run.phase(1)

    after = of_case(events)
    seen = {case: [words(one) for one in after[case][len(before[case]) :]] for case in run.cases}
    keep(name, way, seen, sorted({one["data"]["via"] for one in events}))
    assert seen == {case: list(wanted) for case, wanted in promised(ENGINES[name], way).items()}
    assert list(faults(events, keeps)) == []
    assert len({one["id"] for one in events}) == len(events)


def test_every_case_is_done() -> None:
    """Every case that is promised is one that is known, and can be done."""
    assert set(DONE) == set(CASES)
    assert all(set(promised(engine)) <= set(CASES) for engine in ENGINES.values())
    assert {case for one in ENGINES.values() for case in promised(one)} == set(CASES)


@pytest.mark.parametrize("file", sorted(OUTCOMES.glob("events-*.json")), ids=lambda one: one.stem)
def test_the_matrix_is_that_of_a_run(file: Path) -> None:
    """What the page shows of an engine is what it promises."""
    found = json.loads(file.read_text())
    engine = ENGINES[found["engine"]]

    wanted = promised(engine, found["way"])
    assert found["cases"] == {case: list(told) for case, told in wanted.items()}


@pytest.mark.real
@pytest.mark.timeout(300)
def test_more_versions_than_a_page(told: Any) -> None:
    """Versions of one key that stand on two pages of a listing are told oldest first."""

    async def write(s3: Any) -> None:
        for number in range(1100):
            await s3.put_object(Bucket=KEEPS, Key="k", Body=b"%d" % number)

    with told("versitygw", buckets(keeps=True), interval="1h") as stack:
        stack.s3(write)
        stack.stack.restart("files.feed.0")
        found = stack.until(lambda events: len(events) >= 1100)

    sequencers = [int(one["data"]["sequencer"], 16) for one in found]
    assert sequencers == sorted(set(sequencers))
    assert [one["data"]["size"] for one in found] == [len(str(number)) for number in range(1100)]
