"""The notify socket: programs that speak sd_notify, and who of them may say what."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

from booty.run import identity, tree
from booty.supervise import looking
from booty.supervise.complaint import complain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["Notices", "reloaded"]

CHUNK: Final = 4096
LONGEST: Final = 200
"""Letters of a STATUS that are kept."""
LAST_ERRNO: Final = 4095
"""The kernel's own limit."""
MOST_FDS: Final = 253
"""Descriptors of one message: the kernel's own limit."""
_CREDENTIALS: Final = struct.Struct("3i")
_INT: Final = struct.Struct("i")


class Notices:
    """Hears notices and hands them to the instance that sent them.

    Args:
        sup: the supervisor.
        fd: the bound datagram socket.
    """

    def __init__(self, sup: Supervision, fd: int) -> None:
        self._sup = sup
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self.heed()
        # who says MAINPID and ends has said it before it ended
        sup.loop.before_end.append(self.hear)

    def heed(self) -> None:
        """Listen to the socket, also when another one has taken its number."""
        if hasattr(socket, "SO_PASSCRED"):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._sup.loop.watch(self._socket.fileno(), self.hear)

    def hear(self) -> None:
        """Take all notices that have come."""
        space = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(MOST_FDS * _INT.size)
        while True:
            try:
                # it stays in the queue until its meaning is written down: a successor finds it
                data, ancillary, _, _ = self._socket.recvmsg(CHUNK, space, socket.MSG_PEEK)
            except BlockingIOError:
                return
            except OSError as error:  # no descriptor left for those that came with it
                complain(f"cannot read a notice: {error}")
                return
            fds, pid = _received(ancillary)
            for fd in fds:
                os.close(fd)
            try:
                self._take(pid, data)
                self._sup.save()
            finally:
                # the kernel closes what comes with it. BARRIER=1: the end of its descriptor tells
                # the sender that all before it was read
                self._socket.recv(1)

    def _take(self, pid: int | None, data: bytes) -> None:
        unit = self._sender(pid) if pid else None
        if unit is None or unit.process is None:
            return  # a stranger, or one that has gone since
        words = dict(
            line.partition("=")[::2] for line in data.decode(errors="replace").splitlines()
        )
        for name, hear in _WORDS.items():
            if name in words:
                with contextlib.suppress(ValueError):  # no number: as if it had not been said
                    hear(self._sup, unit, words)
        if (kept := unit.said.kept()) != (unit.row.get("said") or {}):
            unit.note(said=kept)

    def _sender(self, pid: int) -> Unit | None:
        unit = self._sup.by_pid.get(pid)
        found = None if unit else identity.stat(pid)
        if found is None:
            return unit
        owners = (one for one in self._sup.units.values() if _owns(one, pid, found))
        return self._sup.by_pid.get(found.sid) or next(owners, None)


def _received(ancillary: list[Any]) -> tuple[list[int], int | None]:
    fds: list[int] = []
    pid = None
    for level, kind, content in ancillary:
        if level != socket.SOL_SOCKET:
            continue
        if kind == socket.SCM_RIGHTS:
            whole = len(content) - len(content) % _INT.size
            fds += [number for (number,) in _INT.iter_unpack(content[:whole])]
        elif kind == getattr(socket, "SCM_CREDENTIALS", -1):
            pid = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
    return fds, pid


def _owns(unit: Unit, pid: int, found: identity.Stat) -> bool:
    # by session, by descent, or by the mark of a descendant that began a session of its own
    if unit.process is None:
        return False
    mark = str(unit.row.get("mark") or "")
    return (
        found.sid == unit.process.session
        or tree.descends(pid, unit.process.pid)
        or (mark != "" and tree.bears(pid, mark))
    )


def _ready(_: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    if words["READY"] != "1":
        return
    if not unit.said.reloaded.done and unit.state in {"ready", "degraded"}:
        unit.to(unit.state, None)
    unit.said.is_ready()


def _reloading(sup: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    if words["RELOADING"] != "1":
        return
    told = words.get("MONOTONIC_USEC")
    unit.said.reloads(int(told) / 1e6 if told else sup.loop.now())
    unit.note(says_reloading=True)
    if unit.state in {"ready", "degraded"}:
        unit.to(unit.state, "reloading")


def _stopping(sup: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    if words["STOPPING"] != "1" or unit.said.stopping:
        return
    unit.said.stopping = True
    if not unit.stopping:
        looking.stops_itself(sup, unit)


def _status(_: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    words_now = words["STATUS"][:LONGEST]
    if unit.state == "starting":
        unit.to("starting", words_now)
    unit.note(status=words_now)


def _errno(_: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    number = int(words["ERRNO"])
    if 0 < number <= LAST_ERRNO:
        unit.said.errno = number


def _extend(_: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    unit.said.extends(int(words["EXTEND_TIMEOUT_USEC"]) / 1e6)


def _watchdog(sup: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    if words["WATCHDOG"] == "1":
        unit.said.beats()
    elif words["WATCHDOG"] == "trigger":
        looking.unhealthy(sup, unit, "it says WATCHDOG=trigger")


def _interval(_: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    unit.said.interval = int(words["WATCHDOG_USEC"]) / 1e6 or None
    unit.said.beats()


def _main_pid(sup: Supervision, unit: Unit, words: Mapping[str, str]) -> None:
    pid, process = int(words["MAINPID"]), unit.process
    if process is None or process.gone.done or pid == process.pid:
        return
    found = identity.stat(pid)
    if found is None or found.state in {"Z", "X"} or not _owns(unit, pid, found):
        why = f'"{unit.name}" says that its process is {pid}, which is none of its own'
        sup.journal.tell("warning", unit.name, message=why)
        return
    before = process.pid
    with contextlib.suppress(ProcessLookupError):
        process.become(pid)
        sup.ends.moved(before, found.pgid)
        sup.by_pid.pop(before, None)
        sup.by_pid[pid] = unit
        unit.has(process)
        unit.save()


_WORDS: Final = {
    "MAINPID": _main_pid,
    "EXTEND_TIMEOUT_USEC": _extend,
    "WATCHDOG_USEC": _interval,
    "WATCHDOG": _watchdog,
    "ERRNO": _errno,
    "STATUS": _status,
    "STOPPING": _stopping,
    "RELOADING": _reloading,
    "READY": _ready,
}
"""What is understood, in the order in which the words of one message are taken."""


async def reloaded(sup: Supervision, unit: Unit, since: float) -> None:
    """Wait until a program that tells of its reloads has done the one asked for.

    Args:
        sup: the supervisor.
        unit: its instance; of one that never told of a reload nothing is waited for.
        since: when it was asked, on the loop's clock.
    """
    end = sup.loop.now() + float(unit.entry["ready_timeout"])
    while unit.row.get("says_reloading") and unit.process is not None and sup.loop.now() < end:
        begun = unit.said.reloading
        if begun is not None and begun >= since:
            left = end - sup.loop.now()
            await unit.said.first(unit.said.reloaded, unit.process.gone, timeout=left)
            return
        await sup.change(end - sup.loop.now())
