"""What the driver of ``s3://`` makes of servers that say no, or nothing, or half of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import anyio
import booty
import pytest
from booty.clients import Code
from hypothesis import given
from hypothesis import strategies as st
from s3_standin import Standin, refusing, sending


@pytest.fixture
def server() -> Iterator[Standin]:
    """Give a stand-in."""
    one = Standin()
    yield one
    one.stop()


ANSWERS = [
    (404, "NoSuchKey", Code.NOT_FOUND),
    (404, "NoSuchBucket", Code.NOT_FOUND),
    (404, "XAdminUserNotFound", Code.PERMISSION_DENIED),
    (403, "AccessDenied", Code.PERMISSION_DENIED),
    (403, "InvalidAccessKeyId", Code.PERMISSION_DENIED),
    (403, "SignatureDoesNotMatch", Code.PERMISSION_DENIED),
    (403, "RequestTimeTooSkewed", Code.PERMISSION_DENIED),
    (403, "QuotaExceeded", Code.RESOURCE_EXHAUSTED),
    (400, "ExpiredToken", Code.PERMISSION_DENIED),
    (400, "UnsupportedAlgorithm", Code.PERMISSION_DENIED),
    (400, "BadDigest", Code.INVALID_ARGUMENT),
    (400, "EntityTooSmall", Code.INVALID_ARGUMENT),
    (400, "IncompleteBody", Code.INVALID_ARGUMENT),
    (400, "InvalidPart", Code.INVALID_ARGUMENT),
    (400, "KeyTooLongError", Code.INVALID_ARGUMENT),
    (400, "MetadataTooLarge", Code.INVALID_ARGUMENT),
    (400, "XMinioAdminBucketQuotaExceeded", Code.RESOURCE_EXHAUSTED),
    (409, "ConditionalRequestConflict", Code.FAILED_PRECONDITION),
    (409, "BucketAlreadyExists", Code.ALREADY_EXISTS),
    (411, "MissingContentLength", Code.INVALID_ARGUMENT),
    (412, "PreconditionFailed", Code.FAILED_PRECONDITION),
    (429, "TooManyRequests", Code.RESOURCE_EXHAUSTED),
    (500, "InternalError", Code.INTERNAL),
    (501, "NotImplemented", Code.UNIMPLEMENTED),
    (503, "SlowDown", Code.RESOURCE_EXHAUSTED),
    (503, "ServiceUnavailable", Code.RESOURCE_EXHAUSTED),
    (507, "XMinioStorageFull", Code.RESOURCE_EXHAUSTED),
    (418, "Teapot", Code.UNKNOWN),
]


@pytest.fixture(scope="module")
def refused() -> Iterator[tuple[Standin, booty.SyncBucket]]:
    """Give one stand-in and one bucket there for many answers."""
    one = Standin()
    with booty.SyncBucket.open(one.url()) as bucket:
        yield one, bucket
    one.stop()


@pytest.mark.parametrize(("status", "word", "code"), ANSWERS)
def test_answers_have_codes(
    refused: tuple[Standin, booty.SyncBucket], status: int, word: str, code: Code
) -> None:
    """What a server says is one of the eleven errors, with its words and botocore's error."""
    server, bucket = refused
    server.answer = refusing(status, word)

    with pytest.raises(booty.ClientError) as caught:
        bucket.write("k", b"x")
    assert caught.value.code is code
    assert caught.value.native is not None
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, Code.NOT_FOUND), (403, Code.PERMISSION_DENIED), (503, Code.RESOURCE_EXHAUSTED)],
)
def test_an_answer_without_a_body_has_a_code(
    refused: tuple[Standin, booty.SyncBucket], status: int, code: Code
) -> None:
    """A HEAD says no more than its status."""
    server, bucket = refused
    server.answer = refusing(status, "")

    with pytest.raises(booty.ClientError) as caught:
        bucket.attributes("k")
    assert caught.value.code is code


DATA = bytes(range(256)) * 4096


def test_a_broken_connection_is_mended(server: Standin) -> None:
    """Where a connection breaks in the middle, the rest of the same version is asked for."""
    server.answer = sending(DATA, [300_000, 100_000])

    with booty.SyncBucket.open(server.url()) as bucket:
        assert bucket.read("k") == DATA
    assert len(server.seen) == 3


