"""One change of an object, and what it looks like on the bus: CloudEvents in JSON. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from attrs import frozen

from booty_provider_minio.feed import ages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Change", "of_event", "of_minio", "subject"]

PREFIX: Final = "minio.bucket"
KINDS: Final = {
    "Put": ("created", "put"),
    "Post": ("created", "put"),
    "Copy": ("created", "copy"),
    "CompleteMultipartUpload": ("created", "multipart"),
    "PutTagging": ("tagged", "tag"),
    "DeleteTagging": ("tagged", "untag"),
    "PutRetention": ("changed", "retention"),
    "PutLegalHold": ("changed", "legal-hold"),
    "Delete": ("removed", "delete"),
    "DeleteMarkerCreated": ("removed", "delete-marker"),
    "DeleteAllVersions": ("removed", "delete-all-versions"),
    "NoOP": ("removed", "nothing"),
}
"""Last part of MinIO's event name: the last token of the subject, and what was done."""


@frozen(kw_only=True)
class Change:
    """What happened to one object.

    Attributes:
        bucket, key, version: which; version is empty where the bucket keeps none.
        kind: ``created``, ``removed``, ``tagged`` or ``changed``: the last token of the subject.
        action: how: ``put copy multipart tag untag delete delete-marker seen gone``, ….
        time: RFC 3339, UTC; of ``seen``, when the object was written; of ``gone``, when that was
            noticed.
        sequencer: grows with each change of one key; hexadecimal; of the same moment.
        former: of ``gone``, the sequencer of what went.
        size: bytes; ``None`` = not told.
        etag: without quotes.
        content_type: empty = not told.
        metadata: of the object, as S3 has it.
        via: ``native`` (the server told) or ``listing`` (it was found).
        late: whether a later change of the key has been told before.
    """

    bucket: str
    key: str
    version: str = ""
    kind: str
    action: str
    time: str
    sequencer: str
    former: str = ""
    size: int | None = None
    etag: str = ""
    content_type: str = ""
    metadata: Mapping[str, str] | None = None
    via: str
    late: bool = False

    def id(self, source: str) -> str:
        """Return what is the same when it is told twice: for ``Nats-Msg-Id``.

        A key is too long for a header. The source is in it: two services may tell alike of buckets
        that have one name. What went is known by what it was: when it is noticed that it went may
        be another time for a feed that has forgotten it.

        Args:
            source: which service of which stack.
        """
        parts = [
            source,
            self.bucket,
            self.key,
            self.version,
            self.former or self.sequencer,
            self.action,
            ages.time(self.former) if self.former else self.time,
            self.etag,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def event(self, source: str, told: str = "") -> bytes:
        """Return it as a CloudEvent in JSON.

        Args:
            source: which service of which stack.
            told: its id, if that is known.
        """
        data = {
            "bucket": self.bucket,
            "key": self.key,
            "version": self.version,
            "action": self.action,
            "sequencer": self.sequencer,
            "noticed": bool(self.former),
            "former": self.former,
            "size": self.size,
            "etag": self.etag,
            "contentType": self.content_type,
            "metadata": dict(self.metadata or {}),
            "via": self.via,
            "late": self.late,
        }
        event = {
            "specversion": "1.0",
            "id": told or self.id(source),
            "source": source,
            "type": f"minio.object.{self.kind}",
            "subject": f"{self.bucket}/{self.key}",
            "time": self.time,
            "datacontenttype": "application/json",
            "data": data,
        }
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogateescape")


def subject(change: Change) -> str:
    """Return where it is published; a "." of the bucket is "_", which no bucket's name has."""
    return f"{PREFIX}.{change.bucket.replace('.', '_')}.{change.kind}"


def of_minio(message: bytes) -> Iterator[Change]:
    """Yield what a message of MinIO's NATS target tells.

    Raises:
        ValueError: it is none.
    """
    found = json.loads(message)
    records = found.get("Records") if isinstance(found, dict) else None
    if not isinstance(records, list):
        raise ValueError("no list of records")  # noqa: TRY004 - text of somebody else, not a type
    for record in records:
        yield _of_record(record)


def of_event(event: Mapping[str, Any]) -> Change:
    """Return the change that an event told."""
    data = event["data"]
    return Change(
        bucket=data["bucket"],
        key=data["key"],
        version=data["version"],
        kind=event["type"].rpartition(".")[2],
        action=data["action"],
        time=event["time"],
        sequencer=data["sequencer"],
        former=data.get("former", ""),
        size=data["size"],
        etag=data["etag"],
        content_type=data["contentType"],
        metadata=data["metadata"],
        via=data["via"],
        late=data["late"],
    )


def _of_record(record: Mapping[str, Any]) -> Change:
    try:
        about, one = record["s3"]["object"], record["s3"]["bucket"]["name"]
        kind, action = KINDS.get(str(record["eventName"]).rpartition(":")[2], ("changed", "other"))
        return Change(
            bucket=one,
            key=unquote_plus(about["key"]),
            version=_version(about),
            kind=kind,
            action=action,
            time=record["eventTime"],
            sequencer=about["sequencer"],
            size=about.get("size", 0 if kind == "created" else None),
            etag=str(about.get("eTag", "")).strip('"'),
            content_type=about.get("contentType", ""),
            metadata=_metadata(about),
            via="native",
        )
    except (KeyError, TypeError) as error:
        message = f"no record of S3: {error}"
        raise ValueError(message) from error


def _version(about: Mapping[str, Any]) -> str:
    found = str(about.get("versionId", ""))
    return "" if found == "null" else found


def _metadata(about: Mapping[str, Any]) -> dict[str, str]:
    mark = "x-amz-meta-"
    told = about.get("userMetadata") or {}
    return {
        name[len(mark) :].lower(): str(value)
        for name, value in told.items()
        if name.lower().startswith(mark)
    }
