"""Buckets out to a folder and back in, with their former versions where the engine has them.

For each bucket a folder with ``index.jsonl``, a line for each object, version or delete marker, in
the order in which they were made, and the bodies in files that are numbered: a key may be longer
than a file's name, or climb. Versions get new ids when they are put back, and the time of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty import RunError, Service

from booty_provider_minio import engines, transfer
from booty_provider_minio.session import (
    BUCKET,
    Refused,
    Unreachable,
    as_root,
    ask,
    create,
    exists,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from booty import Instance

__all__ = ["load", "save"]

INDEX: Final = "index.jsonl"
PIECE: Final = 1024 * 1024
Entry = dict[str, Any]


async def save(service: Service, out: str) -> None:
    """Write every bucket but booty's own to a new folder.

    Raises:
        RunError: the server does not give it.
    """
    instance = _server(service)
    try:
        async with as_root(instance, transfer.SECONDS) as client:
            found = (await ask(client.list_buckets())).get("Buckets", [])
            for name in [one["Name"] for one in found if one["Name"] != BUCKET]:
                await _save_bucket(client, name, Path(out) / name, engines.of(instance))
    except (Refused, Unreachable) as error:
        raise _cannot(f'cannot back up "{instance.service}": {error}', instance.service) from error


def _server(service: Service) -> Instance:
    return next(one for one in service.instances if not one.role)


async def _save_bucket(client: Any, name: str, folder: Path, engine: engines.Engine) -> None:
    _make(folder)
    with (folder / INDEX).open("w") as index:
        number = 0
        async for entry in _entries(client, name, engine):
            told = {}
            if not entry.get("gone"):
                number += 1
                try:
                    told = await _save_object(client, name, entry, folder / f"{number}", engine)
                except Refused as error:
                    if error.missing:  # removed since it was listed
                        continue
                    raise
            index.write(json.dumps({**entry, **told}) + "\n")


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)


async def _entries(client: Any, name: str, engine: engines.Engine) -> AsyncIterator[Entry]:
    """Yield what a bucket holds, each key's versions from the oldest to the newest."""
    if "versioning" not in engine.has:
        async for page in transfer.pages(client, "list_objects_v2", Bucket=name):
            for one in page.get("Contents", []):
                yield {"key": one["Key"]}
        return
    held: list[tuple[Any, Entry]] = []
    async for page in transfer.pages(client, "list_object_versions", Bucket=name):
        held += [(one, {"key": one["Key"]}) for one in page.get("Versions", [])]
        held += [(one, {"key": one["Key"], "gone": True}) for one in page.get("DeleteMarkers", [])]
        last = max((entry["key"] for _, entry in held), default="")
        # a page may end between two versions of a key
        ended = [pair for pair in held if pair[1]["key"] != last]
        held = [pair for pair in held if pair[1]["key"] == last]
        for entry in _in_order(ended):
            yield entry
    for entry in _in_order(held):
        yield entry


def _in_order(found: list[tuple[Any, Entry]]) -> Iterator[Entry]:
    # the newest comes first in a listing, so among equal times the later line is the older one
    numbered = enumerate(found)
    by_age = sorted(
        numbered,
        key=lambda one: (
            one[1][1]["key"], one[1][0]["IsLatest"], one[1][0]["LastModified"], -one[0]
        ),
    )  # fmt: skip
    for _, (one, entry) in by_age:
        yield entry if entry.get("gone") else {**entry, "version": one["VersionId"]}


async def _save_object(
    client: Any, bucket: str, entry: Entry, file: Path, engine: engines.Engine
) -> Entry:
    version = {"VersionId": entry["version"]} if entry.get("version") else {}
    answer = await ask(client.get_object(Bucket=bucket, Key=entry["key"], **version))
    seen = hashlib.sha256()
    with file.open("wb") as out:
        async for piece in transfer.pieces(answer["Body"], PIECE):
            seen.update(piece)
            out.write(piece)
    told: Entry = {"file": file.name, "sha256": seen.hexdigest()}
    told |= {key: answer[key] for key in transfer.KEPT if answer.get(key)}
    if "tags" in engine.has and answer.get("TagCount"):
        found = await ask(client.get_object_tagging(Bucket=bucket, Key=entry["key"], **version))
        told["tags"] = {one["Key"]: one["Value"] for one in found["TagSet"]}
    return told


