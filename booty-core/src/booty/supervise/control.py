"""The control socket: who may speak, what can be asked, what is told."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from booty import __version__
from booty.run import credentials
from booty.supervise import intent, looking, sheets, stopping, unforeseen, waiting, watching, wire
from booty.supervise.complaint import complain
from booty.supervise.converging import can_reload, reload
from booty.supervise.peer import Peer
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.run.loop import Future
    from booty.supervise.supervisor import Supervisor

__all__ = ["Control"]

LIFETIMES: Final = ("outlive-me", "die-with-me")
PAUSE: Final = 0.1
"""Seconds until clients are looked for again where no descriptor was left for one."""


class Control:
    """Serves the control socket.

    Args:
        sup: the supervisor.
        fd: the bound, listening socket.
    """

    def __init__(self, sup: Supervisor, fd: int) -> None:
        self.sup = sup
        self.clients: set[Peer] = set()
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        sup.loop.before_wait.append(self.flush)
        sup.journal.listeners.append(self._tell)
        self.heed()

    def heed(self) -> None:
        """Listen to the socket, also when another one has taken its number."""
        self.sup.loop.watch(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except BlockingIOError:
                return
            except OSError:
                # no descriptor left: the client waits in the backlog, and we look again later
                self.sup.loop.unwatch(self._socket.fileno())
                self.sup.loop.after(PAUSE, self.heed)
                return
            if _ours(link):
                self.clients.add(Peer(self.sup.loop, link, self.take, self._gone))
            else:
                link.close()

    def _gone(self, client: Peer) -> None:
        self.clients.discard(client)
        if not self.clients:
            self.sup.left_alone()

    def _tell(self, _: dict[str, Any]) -> None:
        listening = [one for one in self.clients if one.subscribed]
        if listening:
            data = wire.framed(b'{"event":%s}' % self.sup.journal.line)
            for client in listening:
                client.send(data)

    def flush(self) -> None:
        """Send what can be sent at once; done before each wait."""
        for client in list(self.clients):
            client.flush()

    def take(self, client: Peer, frame: dict[str, Any]) -> None:
        """Take one frame of a client."""
        if not client.greeted:
            self._greet(client, frame)
            return
        verb = _VERBS.get(str(frame.get("do")))
        if verb is None:
            self._refuse(client, frame, "unknown-verb", f'cannot do "{frame.get("do")}"')
            return
        unknown = set(frame) - {"id", "do"} - verb.fields
        if unknown:
            name = min(unknown)
            self._refuse(client, frame, "unknown-field", f'cannot use the field "{name}"')
            return
        self.sup.loop.task(self._answer(client, frame, verb))

    def _refuse(self, client: Peer, frame: dict[str, Any], reference: str, why: str) -> None:
        fault = ControlError.of(why, reference=reference, status=2, hint="booty self-restart")
        client.say({"id": frame.get("id"), "error": fault.data})

    def _greet(self, client: Peer, frame: dict[str, Any]) -> None:
        hello = frame.get("hello")
        offered = hello.get("protocols") if isinstance(hello, dict) else None
        offered = offered if isinstance(offered, list) else []
        common = [number for number in wire.PROTOCOLS if number in offered]
        if not common:
            fault = ControlError.of(
                f"cannot talk to this client: it speaks protocol {offered}, the supervisor"
                f" {list(wire.PROTOCOLS)}",
                reference="protocol",
                status=10,
                hint="use the booty that started the stack, or booty down and up",
            )
            client.say({"error": fault.data})
            client.close()
            return
        client.greeted = True
        stack = self.sup.stack["stack"]
        own = {"protocol": common[0], "stack": stack, "pid": os.getpid(), "version": __version__}
        client.say({"hello": own})

    async def _answer(self, client: Peer, frame: dict[str, Any], verb: _Verb) -> None:
        fields = {key: frame[key] for key in frame if key not in {"id", "do"}}
        try:
            found = await verb.run(self.sup, client, fields)
        except ControlError as fault:
            client.say({"id": frame.get("id"), "error": fault.data})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            complain(f"{frame.get('do')}: {error!r}")
            self._refuse(client, frame, "bad-request", f'cannot do "{frame.get("do")}" that way')
        except Exception as error:  # noqa: BLE001 - whoever asked is answered
            client.say({"id": frame.get("id"), "error": unforeseen.fault(error).data})
        else:
            self.sup.save()  # who gets the answer may read the files at once
            client.say({"id": frame.get("id"), "ok": found})


def _ours(link: socket.socket) -> bool:
    # one that the system cannot name has passed a folder of mode 0700
    return credentials.user_of(link) in {0, os.getuid(), None}


Run = Callable[["Supervisor", Peer, dict[str, Any]], Coroutine["Future[Any]", None, Any]]


class _Verb:
    """One thing that can be asked."""

    def __init__(self, run: Run, *fields: str) -> None:
        self.run = run
        self.fields = set(fields)


async def _status(sup: Supervisor, _: Peer, __: dict[str, Any]) -> dict[str, Any]:
    return {"stack": sup.stack, "instances": [unit.row for unit in sup.units.values()]}


async def _converge(sup: Supervisor, client: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    if sup.ending is not None:
        raise _ending()
    if client.fds:
        sup.keep_secrets(client.fds.pop(0))
    sheet = sheets.read(sup.folder, str(asked["plan"]), sup.sheet)
    sup.values.artifacts = sheet["artifacts"]
    sup.without = set(asked.get("without") or ())
    change = sup.converge(
        sheet,
        asked.get("names"),
        keep=bool(asked.get("keep")),
        spans=list(asked.get("spans") or ()),
        anew=bool(asked.get("anew")),
    )
    if sup.convergence is change:
        intent.accept(sup, change, asked)
    return {"changes": change.changes}


def _ending() -> ControlError:
    return ControlError.of(
        "cannot do that now: the stack is being stopped",
        reference="stopping-now",
        status=10,
        hint="wait until it has ended, then booty up",
    )


async def _wait(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    await waiting.wait(sup, asked.get("names"), asked.get("for") or "ready", asked.get("limit"))
    return {}


async def _stop(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    names = stopping.leaning_on(sup, waiting.named(sup, asked["names"]))
    sup.desire(*names, up=False)
    return {"report": await stopping.stop_all(sup, names, stopping.missed(sup, names))}


async def _start(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    if sup.ending is not None:
        raise _ending()
    # a task that was named runs again
    named = (sup.units[name] for name in waiting.named(sup, asked["names"]))
    again = {unit.name: "asked for" for unit in named if unit.state == "done"}
    change = sup.converge(sup.sheet, asked["names"], keep=True, spans=[], again=again)
    return {"changes": change.changes}


async def _restart(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    if sup.ending is not None:
        raise _ending()
    names = waiting.named(sup, asked["names"])
    change = sup.converge(sup.sheet, names, keep=True, spans=[], again=names)
    return {"changes": change.changes}


async def _reload(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    done, refused = {}, []
    for name in waiting.named(sup, asked["names"]):
        unit = sup.units[name]
        done[name] = await reload(sup, unit)
        if not done[name] and unit.process is not None and can_reload(sup, unit, unit.entry):
            refused.append(name)
    return {"reloaded": done, "refused": refused}


async def _kill(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    number = int(signal.Signals[f"SIG{asked.get('signal') or 'KILL'}"])
    sent: dict[str, int | None] = {}
    for name in waiting.named(sup, asked["names"]):
        process = sup.units[name].process
        sent[name] = None if process is None else process.pid
        if process is not None:
            process.send(number)
    return {"sent": sent}


async def _self_restart(sup: Supervisor, _: Peer, __: dict[str, Any]) -> dict[str, Any]:
    sup.give_way()
    return {}


async def _health(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    names = waiting.named(sup, asked.get("names"))
    work = {name: sup.loop.task(looking.look(sup, sup.units[name])) for name in names}
    return {"health": {name: await one for name, one in work.items()}}


async def _down(sup: Supervisor, _: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    if asked.get("force"):
        sup.force.set(None)
    return {"report": await sup.end()}


async def _subscribe(_: Supervisor, client: Peer, __: dict[str, Any]) -> dict[str, Any]:
    client.subscribed = True
    return {}


async def _lifetime(sup: Supervisor, client: Peer, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["lifetime"] not in LIFETIMES:
        raise ValueError("no such lifetime")
    if client.fds:
        sup.held_by(client.fds.pop(0))
    sup.live_as(asked["lifetime"])
    return {}


async def _watch(sup: Supervisor, client: Peer, _: dict[str, Any]) -> dict[str, Any]:
    if not client.fds:
        raise ValueError("no pipe came with it")
    watching.hold(sup, client.fds.pop(0))
    return {}


async def _ping(_: Supervisor, __: Peer, ___: dict[str, Any]) -> dict[str, Any]:
    return {}


_VERBS: Final = {
    "status": _Verb(_status),
    "converge": _Verb(
        _converge, "plan", "names", "without", "accept", "keep", "spans", "scale", "anew"
    ),
    "wait": _Verb(_wait, "names", "for", "limit"),
    "start": _Verb(_start, "names"),
    "stop": _Verb(_stop, "names"),
    "restart": _Verb(_restart, "names"),
    "reload": _Verb(_reload, "names"),
    "kill": _Verb(_kill, "names", "signal"),
    "health": _Verb(_health, "names"),
    "down": _Verb(_down, "force"),
    "self-restart": _Verb(_self_restart),
    "subscribe": _Verb(_subscribe),
    "lifetime": _Verb(_lifetime, "lifetime"),
    "watch": _Verb(_watch),
    "ping": _Verb(_ping),
}
