"""Requests in, answers out: one hook call each, several at a time, each with its deadline."""

from __future__ import annotations

import inspect
import socket
import sys
import traceback
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import anyio
import anyio.abc
import attrs

from booty import providers
from booty.errors import BootyError, BootyErrors, HealthError, ProviderError
from booty.model import codec
from booty.model.instance import Instance, Launch, Service
from booty.model.state import Event
from booty.supervise import wire

__all__ = ["answer", "serve"]

CHUNK: Final = 65536
DEADLINE: Final = 60.0
"""Seconds a call may take if the request does not say."""


async def serve(link: socket.socket) -> None:
    """Serve until the other side hangs up; calls still under way are dropped then."""
    feed = wire.Feed()
    async with anyio.create_task_group() as group:
        while True:
            await anyio.wait_readable(link)
            data = link.recv(CHUNK)
            if not data:
                group.cancel_scope.cancel()
                return
            for request in feed.add(data):
                group.start_soon(_respond, link, request)


async def _respond(link: socket.socket, request: Mapping[str, Any]) -> None:
    frame = memoryview(wire.pack({"id": request["id"], **await answer(request)}))
    while frame:
        await anyio.wait_writable(link)
        frame = frame[link.send(frame) :]


async def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run one hook.

    Args:
        request: ``verb``, ``provider``, ``deadline`` (seconds) and the hook's arguments as data.

    Returns:
        ``{"ok": {…}}`` or ``{"error": {…}}``; never raises for what a hook does.
    """
    limit = float(request.get("deadline") or DEADLINE)
    try:
        with anyio.fail_after(limit):
            return {"ok": _plain(await _call(request))}
    except TimeoutError:
        return {"error": _late(request, limit).to_data()}
    except BootyErrors as error:
        others = [fault.to_data() for fault in error.faults[1:]]
        return {"error": error.faults[0].to_data() | {"others": others}}
    except BootyError as error:
        _tell(error)
        return {"error": error.to_data()}
    except Exception as error:  # noqa: BLE001 - whatever a provider raises is an answer
        _tell(error)
        fault = providers.hook_failed(str(request["provider"]), str(request["verb"]), error)
        return {"error": fault.to_data()}


async def _call(request: Mapping[str, Any]) -> Any:
    provider = providers.load(str(request["provider"]))
    found = provider.call(str(request["verb"]), **_arguments(request, provider))
    return await found if isinstance(found, Awaitable) or inspect.isawaitable(found) else found


def _arguments(request: Mapping[str, Any], provider: providers.Provider) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if "instance" in request:
        arguments["instance"] = _instance(request["instance"], provider)
    for name in ("service", "old", "new"):
        if name in request:
            arguments[name] = _service(request[name], provider)
    if "launch" in request:
        arguments["launch"] = codec.from_data(Launch, request["launch"])
    if "event" in request:
        arguments["event"] = codec.from_data(Event, request["event"])
    return arguments


def _instance(data: Mapping[str, Any], provider: providers.Provider) -> Instance:
    declared = provider.components.get(str(data["component"]))
    if declared is None:
        raise ProviderError(
            f'cannot find component "{data["component"]}" in provider "{provider.name}"',
            reference="component-gone",
            subject=str(data["component"]),
            hint="the provider changed under a running stack: booty up --replan",
        )
    return codec.instance_from_data(data, declared)


def _service(data: Mapping[str, Any], provider: providers.Provider) -> Service:
    instances = tuple(_instance(one, provider) for one in data["instances"])
    return Service(name=str(data["name"]), instances=instances)


def _plain(value: Any) -> Any:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"value": value}
    if isinstance(value, (list, tuple)):
        return {"value": codec.to_data(list(value))}
    return codec.to_data(value) if attrs.has(type(value)) else {"value": str(value)}


def _late(request: Mapping[str, Any], limit: float) -> HealthError:
    return HealthError(
        f'cannot wait for hook "{request["verb"]}" of provider "{request["provider"]}" any longer:'
        f" it took more than {limit:g} s",
        reference="hook-timeout",
        subject=str(request["provider"]),
        hint="look into the log of the supervisor",
    )


def _tell(error: Exception) -> None:
    # stderr is the supervisor's log; an answer holds one line only
    traceback.print_exception(error, file=sys.stderr)
