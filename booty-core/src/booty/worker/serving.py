"""Requests in, answers out: one hook call each, several at a time, each with its deadline."""

from __future__ import annotations

import functools
import inspect
import socket
import sys
import traceback
from collections.abc import Mapping
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
from booty.worker.redaction import Redaction

__all__ = ["answer", "serve"]

CHUNK: Final = 65536
DEADLINE: Final = 60.0
"""Seconds a call may take if the request does not say."""
# one scan of the installed distributions for the life of a worker; a failed load is tried again
_load = functools.cache(providers.load)


class Line:
    """Our end of the socket pair: bytes in, whole answers out.

    Args:
        link: the socket, not blocking.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._turn = anyio.Lock()

    async def read(self) -> bytes:
        """Return the next bytes; none when the other side has hung up."""
        while True:
            await anyio.wait_readable(self._link)
            try:
                return self._link.recv(CHUNK)
            except BlockingIOError:
                continue
            except ConnectionError:
                return b""

    async def write(self, frame: bytes) -> None:
        """Send a frame; another one only begins after it. Nobody misses it after a hang-up."""
        view = memoryview(frame)
        async with self._turn:
            while view:
                await anyio.wait_writable(self._link)
                try:
                    view = view[self._link.send(view) :]
                except BlockingIOError:
                    continue
                except ConnectionError:
                    return


async def serve(link: socket.socket) -> None:
    """Serve until the other side hangs up; calls still under way are dropped then."""
    line, feed = Line(link), wire.Feed()
    async with anyio.create_task_group() as group:
        while data := await line.read():
            for request in feed.add(data):
                group.start_soon(_respond, line, request)
        group.cancel_scope.cancel()


async def _respond(line: Line, request: Mapping[str, Any]) -> None:
    number = request["id"]
    said = await answer(request)
    try:
        frame = wire.pack({"id": number, **said})
    except (wire.WireError, TypeError, ValueError) as error:
        frame = wire.pack({"id": number, **_failed(request, error)})
    await line.write(frame)


async def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run one hook.

    Args:
        request: ``verb``, ``provider``, ``deadline`` (seconds) and the hook's arguments as data.

    Returns:
        ``{"ok": {…}}`` or ``{"error": {…}}``, without the credentials of the request but for
        ``start``; never raises for what a hook does.
    """
    limit = float(request.get("deadline") or DEADLINE)
    try:
        # not fail_after: a hook's own TimeoutError is a fault of the hook
        with anyio.move_on_after(limit):
            return {"ok": _said(request, await _call(request))}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a provider raises is told
        return _failed(request, error)
    return {"error": _late(request, limit).to_data()}


def _failed(request: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    veil = Redaction(request)
    # stderr is the supervisor's log; an answer holds one line only
    sys.stderr.write(veil.text("".join(traceback.format_exception(error))))
    sys.stderr.flush()
    if isinstance(error, BootyErrors):
        first, *others = [fault.to_data() for fault in error.faults]
        return {"error": veil.data(first | {"others": others})}
    if not isinstance(error, BootyError):
        error = providers.hook_failed(str(request["provider"]), str(request["verb"]), error)
    return {"error": veil.data(error.to_data())}


async def _call(request: Mapping[str, Any]) -> Any:
    provider = _load(str(request["provider"]))
    found = provider.call(str(request["verb"]), **_arguments(request, provider))
    if isinstance(found, list):  # "event" is told to each implementation
        return [await one if inspect.isawaitable(one) else one for one in found]
    return await found if inspect.isawaitable(found) else found


def _said(request: Mapping[str, Any], value: Any) -> Any:
    verb = str(request["verb"])
    said = _plain(providers.checked(str(request["provider"]), verb, value))
    return said if verb == "start" else Redaction(request).data(said)


def _arguments(request: Mapping[str, Any], provider: providers.Provider) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if "instance" in request:
        arguments["instance"] = _instance(request["instance"], provider)
    for name in ("service", "old", "new"):
        if name in request:
            arguments[name] = _service(request[name], provider)
    if "launch" in request:
        arguments["launch"] = codec.from_data(Launch, request["launch"])
    if "leaving" in request:
        arguments["leaving"] = bool(request["leaving"])
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
