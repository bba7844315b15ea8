"""Changes of objects as events: what MinIO tells, what listing finds, in one form. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from booty_provider_minio.feed import ages
from booty_provider_minio.feed.changes import Change, of_minio, subject
from booty_provider_minio.feed.schema import SCHEMA
from jsonschema import Draft202012Validator

CHANGE = Change(
    bucket="my.files", key="a", kind="created", action="put", time="2026-11-22T20:45:13.158Z",
    sequencer="18EA78E1E9E4BFDC", size=6, etag="0ff8", via="native",
)  # fmt: skip


def told(name: str, **about: Any) -> bytes:
    """Return a message as MinIO sends it."""
    record = {
        "eventName": name,
        "eventTime": "2026-11-22T20:45:13.158Z",
        "s3": {
            "bucket": {"name": "uploads"},
            "object": {"key": "a+b%2B%25%2F%C3%A9", "sequencer": "18EA78E1E9E4BFDC", **about},
        },
    }
    return json.dumps({"EventName": name, "Records": [record]}).encode()


def test_minio_is_understood() -> None:
    """Keys are decoded, quotes taken off, metadata of the user kept, the rest left out."""
    meta = {"X-Amz-Meta-N": "0", "content-type": "text/x"}
    (one,) = of_minio(
        told("s3:ObjectCreated:Put", size=6, eTag='"0ff8"', contentType="text/x", userMetadata=meta)
    )

    assert one.key == "a b+%/é"
    assert (one.kind, one.action, one.etag, one.size) == ("created", "put", "0ff8", 6)
    assert one.metadata == {"n": "0"}


@pytest.mark.parametrize(
    ("name", "kind", "action"),
    [
        ("ObjectCreated:CompleteMultipartUpload", "created", "multipart"),
        ("ObjectCreated:Copy", "created", "copy"),
        ("ObjectCreated:PutTagging", "tagged", "tag"),
        ("ObjectRemoved:Delete", "removed", "delete"),
        ("ObjectRemoved:DeleteMarkerCreated", "removed", "delete-marker"),
        ("ObjectRestore:Completed", "changed", "other"),
    ],
)
def test_every_event_has_a_kind(name: str, kind: str, action: str) -> None:
    """What is not known yet is told as a change, never dropped."""
    (one,) = of_minio(told(f"s3:{name}"))

    assert (one.kind, one.action) == (kind, action)


@pytest.mark.parametrize("message", [b"", b"{", b'{"Records": [{}]}', b'{"Records": [1]}', b"[]"])
def test_what_is_no_event_is_said(message: bytes) -> None:
    """Somebody else's message on the subject is a ValueError, nothing else."""
    with pytest.raises(ValueError, match=r".*"):
        list(of_minio(message))


def test_event_has_the_published_form() -> None:
    """The event is a CloudEvent; it has the members of the schema, and no others."""
    event = json.loads(CHANGE.event("booty:shop/files"))
    properties = SCHEMA["properties"]

    Draft202012Validator.check_schema(SCHEMA)
    assert [one.message for one in Draft202012Validator(SCHEMA).iter_errors(event)] == []
    assert subject(CHANGE) == "minio.bucket.my_files.created"
    assert event["id"] == CHANGE.id("booty:shop/files")
    assert event["subject"] == "my.files/a"
    assert set(event) == set(properties)
    assert set(event["data"]) == set(properties["data"]["properties"])


@pytest.mark.parametrize(
    "wrong",
    [{"version": None}, {"action": "flown"}, {"sequencer": "xyz"}, {"size": "6"}, {"key": ""}],
)
def test_schema_refuses(wrong: dict[str, Any]) -> None:
    """The schema is no empty one: what is not of the form is not of the schema."""
    event = json.loads(CHANGE.event("booty:shop/files"))
    event["data"] |= wrong

    assert list(Draft202012Validator(SCHEMA).iter_errors(event))


def test_versions_tell_when_they_were_made() -> None:
    """A ULID is a number that grows, with a time in it; other versions have that of the listing."""
    listed = datetime(2026, 11, 30, 23, 51, 5, tzinfo=UTC)
    older, newer = "01M8QDX1NBQ316YHPG1FS4H4C2", "01M8QDX1NENYVRVD3Z194PXTAX"
    found = [ages.sequencer(one, listed) for one in (older, newer, "", "null", newer.lower())]

    assert len(set(found)) == 3
    assert int(found[0], 16) < int(found[1], 16)
    assert found[2] == "18ECF7AAF28FDA00"
    assert [ages.time(one) for one in found[:3]] == [
        "2026-11-30T23:51:05.131Z",
        "2026-11-30T23:51:05.134Z",
        "2026-11-30T23:51:05.000Z",
    ]


def test_what_is_told_twice_has_one_id() -> None:
    """The id follows from service, bucket, key, version, sequencer and deed; from no clock."""
    others = [
        evolve(CHANGE, key="b"),
        evolve(CHANGE, version="1"),
        evolve(CHANGE, sequencer="2"),
        evolve(CHANGE, action="tag"),
        evolve(CHANGE, etag="1"),
    ]

    assert evolve(CHANGE, late=True).id("s") == CHANGE.id("s")
    assert len({one.id("s") for one in (CHANGE, *others)} | {CHANGE.id("another")}) == 7
