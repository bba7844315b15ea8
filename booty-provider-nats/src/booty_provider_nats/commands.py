"""``booty client NAME …`` for a NATS service: publish, subscribe, ask, look at streams.

Called with the instance as ``ctx.obj``; nats-py is imported when a command runs.
"""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from booty_provider_nats.arguments import PATTERN, STREAM, SUBJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable

    from booty import Instance
    from nats.aio.client import Client

    from booty_provider_nats.api import JetStream

__all__ = ["nats"]

_MANY: Final = click.IntRange(min=1)
_WAIT: Final = click.FloatRange(min=0.0, min_open=True)


@click.group(name="nats")
def nats() -> None:
    """Publish, subscribe, ask; look at streams and consumers, save them, remove them.

    Example: booty client bus sub 'orders.>'
    """


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(work)


@nats.command()
@click.argument("subject", type=SUBJECT)
@click.argument("message", default="-")
@click.option("--count", default=1, show_default=True, type=_MANY, help="How often.")
@click.option("--ack", is_flag=True, help="Wait until a stream has stored it; say where.")
@click.pass_obj
def pub(instance: Instance, subject: str, message: str, count: int, ack: bool) -> None:
    """Publish MESSAGE ("-" = read standard input).

    Example: booty client bus pub orders.new '{"item": "coffee"}' --ack
    """
    data = sys.stdin.buffer.read() if message == "-" else message.encode()
    _run(_publish(instance, subject, data, count, ack=ack))


async def _publish(instance: Instance, subject: str, data: bytes, count: int, *, ack: bool) -> None:
    from booty_provider_nats.api import ID_BYTES
    from booty_provider_nats.session import client_of

    async with client_of(instance) as connection:
        _fits(connection, instance, len(data) + (ID_BYTES if ack else 0))
        for _ in range(count):
            if ack:
                click.echo(await _stored(connection, subject, data))
            else:
                await connection.publish(subject, data)


def _fits(connection: Client, instance: Instance, size: int) -> None:
    from booty import RunError

    if size > connection.max_payload:
        raise RunError(
            f'cannot send {size} bytes to "{instance.service}":'
            f" its limit is {connection.max_payload}",
            reference="nats-too-large",
            subject=instance.service,
            hint=f'settings = {{ max-payload = "…" }} under [services.{instance.service}]',
        )


async def _stored(connection: Client, subject: str, data: bytes) -> str:
    from booty import RunError

    from booty_provider_nats.api import ApiError, store

    try:
        kept = await store(connection, subject, data)
    except ApiError as error:
        raise RunError(
            f'cannot have a stream store "{subject}": {error.description}',
            reference="nats-not-stored",
            subject=subject,
            hint="leave out --ack, or declare a stream with this subject",
        ) from error
    return f"{kept['stream']} {kept['seq']}"


@nats.command()
@click.argument("subject", default=">", type=PATTERN)
@click.option("--count", type=_MANY, help="End after so many messages; else go on.")
@click.option("--queue", default="", help="Share the messages with others of this group.")
@click.option("--raw", is_flag=True, help="Print messages only, without their subjects.")
@click.pass_obj
def sub(instance: Instance, subject: str, count: int | None, queue: str, raw: bool) -> None:
    """Print messages as they come, until ctrl-C; it survives restarts of the servers.

    Example: booty client bus sub 'orders.>'
    """
    _run(_listen(instance, subject, count, queue, raw=raw))


async def _listen(
    instance: Instance, subject: str, count: int | None, queue: str, *, raw: bool
) -> None:
    from booty_provider_nats.session import client_of

    async with client_of(instance, _told_of) as connection:
        messages = await connection.subscribe(subject, queue=queue)
        await connection.flush()
        click.echo(f"listening to {subject}", err=True)
        left = count
        async for message in messages.messages:
            text = message.data.decode(errors="replace")
            click.echo(text if raw else f"{message.subject} {text}")
            left = left and left - 1
            if left == 0:
                return


def _told_of(what: str) -> None:
    click.echo(f"the connection is {what}", err=True)


@nats.command()
@click.argument("subject", type=SUBJECT)
@click.argument("message", default="")
@click.option("--timeout", default=2.0, show_default=True, type=_WAIT, help="Seconds to wait.")
@click.pass_obj
def request(instance: Instance, subject: str, message: str, timeout: float) -> None:
    """Ask, and print the first answer.

    Example: booty client bus request prices.get coffee
    """
    click.echo(_run(_request(instance, subject, message, timeout)))


