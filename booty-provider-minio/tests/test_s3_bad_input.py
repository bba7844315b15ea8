"""What real servers say to bad input, what code it has, and that nothing is lost by it."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import anyio
import booty
import botocore.auth
import httpx
import pytest
from aiobotocore.client import AioBaseClient
from attrs import frozen
from booty.clients import Code
from booty_provider_minio.s3.errors import code_of

pytestmark = pytest.mark.real
PART = 5 << 20


@frozen
class Server:
    """A server with a bucket that holds one object.

    Attributes:
        engine: its name.
        url: of the bucket, with the key of a person.
        denied: what refused credentials are; rclone answers with 400, and to a HEAD without a word.
    """

    engine: str
    url: str
    denied: tuple[Code, ...]

    def holds(self) -> dict[str, bytes]:
        """Return all objects."""
        with booty.SyncBucket.open(self.url) as bucket:
            return {one.key: bucket.read(one.key) for one in bucket.list()}

    def uploads(self) -> list[str]:
        """Return the keys of uploads in parts that nobody ended, and end them."""

        async def ask() -> list[str]:
            async with booty.open_bucket(self.url) as bucket:
                client: Any = bucket.native(AioBaseClient)
                try:
                    found = await client.list_multipart_uploads(Bucket="uploads")
                except client.exceptions.NoSuchUpload:  # rclone's way to say that there is none
                    return []
                for one in found.get("Uploads", []):
                    named = {"Key": one["Key"], "UploadId": one["UploadId"]}
                    await client.abort_multipart_upload(Bucket="uploads", **named)
                return [one["Key"] for one in found.get("Uploads", [])]

        return anyio.run(ask)


@pytest.fixture(scope="module", params=["minio", "silo", "versitygw", "rclone"])
def running(request: pytest.FixtureRequest, lasting: Any) -> Iterator[Server]:
    """Run each engine that can be had here."""
    engine = request.param
    denied = (Code.PERMISSION_DENIED, *((Code.INVALID_ARGUMENT,) if engine == "rclone" else ()))
    with lasting() as stacks, stacks.up(engine, 'buckets = ["uploads"]') as stack:
        yield Server(engine, f"{stack.url('files')}/uploads", denied)


@pytest.fixture
def server(running: Server) -> Server:
    """Give the server, with one object."""
    running.uploads()
    with booty.SyncBucket.open(running.url) as bucket:
        for one in bucket.list():
            bucket.delete(one.key)
        bucket.write("k", b"kept", content_type="text/plain")
    return running


CALLS: tuple[Callable[[booty.SyncBucket], object], ...] = (
    lambda bucket: bucket.write("k", b"lost"),
    lambda bucket: bucket.write("large", bytes(2 * PART)),
    lambda bucket: bucket.read("k"),
    lambda bucket: bucket.attributes("k"),
    lambda bucket: bucket.delete("k"),
    lambda bucket: bucket.copy("k", "l"),
    lambda bucket: list(bucket.list()),
)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong(
    server: Server, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Who signs with a clock that is off by more than 15 minutes is refused."""
    with monkeypatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", clock(minutes))
        with booty.SyncBucket.open(f"{server.url}?attempts=1&part_size=5MiB") as bucket:
            told = {code(call, bucket) for call in CALLS}
    assert told <= set(server.denied), told
    assert server.holds() == {"k": b"kept"}
    assert server.uploads() == []


def clock(minutes: float) -> Callable[[], dt.datetime]:
    """Return what signatures are dated by: a clock that is off by so much."""
    off = dt.timedelta(minutes=minutes)
    return lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None) + off


