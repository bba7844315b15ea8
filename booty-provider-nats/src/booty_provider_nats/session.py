"""Connections to a server by nats-py, with its traps stepped around."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty import HealthError

from booty_provider_nats.accounts import HEALTH_USER, SYSTEM_USER

if TYPE_CHECKING:
    import logging
    import ssl
    from collections.abc import AsyncIterator, Callable, Sequence

    from booty import Consumer, Endpoint, Instance
    from nats.aio.client import Client

__all__ = [
    "as_consumer",
    "as_health",
    "as_system",
    "client_of",
    "dial",
    "greeting",
    "hang_up",
    "stay",
    "trust",
]

CONNECT_SECONDS: Final = 3.0
GREETING_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 2.0
RECONNECT_WAIT: Final = 0.25
USER: Final = "user"


async def greeting(endpoint: Endpoint) -> dict[str, Any] | None:
    """Read what a server says to whoever connects: its ``INFO``, before any password or TLS.

    Returns:
        The information; ``None`` if something else listens there, or nothing is said in time.

    Raises:
        OSError: nobody listens.
    """
    import asyncio

    try:
        async with asyncio.timeout(GREETING_SECONDS):
            return _info(await _first_line(endpoint))
    except (TimeoutError, ValueError):  # silent, or a line without end
        return None


async def _first_line(endpoint: Endpoint) -> bytes:
    import asyncio

    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        return await reader.readline()
    finally:
        writer.transport.abort()


def _info(line: bytes) -> dict[str, Any] | None:
    import json

    if not line.startswith(b"INFO "):
        return None
    found: dict[str, Any] = json.loads(line[5:])
    return found


def _nobody(_news: str) -> None:
    pass


@asynccontextmanager
async def as_system(instance: Instance) -> AsyncIterator[Client]:
    """Connect to this very server as the user of the system account."""
    async with _to_itself(instance, SYSTEM_USER, "system") as connection:
        yield connection


@asynccontextmanager
async def as_health(instance: Instance) -> AsyncIterator[Client]:
    """Connect to this very server as the user that writes the health message."""
    async with _to_itself(instance, HEALTH_USER, "health") as connection:
        yield connection


def _to_itself(instance: Instance, user: str, secret: str) -> Any:
    return _open(instance, [instance.endpoints["client"]], user, instance.secrets[secret])


def _members(instance: Instance) -> list[Endpoint]:
    known = [peer.endpoints["client"] for peer in instance.peers if "client" in peer.endpoints]
    return known or [instance.endpoints["client"]]


async def _reachable_first(members: list[Endpoint]) -> list[Endpoint]:
    """Return the members in any order, behind one that greets: nobody waits for one that hangs.

    nats-py gives up altogether when a server takes its connection and then says nothing.
    """
    import random

    mixed = random.sample(members, len(members))
    first = await _first_to_greet(mixed) if len(mixed) > 1 else None
    return [first, *(one for one in mixed if one is not first)] if first else mixed


async def _first_to_greet(members: list[Endpoint]) -> Endpoint | None:
    import asyncio

    asked = [asyncio.create_task(_greets(member)) for member in members]
    try:
        for answer in asyncio.as_completed(asked):
            if member := await answer:
                return member
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    return None


async def _greets(member: Endpoint) -> Endpoint | None:
    try:
        return member if await greeting(member) else None
    except OSError:
        return None


@asynccontextmanager
async def as_consumer(
    instance: Instance, name: str = USER, told: Callable[[str], None] = _nobody
) -> AsyncIterator[Client]:
    """Connect to any member of the service with a consumer's own credentials."""
    consumer = _consumer(instance.consumers, name)
    password = consumer.secrets["password"]
    members = _members(instance)
    async with _open(instance, members, consumer.name, password, told) as connection:
        yield connection


def _consumer(consumers: Sequence[Consumer], name: str) -> Consumer:
    # whoever asks gets an instance that holds its own credentials, and those of nobody else
    named = [one for one in consumers if one.name == name]
    return (named or list(consumers))[0]


@asynccontextmanager
async def client_of(
    instance: Instance, told: Callable[[str], None] = _nobody
) -> AsyncIterator[Client]:
    """Connect for somebody who stays: it finds the servers again after they were away.

    Args:
        instance: of the service, with the caller's own user.
        told: called with ``lost`` and ``back`` as the connection goes and comes.
    """
    async with as_consumer(instance, told=told) as connection:
        stay(connection)
        yield connection


@asynccontextmanager
async def _open(
    instance: Instance,
    members: list[Endpoint],
    user: str,
    password: str,
    told: Callable[[str], None] = _nobody,
) -> AsyncIterator[Client]:
    connection = await _to_any(instance, await _reachable_first(members), user, password, told)
    try:
        yield connection
    finally:
        await hang_up(connection)


