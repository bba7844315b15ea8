"""Copies on the server: with another type, and in parts where they are too large for one request.

The bound is 5 MiB here, so that what is large need not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from typing import Any

import anyio
import booty
import pytest
from booty.stack import resolve
from booty_provider_minio.commands import s3
from booty_provider_minio.copying import How, copy
from booty_provider_minio.engines import ENGINES
from booty_provider_minio.places import Place
from booty_provider_minio.s3.copying import bound_of
from click.testing import CliRunner
from s3_standin import Standin, refusing

LOW = 5 << 20
BODY = bytes(range(256)) * (12 << 12)  # 12 MiB, of which no two parts are equal in all
TAGS = {"TagSet": [{"Key": "a b", "Value": "c/d=+x"}]}
ABOUT = {
    "content_type": "image/x-odd",
    "cache_control": "no-store",
    "content_language": "de",
    "metadata": {"author": "ä b"},
}
Running = tuple[booty.SyncStack, str]


@pytest.fixture(scope="module", params=[name for name in ENGINES if name != "silo"])
def running(
    lasting: Callable[[], AbstractContextManager[Any]], request: pytest.FixtureRequest
) -> Iterator[Running]:
    """Run an engine with a bucket for all tests of this module."""
    with lasting() as stacks, stacks.up(request.param, 'buckets = ["uploads"]') as stack:
        yield stack, request.param


def parts_of(answer: dict[str, Any]) -> int:
    """Return of how many parts an object was made, by what its ETag says; 0 = of none."""
    return int(answer["ETag"].strip('"').partition("-")[2] or 0)


@pytest.mark.real
def test_a_large_object_is_copied_in_parts(running: Running, through: Callable[..., Any]) -> None:
    """Bytes, headers, metadata and tags are those of the source; rclone copies at one time."""
    stack, engine = running
    tagged = "tags" in ENGINES[engine].has

    async def work(client: Any) -> Any:
        if tagged:
            await client.put_object_tagging(Bucket="uploads", Key="large", Tagging=TAGS)
        async with stack._stack.bucket("files", "uploads", copy_size="5MiB") as bucket:
            await bucket.copy("large", "copied/large")
            told = await bucket.attributes("copied/large")
            same = await bucket.read("copied/large") == BODY
        head = await client.head_object(Bucket="uploads", Key="copied/large")
        if tagged:
            found = await client.get_object_tagging(Bucket="uploads", Key="copied/large")
            assert found["TagSet"] == TAGS["TagSet"]
        return told, same, parts_of(head)

    with stack.bucket("files", "uploads") as bucket:
        bucket.write("large", BODY, **ABOUT)
    told, same, parts = through(stack, work)

    assert same
    if engine == "rclone":  # which keeps no headers
        assert (told.size, told.metadata) == (len(BODY), ABOUT["metadata"])
        assert bound_of(engine, LOW) is None
    else:
        assert {name: getattr(told, name) for name in ABOUT} == ABOUT
        assert parts == 3


@pytest.mark.real
def test_a_copy_for_people(running: Running, through: Callable[..., Any]) -> None:
    """``cp`` does the same, and what stands at the source stays where a type is given."""
    stack, engine = running

    async def work(client: Any) -> Any:
        about = {"Bucket": "uploads", "Key": "people", "Metadata": {"x": "y"}}
        await client.put_object(**about, ContentType="text/plain", Body=BODY)
        how = How(bound=bound_of(engine, LOW), content_type="image/png")
        source, target = Place("uploads", "people"), Place("uploads", "typed")
        assert [one async for one in copy(client, source, target, how)] == [(source, target)]
        return await client.head_object(Bucket="uploads", Key="typed")

    answer = through(stack, work)
    assert answer["ContentLength"] == len(BODY)
    assert answer["Metadata"]["x"] == "y"
    assert answer["ContentType"] == "image/png"


@pytest.mark.real
def test_a_type_is_given_to_a_copy(running: Running, through: Callable[..., Any]) -> None:
    """``cp --type`` from key to key is obeyed, and onto itself changes nothing but the type."""
    stack, _ = running
    _, instance = resolve.instance(stack._stack.place, "files")

    def ran(*words: str) -> None:
        done = CliRunner().invoke(s3, ["cp", *words], obj=instance)
        assert done.exit_code == 0, (words, done.output, done.exception)

    async def head(client: Any, key: str) -> Any:
        return await client.head_object(Bucket="uploads", Key=key)

    async def put(client: Any) -> None:
        about = {"Bucket": "uploads", "Key": "small", "Metadata": {"x": "y"}}
        await client.put_object(**about, ContentType="text/plain", Body=b"small")

    through(stack, put)
    ran("s3://uploads/small", "s3://uploads/plain")
    ran("--type", "image/gif", "s3://uploads/small", "s3://uploads/other")
    ran("--type", "image/bmp", "s3://uploads/small", "s3://uploads/small")

    for key, kind in {"plain": "text/plain", "other": "image/gif", "small": "image/bmp"}.items():
        answer = through(stack, lambda client, key=key: head(client, key))
        found = (answer["ContentType"], answer["Metadata"]["x"], answer["ContentLength"])
        assert found == (kind, "y", 5), key


def test_a_copy_in_parts_that_fails_is_given_up() -> None:
    """A part that cannot be copied is told, and the upload is removed from the server."""

    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        if request.command == "PUT":
            refusing(507, "XMinioStorageFull")(request, number)
            return
        body = b"<R><UploadId>u1</UploadId></R>" if request.command == "POST" else b""
        request.send_response(204 if request.command == "DELETE" else 200)
        request.send_header("etag", '"e"')
        request.send_header("last-modified", "Tue, 01 Dec 2026 00:00:00 GMT")
        request.send_header("content-length", str(len(body) or LOW + 1))
        request.end_headers()
        request.wfile.write(body)

    server = Standin()
    server.answer = answer

    async def main() -> None:
        async with booty.open_bucket(server.url("&copy_size=5MiB")) as bucket:
            with pytest.raises(booty.ResourceExhaustedError):
                await bucket.copy("a", "b")

    anyio.run(main)
    server.stop()
    assert server.seen[-1] == ("DELETE", "/uploads/b?uploadId=u1")
    assert all(one in {"HEAD", "POST", "PUT", "DELETE"} for one, _ in server.seen)


@pytest.mark.parametrize("size", ["4MiB", "6GiB"])
def test_a_bound_that_s3_does_not_take(size: str) -> None:
    """A part of a copy has 5 MiB to 5 GiB."""
    with pytest.raises(booty.InvalidArgumentError, match="5 MiB to 5 GiB"):
        booty.open_bucket(f"s3://uploads?copy_size={size}")