async def _request(instance: Instance, subject: str, message: str, patience: float) -> str:
    from booty import RunError
    from nats.errors import Error

    from booty_provider_nats.session import as_consumer

    async with as_consumer(instance) as connection:
        _fits(connection, instance, len(message.encode()))
        try:
            answer = await connection.request(subject, message.encode(), timeout=patience)
        except (Error, TimeoutError) as error:
            raise RunError(
                f'cannot get an answer from "{subject}": {str(error).removeprefix("nats: ")}',
                reference="nats-no-answer",
                subject=subject,
                hint="is the program up that answers it? booty ps",
            ) from error
        return str(answer.data.decode(errors="replace"))


@nats.command()
@click.option("--json", "as_json", is_flag=True, envvar="BOOTY_JSON", help="Print JSON.")
@click.pass_obj
def streams(instance: Instance, as_json: bool) -> None:
    """List streams and buckets: subjects, messages, bytes, copies, leader.

    Example: booty client bus streams
    """
    found = _run(_list(instance))
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    _table(
        ("STREAM", "SUBJECTS", "MESSAGES", "BYTES", "COPIES", "CONSUMERS", "LEADER"),
        (
            (
                one["config"]["name"],
                ",".join(one["config"].get("subjects") or ["-"]),
                one["state"]["messages"],
                one["state"]["bytes"],
                one["config"]["num_replicas"],
                one["state"]["consumer_count"],
                _leader(one, instance),
            )
            for one in found
        ),
    )


async def _list(instance: Instance) -> list[dict[str, Any]]:
    async with _jetstream(instance, "list the streams") as jetstream:
        return [_told(stream) async for stream in jetstream.streams()]


def _leader(stream: dict[str, Any], instance: Instance) -> str:
    # a single server tells of no cluster; a stream whose servers are all away, of no leader
    cluster = stream.get("cluster")
    return str(cluster.get("leader", "offline")) if cluster else instance.name


def _told(stream: dict[str, Any]) -> dict[str, Any]:
    return {key: stream[key] for key in ("config", "state", "cluster", "created") if key in stream}


@nats.command()
@click.argument("stream", type=STREAM)
@click.option("--json", "as_json", is_flag=True, envvar="BOOTY_JSON", help="Print JSON.")
@click.pass_obj
def consumers(instance: Instance, stream: str, as_json: bool) -> None:
    """List the consumers of STREAM: what waits, what is unacknowledged.

    Example: booty client bus consumers orders
    """
    found = _run(_consumers(instance, stream))
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    rows = (
        (one["name"], one["num_pending"], one["num_ack_pending"], one["num_redelivered"])
        for one in found
    )
    _table(("CONSUMER", "WAITING", "UNACKNOWLEDGED", "AGAIN"), rows)


async def _consumers(instance: Instance, stream: str) -> list[dict[str, Any]]:
    async with _jetstream(instance, f'list the consumers of "{stream}"') as jetstream:
        return [one async for one in jetstream.consumers(stream)]


@asynccontextmanager
async def _jetstream(instance: Instance, what: str) -> AsyncIterator[JetStream]:
    from booty import RunError

    from booty_provider_nats.api import ApiError, JetStream
    from booty_provider_nats.session import as_consumer

    async with as_consumer(instance) as connection:
        try:
            yield JetStream(connection)
        except ApiError as error:
            raise RunError(
                f"cannot {what}: {error.description}",
                reference="nats-refused",
                subject=instance.service,
                hint=f"booty client {instance.service} streams",
            ) from error


@nats.command()
@click.argument("stream", type=STREAM)
@click.argument("consumer", required=False, type=STREAM)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rm(instance: Instance, stream: str, consumer: str | None, yes: bool) -> None:
    """Remove a stream with all its messages, or one of its consumers.

    Example: booty client bus rm orders writer
    """
    what = f"consumer {consumer} of stream {stream}" if consumer else f"stream {stream}"
    if not yes:
        click.confirm(f"remove {what} and what is in it?", abort=True, err=True)
    verb = f"CONSUMER.DELETE.{stream}.{consumer}" if consumer else f"STREAM.DELETE.{stream}"
    _run(_remove(instance, verb, what))
    click.echo(f"removed {what}", err=True)


async def _remove(instance: Instance, verb: str, what: str) -> None:
    async with _jetstream(instance, f"remove {what}") as jetstream:
        await jetstream.call(verb)


@nats.command()
@click.argument("folder")
@click.pass_obj
def backup(instance: Instance, folder: str) -> None:
    """Write every stream, bucket and consumer to a new FOLDER.

    Example: booty client bus backup saved
    """
    from booty_provider_nats.snapshots import save

    for line in _run(save(instance, folder)):
        click.echo(line)


@nats.command()
@click.argument("folder")
@click.pass_obj
def restore(instance: Instance, folder: str) -> None:
    """Put back what backup wrote; streams that hold messages are left alone.

    Example: booty client bus restore saved
    """
    from booty_provider_nats.snapshots import load

    for line in _run(load(instance, folder)):
        click.echo(line)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    lines = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
