"""Changes that nobody tells of, found by listing buckets and comparing with what was told.

It sees what is there, not what was: an object that was written twice between two passes is told
once, one that came and went not at all. Where the bucket keeps versions, each of them is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty_provider_minio.feed import ages
from booty_provider_minio.feed.changes import Change
from booty_provider_minio.feed.cursor import Cursor, Seen
from booty_provider_minio.session import BUCKET, ask
from booty_provider_minio.transfer import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booty_provider_minio.feed.bus import Bus

__all__ = ["look"]


async def look(client: Any, bus: Bus, cursor: Cursor, *, versions: bool) -> int:
    """Tell what has changed in all buckets since the last pass.

    Args:
        client: an S3 client that may see all of them.
        bus: where it is told.
        cursor: what was told.
        versions: whether the engine keeps former versions.

    Returns:
        How many changes there were.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing; what was told is on disk.
    """
    number, count = cursor.begin(), 0
    found = (await ask(client.list_buckets())).get("Buckets", [])
    for bucket in [one["Name"] for one in found if one["Name"] != BUCKET]:
        async for page in _pages(client, bucket, versions=versions):
            news = [(one, size) for one, size in page if _is_news(cursor.known(one), one)]
            await bus.tell(_appeared(one, size) for one, size in news)
            cursor.told((one for one, _ in page), number)
            count += len(news)
        for one in cursor.missed(bucket, number):
            if not one.gone:
                await bus.tell([_vanished(one)])
                count += 1
            cursor.forget(one)
    return count


def _is_news(known: Seen | None, now: Seen) -> bool:
    return known is None or (known.etag, known.sequencer) != (now.etag, now.sequencer)


async def _pages(
    client: Any, bucket: str, *, versions: bool
) -> AsyncIterator[list[tuple[Seen, int | None]]]:
    if versions:
        async for group in _versions(client, bucket):
            yield sorted(group, key=_age)
    else:
        async for page in pages(client, "list_objects_v2", Bucket=bucket):
            yield [(_seen(bucket, one), one["Size"]) for one in page.get("Contents", [])]


async def _versions(client: Any, bucket: str) -> AsyncIterator[list[tuple[Seen, int | None]]]:
    """Yield versions, all of one key together, whatever number a page holds."""
    rest: list[tuple[Seen, int | None]] = []
    async for page in pages(client, "list_object_versions", Bucket=bucket):
        rest += [(_seen(bucket, one), one["Size"]) for one in page.get("Versions", [])]
        rest += [(_seen(bucket, one, gone=True), None) for one in page.get("DeleteMarkers", [])]
        # the newest come first: the older ones of the last key may stand on the next page
        split = page.get("NextKeyMarker")
        yield [one for one in rest if one[0].key != split]
        rest = [one for one in rest if one[0].key == split]
    yield rest


def _age(one: tuple[Seen, int | None]) -> tuple[str, str]:
    # of one key the older version first
    return one[0].key, one[0].sequencer.zfill(32)


def _seen(bucket: str, one: dict[str, Any], *, gone: bool = False) -> Seen:
    told = str(one.get("VersionId", ""))
    version = "" if told == "null" else told
    return Seen(
        bucket=bucket,
        key=one["Key"],
        version=version,
        etag=str(one.get("ETag", "")).strip('"'),
        sequencer=ages.sequencer(version, one["LastModified"]),
        gone=gone,
    )


def _appeared(one: Seen, size: int | None) -> Change:
    return Change(
        bucket=one.bucket,
        key=one.key,
        version=one.version,
        kind="removed" if one.gone else "created",
        action="delete-marker" if one.gone else "seen",
        time=ages.time(one.sequencer),
        sequencer=one.sequencer,
        size=size,
        etag=one.etag,
        via="listing",
    )


def _vanished(one: Seen) -> Change:
    # when it went is not known: it is told with the time of what is gone, which is the same each
    # time that it is told
    return Change(
        bucket=one.bucket,
        key=one.key,
        version=one.version,
        kind="removed",
        action="gone",
        time=ages.time(one.sequencer),
        sequencer=one.sequencer,
        etag=one.etag,
        via="listing",
    )