def code(call: Callable[[booty.SyncBucket], object], bucket: booty.SyncBucket) -> Code:
    """Return the code of a call that must fail."""
    with pytest.raises(booty.ClientError) as caught:
        call(bucket)
    return caught.value.code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_signed_url_that_is_over(
    server: Server, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    """After its time it is worth nothing, for its own verb either."""
    with booty.SyncBucket.open(server.url) as bucket:
        with monkeypatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", clock(-60))
            over = bucket.signed_url("k", method, expiry=3540)
        good = bucket.signed_url("k", "GET", expiry=60)
        refused = httpx.request(method, over, content=b"lost" if method == "PUT" else None)
        allowed = httpx.get(good)

    assert refused.status_code in (400, 403)
    assert (allowed.status_code, allowed.content) == (200, b"kept")
    assert server.holds() == {"k": b"kept"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_signed_url_for_another_verb(server: Server, method: Any) -> None:
    """It is good for one verb alone; nothing is written or removed by the others."""
    with booty.SyncBucket.open(server.url) as bucket:
        url = bucket.signed_url("k", method, expiry=60)
    told = {
        other: httpx.request(other, url, content=b"lost" if other != "DELETE" else None).status_code
        for other in {"PUT", "DELETE", "POST"} - {method}
    }

    assert all(status in (400, 403, 405) for status in told.values()), told
    assert server.holds() == {"k": b"kept"}


def test_another_checksum(server: Server) -> None:
    """Bytes that are not those of the MD5 in the request are refused; the old ones stay."""

    def wrong(request: dict[str, Any]) -> None:
        request["ContentMD5"] = "AAAAAAAAAAAAAAAAAAAAAA=="

    with (
        booty.SyncBucket.open(f"{server.url}?attempts=1") as bucket,
        pytest.raises(booty.InvalidArgumentError) as caught,
    ):
        bucket.write("k", b"lost", before=wrong)
    assert "BadDigest" in str(caught.value)
    assert server.holds() == {"k": b"kept"}


def cut_by_its_client(server: Server) -> bytes:
    """Send half of a body by a signed URL, and go away; returns what is there then."""
    with booty.SyncBucket.open(server.url) as bucket:
        parts = urlsplit(bucket.signed_url("k", "PUT", expiry=60))
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    with socket.create_connection((parts.hostname, parts.port), 10) as link:
        link.sendall(f"{head}Content-Length: {1 << 20}\r\n\r\n".encode() + bytes(1 << 19))
        link.shutdown(socket.SHUT_WR)
        link.settimeout(30)
        while link.recv(4096):  # the server has made up its mind when it hangs up
            pass
    return server.holds()["k"]


def test_fewer_bytes_than_announced(server: Server) -> None:
    """Who says how much comes, and goes away before it did, replaces nothing."""
    left = cut_by_its_client(server)

    # versitygw takes a body that is cut for the whole of it, where no checksum stands beside it,
    # as with signed URLs; the page on clients says so
    assert left == (bytes(1 << 19) if server.engine == "versitygw" else b"kept")


class Cutting:
    """Stands before a server, and breaks all connections after so many bytes of requests.

    Args:
        address: of the server.
        after: bytes, of all connections together.
    """

    def __init__(self, address: tuple[str, int], after: int) -> None:
        self._address = address
        self._after = after
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._links: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(self._address)
                self._links += [client, server]
                back = threading.Thread(target=self._pour, args=(server, client, 0))
                there = threading.Thread(target=self._pour, args=(client, server, 1))
                self._threads += [back, there]
                back.start()
                there.start()

    def _pour(self, source: socket.socket, target: socket.socket, counts: int) -> None:
        with suppress(OSError):
            while self._after > 0 and (data := source.recv(1 << 16)):
                self._after -= counts * len(data)
                target.sendall(data[: self._after] if self._after < 0 else data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()  # not shut alone: whoever goes on sending must hear of it

    def stop(self) -> None:
        """Stop it."""
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for link in (self._socket, *self._links):
            link.close()


@pytest.mark.parametrize("size", [1 << 20, 12 << 20])
def test_a_connection_that_breaks_in_a_body(server: Server, size: int) -> None:
    """What the driver sends has a checksum: half of it is nothing, in one request and in parts."""
    parts = urlsplit(server.url)
    there = Cutting((str(parts.hostname), int(parts.port or 0)), size // 2)
    url = server.url.replace(f":{parts.port}/", f":{there.port}/")
    try:
        with (
            booty.SyncBucket.open(f"{url}?attempts=1&part_size=5MiB&concurrency=1") as bucket,
            pytest.raises(booty.UnknownError),
        ):
            bucket.write("k", bytes(size), content_type="a/b")
    finally:
        there.stop()
    assert server.holds() == {"k": b"kept"}


def test_parts_that_are_too_small(server: Server) -> None:
    """The driver makes none; what the server says to those of others is invalid."""

    async def upload() -> Code:
        async with booty.open_bucket(server.url) as bucket:
            client: Any = bucket.native(AioBaseClient)
            named = {"Bucket": "uploads", "Key": "k"}
            begun = await client.create_multipart_upload(**named)
            upload = {**named, "UploadId": begun["UploadId"]}
            parts = []
            for number in (1, 2):
                sent = await client.upload_part(**upload, PartNumber=number, Body=b"small")
                parts.append({"ETag": sent["ETag"], "PartNumber": number})
            try:
                await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            except client.exceptions.ClientError as error:
                await client.abort_multipart_upload(**upload)
                return code_of(error)
        return Code.OK

    told = anyio.run(upload)

    # rclone joins parts of any size
    joined = server.engine == "rclone"
    assert told is (Code.OK if joined else Code.INVALID_ARGUMENT)
    assert server.holds() == {"k": b"smallsmall" if joined else b"kept"}
    assert server.uploads() == []


async def lent(server: Server) -> dict[str, str]:
    """Return credentials for a quarter of an hour."""
    from aiobotocore.session import get_session

    parts = urlsplit(server.url)
    made = get_session().create_client(
        "sts",
        endpoint_url=f"http://{parts.hostname}:{parts.port}",
        region_name="us-east-1",
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
    )
    async with made as client:
        # MinIO reads neither role nor name
        answer = await client.assume_role(RoleArn="arn:minio:iam:::anybody", RoleSessionName="any")
    found = answer["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def test_a_token_that_is_none(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that were lent work with their token, and with no other one."""
    if server.engine not in {"minio", "silo"}:
        pytest.skip(f"{server.engine} lends no credentials")
    parts = urlsplit(server.url)
    url = f"s3://uploads?endpoint=http://{parts.hostname}:{parts.port}&attempts=1"
    for name, value in anyio.run(lent, server).items():
        monkeypatch.setenv(name, value)
    with booty.SyncBucket.open(url) as bucket:
        assert bucket.read("k") == b"kept"

    token = os.environ["AWS_SESSION_TOKEN"]
    for wrong in (token[:-4] + "AAAA", "none"):
        monkeypatch.setenv("AWS_SESSION_TOKEN", wrong)
        with booty.SyncBucket.open(url) as bucket:
            assert {code(call, bucket) for call in CALLS} <= {Code.PERMISSION_DENIED}
    assert server.holds() == {"k": b"kept"}