def test_a_server_that_keeps_breaking_is_an_error(server: Standin) -> None:
    """Never short data: an error that is no success."""
    server.answer = sending(DATA, [1000] + [0] * 50)

    with (
        booty.SyncBucket.open(server.url()) as bucket,
        pytest.raises(booty.UnknownError) as caught,
    ):
        bucket.read("k")
    assert caught.value.native is not None


def test_another_version_behind_a_broken_connection(server: Standin) -> None:
    """The rest of another version is not put behind the beginning of the old one."""
    server.answer = sending(DATA, [300_000], ['"one"', '"two"'])

    with (
        booty.SyncBucket.open(server.url()) as bucket,
        pytest.raises(booty.FailedPreconditionError),
    ):
        bucket.read("k")


def rclone(request: BaseHTTPRequestHandler, _: int) -> None:
    """Answer as rclone does, which calls itself AmazonS3 and ignores conditions."""
    request.send_response(200)
    request.send_header("Server", "AmazonS3")
    request.send_header("access-control-allow-headers", "Accept, x-amz-meta-filename")
    request.send_header("content-length", "0")
    request.end_headers()


def test_a_server_that_ignores_conditions_is_not_asked_for_them(server: Standin) -> None:
    """Also where nobody opened the bucket before, so that nobody knew what it is."""
    server.answer = rclone

    async def main() -> None:
        bucket = booty.open_bucket(server.url().replace("engine=minio", "tls=false"))
        with pytest.raises(booty.UnimplementedError):
            await bucket.write("k", b"x", if_not_exist=True)
        with pytest.raises(booty.UnimplementedError):
            await bucket.prefixed("a/").write("k", b"x", if_match='"x"')
        await bucket.close()

    anyio.run(main)
    assert {method for method, _ in server.seen} == {"HEAD"}


@pytest.mark.parametrize(
    ("headers", "engine"),
    [
        ({"server": "MinIO"}, "minio"),
        ({"server": "VERSITYGW"}, "versitygw"),
        ({"server": "AmazonS3"}, "amazons3"),
        ({"server": "Werkzeug/3.1.9 Python/3.11.7"}, "werkzeug"),
        ({}, ""),
    ],
)
def test_servers_are_known_by_their_answers(headers: dict[str, str], engine: str) -> None:
    """By the header that says so."""
    from booty_provider_minio.s3.lacks import engine_of

    assert engine_of(headers) == engine


def test_nobody_listens(server: Standin) -> None:
    """A server that is not there is an error within the time for connections."""
    url = server.url("&connect_timeout=2s")
    server.stop()
    server.stop = lambda: None  # type: ignore[method-assign]  # it was

    with booty.SyncBucket.open(url) as bucket, pytest.raises(booty.ClientError) as caught:
        bucket.write("k", b"x")
    assert caught.value.code in (Code.UNKNOWN, Code.DEADLINE_EXCEEDED)


def test_a_server_that_says_nothing(server: Standin) -> None:
    """Silence ends with the time that was given."""
    over = threading.Event()
    server.answer = lambda *_: over.wait(20) and None

    with (
        booty.SyncBucket.open(server.url("&read_timeout=300ms")) as bucket,
        pytest.raises(booty.DeadlineExceededError),
    ):
        bucket.attributes("k")
    over.set()


