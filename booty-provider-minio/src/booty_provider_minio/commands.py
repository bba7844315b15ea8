"""``booty client NAME …``: objects for people."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from booty_provider_minio.places import BUCKETS, EITHER, OBJECT, Place, a_bucket, mistaken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from booty import Instance

    from booty_provider_minio.copying import How

__all__ = ["s3"]

_OWN: Final = "booty-"
_WEEK: Final = 7 * 86400
_SECONDS: Final = click.IntRange(min=1, max=_WEEK)
PIECE: Final = 1024 * 1024


@click.group(name="s3")
def s3() -> None:
    """List, copy, read, remove objects; give somebody an address for a while.

    Example: booty client files ls uploads/
    """


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(work)


@asynccontextmanager
async def _client(instance: Instance, what: str) -> AsyncIterator[Any]:
    from booty import RunError

    from booty_provider_minio.session import Refused, Unreachable, client_of

    try:
        async with client_of(instance) as client:
            yield client
    except (Refused, Unreachable) as error:
        raise RunError(
            f"cannot {what}: {error}",
            reference="minio-refused" if isinstance(error, Refused) else "minio-no-answer",
            subject=instance.service,
            hint=f"booty client {instance.service} ls"
            if isinstance(error, Refused)
            else f"booty health {instance.service}",
        ) from error


@s3.command()
@click.argument("place", type=BUCKETS, required=False, metavar="[BUCKET[/PREFIX]]")
@click.option("-r", "--recursive", is_flag=True, help="Everything below, not one level.")
@click.option("--json", "as_json", is_flag=True, envvar="BOOTY_JSON", help="Print JSON lines.")
@click.pass_obj
def ls(instance: Instance, place: Place | None, recursive: bool, as_json: bool) -> None:
    """List buckets, or what is in one.

    Example: booty client files ls uploads/2026/
    """
    _run(_list(instance, place, recursive, as_json))


async def _list(instance: Instance, place: Place | None, recursive: bool, as_json: bool) -> None:
    from booty_provider_minio.listing import buckets, objects

    async with _client(instance, f'list "{place or instance.service}"') as client:
        found = objects(client, place, recursive=recursive) if place else buckets(client, _OWN)
        async for row in found:
            click.echo(json.dumps(row, ensure_ascii=False) if as_json else _line(row))


def _line(row: dict[str, Any]) -> str:
    size = "" if row["size"] is None else str(row["size"])
    return f"{(row['modified'] or ''):>20}  {size:>12}  {row['name']}"


@s3.command()
@click.argument("source", type=EITHER)
@click.argument("target", type=EITHER)
@click.option("-r", "--recursive", is_flag=True, help="A folder, or all keys that begin so.")
@click.option("--type", "content_type", help="Content type; else its own, or by the name's end.")
@click.pass_obj
def cp(
    instance: Instance, source: Any, target: Any, recursive: bool, content_type: str | None
) -> None:
    """Copy a file to s3://BUCKET/KEY, back, or from key to key; "-" is standard input or output.

    Example: booty client files cp photo.jpg s3://uploads/photo.jpg
    """
    if wrong := mistaken(source, target, recursive=recursive, typed=bool(content_type)):
        raise click.UsageError(wrong)
    from booty_provider_minio import engines
    from booty_provider_minio.copying import How, fed
    from booty_provider_minio.s3.copying import PART, bound_of

    bound = bound_of(engines.of(instance).name, PART)
    with fed(source) as kept:
        how = How(content_type=content_type, kept=kept, bound=bound)
        _run(_copy(instance, source, target, how, recursive))


async def _copy(instance: Instance, source: Any, target: Any, how: How, recursive: bool) -> None:
    from booty_provider_minio.copying import copy

    async with _client(instance, f'copy "{source}" to "{target}"') as client:
        async for one, other in copy(client, source, target, how, recursive=recursive):
            click.echo(f"{one} -> {other}", err=True)


@s3.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/KEY")
@click.pass_obj
def cat(instance: Instance, place: Place) -> None:
    """Write an object to standard output.

    Example: booty client files cat uploads/notes.txt
    """
    _run(_copy_out(instance, place))


async def _copy_out(instance: Instance, place: Place) -> None:
    from booty_provider_minio import transfer
    from booty_provider_minio.session import ask

    async with _client(instance, f'read "{place}"') as client:
        answer = await ask(client.get_object(Bucket=place.bucket, Key=place.key))
        async for piece in transfer.pieces(answer["Body"], PIECE):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@s3.command()
@click.argument("place", type=BUCKETS, metavar="BUCKET/KEY")
@click.option("-r", "--recursive", is_flag=True, help="All keys that begin so.")
@click.option("--versions", is_flag=True, help="With -r: former versions too, for good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rm(instance: Instance, place: Place, recursive: bool, versions: bool, yes: bool) -> None:
    """Remove an object, or with -r all whose keys begin so. Former versions stay.

    Example: booty client files rm uploads/notes.txt
    """
    if not place.key and not recursive:
        raise click.UsageError(a_bucket(place))
    if versions and not recursive:
        message = "--versions goes with -r"
        raise click.UsageError(message)
    if recursive and not yes:
        _confirm(place)
    _run(_remove_all(instance, place, versions) if recursive else _remove(instance, place))


def _confirm(place: Place) -> None:
    try:
        click.confirm(f"remove everything at {place}?", abort=True, err=True)
    except click.Abort as error:
        if sys.stdin.isatty():
            raise
        message = "nobody answers: add --yes"
        raise click.UsageError(message) from error


async def _remove(instance: Instance, place: Place) -> None:
    from booty_provider_minio.listing import there
    from booty_provider_minio.session import ask

    async with _client(instance, f'remove "{place}"') as client:
        await there(client, place)
        await ask(client.delete_object(Bucket=place.bucket, Key=place.key))


async def _remove_all(instance: Instance, place: Place, versions: bool) -> None:
    from booty_provider_minio import engines, listing
    from booty_provider_minio.session import ask

    former = versions and "versioning" in engines.of(instance).has
    async with _client(instance, f'remove "{place}"') as client:
        some: list[dict[str, str]] = []
        async for some in (listing.versions if former else listing.named)(client, place):
            gone = {"Objects": some, "Quiet": True}
            await ask(client.delete_objects(Bucket=place.bucket, Delete=gone))
        if not some and place.key:
            await listing.there(client, place)


@s3.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/KEY")
@click.option("--expires", default=3600, show_default=True, type=_SECONDS, help="Seconds.")
@click.option("--put", is_flag=True, help="For writing, not for reading.")
@click.pass_obj
def presign(instance: Instance, place: Place, expires: int, put: bool) -> None:
    """Print an address by which anybody may read or write one object for a while.

    Example: curl -o photo.jpg "$(booty client files presign uploads/photo.jpg)"
    """
    click.echo(_run(_signed(instance, place, expires, put)))


async def _signed(instance: Instance, place: Place, expires: int, put: bool) -> str:
    async with _client(instance, f'sign an address of "{place}"') as client:
        verb = "put_object" if put else "get_object"
        about = {"Bucket": place.bucket, "Key": place.key}
        return str(await client.generate_presigned_url(verb, Params=about, ExpiresIn=expires))


@s3.command()
@click.argument("place", type=BUCKETS, required=False, metavar="[BUCKET[/PREFIX]]")
@click.option("--count", type=click.IntRange(min=1), help="End after so many; else go on.")
@click.option("--json", "as_json", is_flag=True, envvar="BOOTY_JSON", help="Print the events.")
@click.pass_obj
def watch(instance: Instance, place: Place | None, count: int | None, as_json: bool) -> None:
    """Print changes as they are told, until ctrl-C; needs events = "…" on the service.

    Example: booty client files watch uploads/
    """
    _run(_watch(instance, place, count, as_json))


async def _watch(instance: Instance, place: Place | None, count: int | None, as_json: bool) -> None:
    from booty_provider_minio.watching import changes

    left = count
    async for event in changes(instance, place, lambda: click.echo("watching", err=True)):
        data = event["data"]
        line = f"{event['time']}  {data['action']:<13}  {event['subject']}"
        click.echo(json.dumps(event, ensure_ascii=False) if as_json else line)
        left = left and left - 1
        if left == 0:
            return