async def load(service: Service, source: str) -> None:
    """Put every bucket of a backup back; nothing is touched if one of them holds something.

    Raises:
        RunError: a bucket holds objects already, the backup is damaged, or the server refuses it.
    """
    instance = _server(service)
    folders = _undamaged(Path(source))
    try:
        async with as_root(instance, transfer.SECONDS) as client:
            await _empty(client, folders, service.name, engines.of(instance))
            for folder in folders:
                await _load_bucket(client, folder, engines.of(instance))
    except (Refused, Unreachable) as error:
        raise _cannot(f'cannot restore "{service.name}": {error}', service.name) from error


def _read(folder: Path) -> Iterator[Entry]:
    with (folder / INDEX).open() as lines:
        for line in lines:
            yield json.loads(line)


def _undamaged(source: Path) -> list[Path]:
    """Return the buckets of a backup, every body compared with its digest."""
    folders = sorted(one.parent for one in source.glob(f"*/{INDEX}"))
    for folder in folders:
        try:
            for entry in _read(folder):
                if "file" in entry:
                    with (folder / entry["file"]).open("rb") as body:
                        if hashlib.file_digest(body, "sha256").hexdigest() != entry["sha256"]:
                            raise _damaged(folder, entry["key"])
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(folder, str(error)) from error
    return folders


def _damaged(folder: Path, what: str) -> RunError:
    return _cannot(f'cannot restore bucket "{folder.name}": its backup is damaged: {what}', what)


async def _empty(client: Any, folders: list[Path], service: str, engine: engines.Engine) -> None:
    held = [one.name for one in folders if await _holds(client, one.name, engine)]
    if held:
        raise RunError(
            f'cannot restore "{", ".join(held)}": there are objects in it',
            reference="minio-backup",
            subject=held[0],
            hint=f"booty client {service} rm -r --versions {held[0]}, or restore elsewhere",
        )


async def _holds(client: Any, name: str, engine: engines.Engine) -> bool:
    if not await exists(client, name):
        return False
    if "versioning" in engine.has:  # what was removed, or half restored, would come to life again
        found = await ask(client.list_object_versions(Bucket=name, MaxKeys=1))
        return bool(found.get("Versions") or found.get("DeleteMarkers"))
    found = await ask(client.list_objects_v2(Bucket=name, MaxKeys=1))
    return bool(found.get("Contents"))


async def _load_bucket(client: Any, folder: Path, engine: engines.Engine) -> None:
    name = folder.name
    new = not await exists(client, name)
    if new:
        await create(client, name)
    if "versioning" not in engine.has or not _has_versions(folder):
        await _load_all(client, folder, engine)
        return
    before = (await ask(client.get_bucket_versioning(Bucket=name))).get("Status", "")
    await _version(client, name, "Enabled")
    await _load_all(client, folder, engine)
    if not new and before != "Enabled":  # as it is declared
        await _version(client, name, "Suspended")


def _has_versions(folder: Path) -> bool:
    keys = set()
    for entry in _read(folder):
        if entry.get("gone") or entry["key"] in keys:
            return True
        keys.add(entry["key"])
    return False


async def _version(client: Any, name: str, status: str) -> None:
    about = {"Bucket": name, "VersioningConfiguration": {"Status": status}}
    await ask(client.put_bucket_versioning(**about))


async def _load_all(client: Any, folder: Path, engine: engines.Engine) -> None:
    for entry in _read(folder):
        if entry.get("gone"):
            await ask(client.delete_object(Bucket=folder.name, Key=entry["key"]))
        else:
            await _load_object(client, folder, entry, engine)


async def _load_object(client: Any, folder: Path, entry: Entry, engine: engines.Engine) -> None:
    told = {key: entry[key] for key in transfer.KEPT if key in entry}
    key = entry["key"]
    await transfer.upload(client, folder.name, key, folder / entry["file"], **told)
    if "tags" in engine.has and entry.get("tags"):
        tags = [{"Key": name, "Value": value} for name, value in entry["tags"].items()]
        await ask(client.put_object_tagging(Bucket=folder.name, Key=key, Tagging={"TagSet": tags}))


def _cannot(message: str, subject: str) -> RunError:
    return RunError(
        message,
        reference="minio-backup",
        subject=subject,
        hint="booty health says how the server is",
    )