def test_an_upload_that_fails_is_given_up(server: Standin) -> None:
    """Where a part fails, the upload is removed from the server, and the part's error is told."""

    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        if request.command == "POST":
            body = b"<R><UploadId>u1</UploadId></R>"
            request.send_response(200)
            request.send_header("content-length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        elif request.command == "PUT":
            refusing(507, "XMinioStorageFull")(request, number)
        else:
            request.send_response(204)
            request.end_headers()

    server.answer = answer
    with (
        booty.SyncBucket.open(server.url()) as bucket,
        pytest.raises(booty.ResourceExhaustedError),
    ):
        bucket.write("k", bytes(20 << 20))
    assert [one for one in server.seen if one[0] == "DELETE"] == [
        ("DELETE", "/uploads/k?uploadId=u1")
    ]


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("s3://AB", "bucket-name-invalid"),
        ("s3://Upper", "bucket-name-invalid"),
        ("s3://under_score", "bucket-name-invalid"),
        ("s3://192.168.0.1", "bucket-name-invalid"),
        ("s3://a..b", "bucket-name-invalid"),
        ("s3://-ab", "bucket-name-invalid"),
        ("s3://xn--name", "bucket-name-invalid"),
        (f"s3://{'a' * 64}", "bucket-name-invalid"),
        ("s3://127.0.0.1:9000/..", "bucket-name-invalid"),
        ("s3://127.0.0.1:9000", "bucket-name-invalid"),
        ("s3://127.0.0.1:9000/uploads/below", "url-invalid"),
        ("s3://uploads/below", "url-invalid"),
        ("s3://127.0.0.1:9000/uploads?endpoint=http://127.0.0.1:1", "url-invalid"),
        ("s3://KEY@127.0.0.1:9000/uploads", "url-invalid"),
        ("s3://uploads?part_size=1MiB", "url-value"),
        ("s3://uploads?concurrency=0", "url-value"),
        ("s3://uploads?engine=mino", "url-value"),
        ("s3://uploads?use_path_style=true", "url-parameter-unknown"),
    ],
)
def test_urls_that_cannot_be(url: str, reference: str) -> None:
    """Refused before anybody is asked, with what would be right."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        booty.open_bucket(url)
    assert reference in {caught.value.reference, *(one.reference for one in caught.value.faults)}


def test_everything_wrong_with_a_url_is_told_at_once() -> None:
    """The name, the path, the part."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        booty.open_bucket("s3://KEY@127.0.0.1:9000/UP/below?part_size=1KiB")
    assert len(caught.value.faults) == 4


def test_parameters_are_told_with_the_rest() -> None:
    """An unknown parameter, with the nearest name, beside a name that S3 forbids."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        booty.open_bucket("s3://UP?conncurrency=2&read_timeout=soon&engine=mino")

    told = {one.reference for one in caught.value.faults}
    assert told == {"url-parameter-unknown", "url-value", "bucket-name-invalid"}
    assert len(caught.value.faults) == 4
    assert 'did you mean "concurrency"?' in caught.value.hint


def place(url: str) -> Any:
    """Return what a URL says."""
    from booty_provider_minio.driver import DRIVER
    from booty_provider_minio.s3.place import place_of

    location, _ = booty.clients.find("bucket", url)
    assert DRIVER.bucket is not None
    return place_of(location)


@pytest.mark.parametrize(
    ("url", "bucket", "endpoint"),
    [
        ("s3://uploads", "uploads", None),
        ("s3://uploads/", "uploads", None),
        ("s3://127.0.0.1:9000/uploads", "uploads", "http://127.0.0.1:9000"),
        ("s3://K:secret@[::1]:9000/uploads?tls=true", "uploads", "https://[::1]:9000"),
        ("s3://uploads?endpoint=http://files:9000", "uploads", "http://files:9000"),
    ],
)
def test_where_a_bucket_is(url: str, bucket: str, endpoint: str | None) -> None:
    """A host with a port is a server, a host alone is a bucket."""
    found = place(url)

    assert (found.bucket, found.endpoint) == (bucket, endpoint)
    assert "secret" not in repr(found)


def prefixes(key: str) -> list[int]:
    """Return where a prefix may end: not within what looks like an escape."""
    return [end for end in range(len(key) + 1) if "_" not in key[max(0, end - 2) : end + 6]]


@given(st.text(st.one_of(st.sampled_from("./\\_0x"), st.characters()), min_size=1))
def test_every_key_comes_back(key: str) -> None:
    """What is stored stands for one key, and has nothing that servers change."""
    from booty_provider_minio.s3.keys import (
        escaped,
        escaped_prefix,
        metadata_from,
        metadata_to,
        unescaped,
    )

    stored = escaped(key)
    assert unescaped(stored) == key
    assert not {"", ".", ".."} & set(stored.split("/"))
    assert all(stored.startswith(escaped_prefix(key[:end])) for end in prefixes(key))
    assert min(map(ord, stored)) >= 32
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    headers = metadata_to({key.lower(): key})
    assert all(text.isascii() and text.isprintable() for one in headers.items() for text in one)
    assert metadata_from(headers)[key.lower().lower()] == key
