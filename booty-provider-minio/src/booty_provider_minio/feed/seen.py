"""What a look at a bucket shows: objects and versions of them. Pure."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

from booty_provider_minio.feed import ages
from booty_provider_minio.feed.changes import Change

__all__ = ["Seen", "appeared", "listed", "moment", "of_change", "vanished"]

_MILLI: Final = 1_000_000


@frozen(kw_only=True)
class Seen:
    """One object, or version of it.

    Attributes:
        bucket, key, version: which.
        etag: what it held.
        sequencer: grows with its time, hexadecimal.
        gone: whether it is a delete marker.
        size: bytes; ``None`` = not known.
        listed: whether a listing has shown it, to the millisecond; else the server told of it.
    """

    bucket: str
    key: str
    version: str
    etag: str
    sequencer: str
    gone: bool = False
    size: int | None = None
    listed: bool = True

    @property
    def place(self) -> tuple[str, str, str]:
        """Which it is."""
        return self.bucket, self.key, self.version

    def is_older(self, other: Seen) -> bool:
        """Tell whether another state of this object is news to who knows this one."""
        if self.listed:
            return (self.etag, self.sequencer) != (other.etag, other.sequencer)
        # a server says its nanoseconds, and lists milliseconds
        return moment(self.sequencer) < moment(other.sequencer)


def moment(sequencer: str) -> int:
    """Return the millisecond of a sequencer."""
    return int(sequencer, 16) // _MILLI


def listed(bucket: str, one: dict[str, Any], *, gone: bool = False) -> Seen:
    """Return an entry of S3's listing."""
    told = str(one.get("VersionId", ""))
    version = "" if told == "null" else told
    return Seen(
        bucket=bucket,
        key=one["Key"],
        version=version,
        etag=str(one.get("ETag", "")).strip('"'),
        sequencer=ages.sequencer(version, one["LastModified"]),
        gone=gone,
        size=None if gone else one["Size"],
    )


def of_change(change: Change) -> Seen:
    """Return what is there after a change that was told."""
    return Seen(
        bucket=change.bucket,
        key=change.key,
        version=change.version,
        etag=change.etag,
        sequencer=(change.former or change.sequencer).upper().zfill(16),
        gone=change.action == "delete-marker",
        listed=change.via == "listing",
    )


def appeared(one: Seen) -> Change:
    """Return the change that must have been for something to be there."""
    return Change(
        bucket=one.bucket,
        key=one.key,
        version=one.version,
        kind="removed" if one.gone else "created",
        action="delete-marker" if one.gone else "seen",
        time=ages.time(one.sequencer),
        sequencer=one.sequencer,
        size=one.size,
        etag=one.etag,
        via="listing",
    )


def vanished(one: Seen, seconds: float) -> Change:
    """Return the change that must have been for something to be gone.

    When it went is not known: it is told with the time at which that was noticed.

    Args:
        one: what was there.
        seconds: when the look began that did not show it, since the epoch: what is written after it
            is later.
    """
    noticed = ages.noticed(one.sequencer, seconds)
    return Change(
        bucket=one.bucket,
        key=one.key,
        version=one.version,
        kind="removed",
        action="gone",
        time=ages.time(noticed),
        sequencer=noticed,
        former=one.sequencer,
        etag=one.etag,
        via="listing",
    )