async def _to_any(
    instance: Instance,
    members: list[Endpoint],
    user: str,
    password: str,
    told: Callable[[str], None],
) -> Client:
    # one that greets and then hangs (stopped in that instant, or its disk) is left for the next:
    # nats-py itself tries another only where a connection is refused
    for first in range(len(members) - 1):
        try:
            return await _to_first(instance, members[first:], user, password, told)
        except HealthError as error:
            if not isinstance(error.__cause__, TimeoutError):
                raise
    return await _to_first(instance, members[-1:], user, password, told)


async def _to_first(
    instance: Instance,
    members: list[Endpoint],
    user: str,
    password: str,
    told: Callable[[str], None],
) -> Client:
    from nats.aio.client import Client

    connection = Client()
    scheme = "tls" if instance.settings.tls else "nats"
    servers = [f"{scheme}://{member.address}" for member in members]
    try:
        await _connect(connection, instance, servers, user, password, **_news(connection, told))
    except BaseException:
        await hang_up(connection)
        raise
    return connection


def _news(connection: Client, told: Callable[[str], None]) -> dict[str, Any]:
    async def lost() -> None:
        if not connection.is_closed:  # whoever closes it knows
            told("lost")

    async def back() -> None:
        told("back")

    return {"disconnected_cb": lost, "reconnected_cb": back}


async def _connect(
    connection: Client,
    instance: Instance,
    servers: list[str],
    user: str,
    password: str,
    **more: Any,
) -> None:
    from nats.errors import Error

    name, tls = f"booty {instance.service}", _trust(instance)
    try:
        await dial(connection, servers, user=user, password=password, name=name, tls=tls, **more)
    except (Error, OSError, TimeoutError) as error:
        raise _refused(instance, user, error) from error


async def dial(connection: Client, servers: list[str], **more: Any) -> None:
    """Connect, tried once at each server.

    Args:
        connection: a client that was never connected.
        servers: URLs without credentials, in the order in which they are tried.
        **more: options of nats-py: ``user``, ``password``, ``name``, ``tls``.

    Raises:
        nats.errors.Error, OSError, TimeoutError: nobody took the connection.
    """
    given: dict[str, Any] = {
        "connect_timeout": int(CONNECT_SECONDS),
        # allow_reconnect=False alone tries a closed port for 120 s (nats-io/nats.py#645)
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0,
        "dont_randomize": True,
        "error_cb": _unheard,
    }
    await connection.connect(servers, **{**given, **more})


def stay(connection: Client) -> None:
    """Let an open connection find the servers again after they were away."""
    # only now: the options of nats-py hold for the first connection too, and with these one
    # to a closed port, or with a wrong password, would be tried for ever
    connection.options["allow_reconnect"] = True
    connection.options["max_reconnect_attempts"] = -1
    connection.options["reconnect_time_wait"] = RECONNECT_WAIT


async def _unheard(_error: Exception) -> None:
    # nats-py's own callback writes a traceback to stderr; whoever calls hears the exception
    pass


async def hang_up(connection: Client) -> None:
    """Close a connection, with what was published on its way; a broken one, too."""
    import asyncio
    from contextlib import suppress

    from nats.errors import Error

    # what was published is on its way before the end; a lost connection has nothing to flush, and
    # after a failed TLS handshake nats-py would wait for the end of the connection for ever
    with suppress(Error, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            if connection.is_connected:
                await connection.flush()
            await connection.close()


def _trust(instance: Instance) -> ssl.SSLContext | None:
    return trust(cadata=instance.secrets["certificate:ca"]) if instance.settings.tls else None


def trust(*, cadata: str | None = None, cafile: str | None = None) -> ssl.SSLContext:
    """Return what trusts an authority; the machine's own if none is named."""
    import logging
    import ssl

    logging.getLogger("asyncio").addFilter(_worth_saying)
    return ssl.create_default_context(cadata=cadata, cafile=cafile)


def _worth_saying(record: logging.LogRecord) -> bool:
    # at the end of each TLS connection of nats-py, to stderr, and nothing is wrong
    return "eof_received() has no effect when using ssl" not in str(record.msg)


def _refused(instance: Instance, user: str, error: Exception) -> HealthError:
    why = str(error).removeprefix("nats: ").strip("' ").lower() or type(error).__name__
    return HealthError(
        f'cannot connect to "{instance.service}" as "{user}": {why}',
        reference="nats-connect",
        subject=instance.name,
        hint=f"booty health {instance.service}",
    )
