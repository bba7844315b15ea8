"""What a server and its buckets hold, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty_provider_minio.session import Refused, ask
from booty_provider_minio.transfer import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booty_provider_minio.places import Place

__all__ = ["buckets", "keys", "named", "objects", "there", "versions"]


async def buckets(client: Any, but: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the buckets, but those whose names begin so: ``name size modified``."""
    for one in (await ask(client.list_buckets())).get("Buckets", []):
        if not one["Name"].startswith(but):
            yield {"name": one["Name"], "size": None, "modified": _time(one["CreationDate"])}


async def objects(client: Any, place: Place, *, recursive: bool) -> AsyncIterator[dict[str, Any]]:
    """Yield what is in a bucket below a prefix; without ``recursive`` one level of it."""
    level = {} if recursive else {"Delimiter": "/"}
    about = {"Bucket": place.bucket, "Prefix": place.key, **level}
    async for page in pages(client, "list_objects_v2", **about):
        for one in page.get("CommonPrefixes", []):
            yield {"name": one["Prefix"], "size": None, "modified": None}
        for one in page.get("Contents", []):
            time = _time(one["LastModified"])
            yield {"name": one["Key"], "size": one["Size"], "modified": time}


async def keys(client: Any, place: Place) -> AsyncIterator[list[str]]:
    """Yield all keys that begin so, at most a thousand at one time."""
    async for page in pages(client, "list_objects_v2", Bucket=place.bucket, Prefix=place.key):
        if found := [one["Key"] for one in page.get("Contents", [])]:
            yield found


async def named(client: Any, place: Place) -> AsyncIterator[list[dict[str, str]]]:
    """Yield the same as ``Key``, as a removal takes them."""
    async for some in keys(client, place):
        yield [{"Key": key} for key in some]


async def versions(client: Any, place: Place) -> AsyncIterator[list[dict[str, str]]]:
    """Yield ``Key VersionId`` of all versions and delete markers, a thousand at one time."""
    async for page in pages(client, "list_object_versions", Bucket=place.bucket, Prefix=place.key):
        held = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found := [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in held]:
            yield found


async def there(client: Any, place: Place) -> None:
    """Look whether an object is there, which a removal does not tell.

    Raises:
        Refused: it is not, or not for us.
        Unreachable: the server said nothing.
    """
    try:
        await ask(client.head_object(Bucket=place.bucket, Key=place.key))
    except Refused as error:
        if error.missing:  # an answer to HEAD has no words of its own
            raise Refused("NoSuchKey", error.status, "there is no such object") from error
        raise


def _time(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
