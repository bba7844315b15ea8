"""The guardian: parent of the supervisor, keeper of sockets, lock and secrets, reaper of orphans.

It answers nobody and knows nothing of services. While it lives, a dead supervisor is followed by a
successor (outlive-me), or everything below it is ended at once (die-with-me).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from booty.run import garbage, identity, process, runtime, title, tree
from booty.run.cgroup import Group
from booty.run.loop import Loop
from booty.run.signals import listen
from booty.supervise import roles, state
from booty.supervise.complaint import complain

__all__ = ["main"]

DEATHS: Final = 5
WINDOW: Final = 60.0
"""So many deaths of a supervisor in so many seconds, and the guardian gives up."""
PAUSE: Final = 1.0
"""Seconds until it is tried again where the system refuses to start a process."""
REMEMBERED: Final = 4096
"""Exits of orphans that are kept for a successor."""
CHUNK: Final = 65536


def main(arguments: dict[str, Any]) -> None:
    """Be the guardian.

    Args:
        arguments: ``state`` (folder), ``lifetime``, ``end``, ``fds`` (``lock control notify`` and
            optionally ``hold secrets``), ``inherits`` (whether this process was guardian or
            supervisor before and has its children), ``exits`` (pid, code, signal of what ended),
            ``alone`` (whether this process has a session of its own already).
    """
    if not arguments.get("inherits"):
        process.close_others(set(arguments["fds"].values()))
        if not arguments.get("alone"):
            _leave_terminal()
        os.chdir("/")
    Guardian(arguments).run()


def _leave_terminal() -> None:
    # the launcher waits for the first process only
    if os.fork():
        os._exit(0)
    os.setsid()


class Guardian:
    """One guardian; see :func:`main` for its arguments."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.folder = state.Folder(arguments["state"])
        self.lifetime: str = arguments["lifetime"]
        self.end = bool(arguments.get("end"))
        self.fds: dict[str, int] = arguments["fds"]
        self.loop = Loop()
        self.deaths: list[float] = []
        exits = arguments.get("exits") or ()
        self.exits = {pid: process.Exit(code, number) for pid, code, number in exits}
        self.supervisor = 0
        self.link: socket.socket | None = None
        self.leaving = False
        self.renewing = False
        self.inherits = bool(arguments.get("inherits"))
        saved = self._saved()
        self.place = str(saved.get("runtime"))
        self.stack_id = str((saved.get("stack") or {}).get("id"))
        self.group = Group(f"booty-{self.stack_id}")

    def run(self) -> None:
        garbage.look_rarely()
        for fd in self.fds.values():
            os.set_inheritable(fd, False)
        tree.become_subreaper()
        self.group.leave()
        title.call_itself("booty-guardian")
        process.raise_file_limit()
        # before anything is listened to, so that a fork has nothing to forget
        self._start(self._exec if self.inherits else self._fork)
        # a stop asked of the guardian is a stop asked of the stack
        stops = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
        passed: dict[int, Any] = {number: self._pass_on(number) for number in stops}
        listen(self.loop, {signal.SIGCHLD: self._reap, signal.SIGHUP: lambda: None, **passed})
        self._reap()  # it may have died before it was listened to
        self.loop.run()

    def _saved(self) -> dict[str, Any]:
        try:
            return state.read_json(self.folder.stack) or {}
        except (OSError, ValueError):
            return {}

    def _pass_on(self, number: int) -> Any:
        def send() -> None:
            if self.supervisor:
                tree.kill([self.supervisor], number)

        return send

    def _start(self, begin: Callable[[dict[str, Any]], int]) -> None:
        self.link, theirs = socket.socketpair()
        self.link.setblocking(False)
        arguments = {
            "state": self.folder.root,
            "lifetime": self.lifetime,
            "end": self.end,
            "fds": {**self.fds, "guardian": theirs.fileno()},
            "exits": [[pid, *status] for pid, status in self.exits.items()],
            # who writes the state down is one process, and that is not us
            "guardian": {"pid": os.getpid(), "start": identity.start_time(os.getpid())},
        }
        self.end = False
        self.supervisor = begin(arguments)
        theirs.close()
        self.loop.watch(self.link.fileno(), self._hear)
        self._gather()

    def _gather(self) -> None:
        # all that it starts is then ended in one step, also what would fork away from us meanwhile
        if self.lifetime == "die-with-me":
            self.group.take(self.supervisor)

    def _exec(self, arguments: dict[str, Any]) -> int:
        # a successor is of the booty that is installed now, whatever this process still holds
        fds = arguments["fds"]
        numbers = {name: 10 + index for index, name in enumerate(sorted(fds))}
        return process.spawn(
            roles.command("supervisor", {**arguments, "fds": numbers}),
            {"LC_CTYPE": "C.UTF-8"},
            fds={numbers[name]: fd for name, fd in fds.items()},
        )

    def _fork(self, arguments: dict[str, Any]) -> int:
        # the first one: what both import is imported once, which halves the time to its hello
        if pid := os.fork():
            return pid
        try:
            os.setsid()
            self.loop.close()
            if self.link is not None:
                self.link.close()
            title.replace_word("guardian", "supervisor")
            from booty.supervise import serving

            serving.main(arguments)
        finally:
            os._exit(1)

    def _hear(self) -> None:
        self._hear_some()

    def _hear_some(self) -> bool:
        link = self.link
        if link is None:
            return False
        try:
            data, fds, _, _ = socket.recv_fds(link, CHUNK, 4)
        except BlockingIOError:
            return False
        except ConnectionError:
            data, fds = b"", []
        for fd in fds:
            os.set_inheritable(fd, False)
        if not data:
            self.loop.unwatch(link.fileno())
            return False
        for line in data.splitlines():
            self._obey(json.loads(line), fds)
        return True

    def _obey(self, message: dict[str, Any], fds: list[int]) -> None:
        if message.get("do") in {"secrets", "hold", "keep"} and fds:
            name = message.get("name") or message["do"]
            if name in self.fds:
                os.close(self.fds[name])
            self.fds[name] = fds.pop(0)
        elif message.get("do") == "drop" and message["name"] in self.fds:
            os.close(self.fds.pop(message["name"]))
        elif message.get("do") == "lifetime":
            self.lifetime = message["lifetime"]
            self._gather()
        elif message.get("do") == "taken":
            for pid in message["pids"]:
                self.exits.pop(pid, None)
        elif message.get("do") == "leave":
            self.leaving = True
            self._clear()  # while the supervisor ends
        elif message.get("do") == "renew":
            self.renewing = True

    def _reap(self) -> None:
        # all there is, before a successor is started: it judges by what it is told at its start
        ended = dict(self._ended())
        lost = ended.pop(self.supervisor, None) is not None
        for pid, status in ended.items():
            self._tell(pid, process.Exit.of(status))
        if lost:
            self._hear_rest()
            self._lost()

    def _ended(self) -> Iterator[tuple[int, int]]:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                yield found

    def _tell(self, pid: int, status: process.Exit) -> None:
        self.exits[pid] = status
        while len(self.exits) > REMEMBERED:
            self.exits.pop(next(iter(self.exits)))
        if self.link is not None:
            line = json.dumps({"exit": [pid, *status]}) + "\n"
            with contextlib.suppress(OSError):  # a dead supervisor's successor gets it at its start
                self.link.sendall(line.encode())

    def _hear_rest(self) -> None:
        # what the supervisor said last is read before its death is judged
        if self.link is not None:
            while self._hear_some():  # one with a descriptor comes alone
                pass
            with contextlib.suppress(OSError):
                self.loop.unwatch(self.link.fileno())
            self.link.close()
            self.link = None

    def _lost(self) -> None:
        self.supervisor = 0
        if self.leaving:
            self._forget()
        elif self.renewing:
            self._renew()
        elif self.lifetime == "die-with-me":
            self._end_all()
            self.leaving = True
            self._forget()
        elif self._too_often():
            self._give_up()
        else:
            self._start_again()

    def _renew(self) -> None:
        # in place: our children stay ours, the lock stays held
        for fd in self.fds.values():
            os.set_inheritable(fd, True)
        arguments = {
            "state": self.folder.root,
            "lifetime": self.lifetime,
            "fds": self.fds,
            "inherits": True,
            "exits": [[pid, *status] for pid, status in self.exits.items()],
        }
        process.give_back_file_limit()
        argv = roles.command("guardian", arguments)
        os.execv(argv[0], argv)

    def _start_again(self) -> None:
        try:
            self._start(self._exec)
        except (process.SpawnError, OSError) as error:
            # no process or no descriptor to be had: it counts as one more death
            complain(f"cannot start a supervisor: {error}")
            self._hear_rest()
            self.loop.after(PAUSE, self._lost)

    def _too_often(self) -> bool:
        now = time.monotonic()
        self.deaths = [one for one in self.deaths if now - one < WINDOW] + [now]
        return len(self.deaths) >= DEATHS

    def _end_all(self) -> None:
        self.group.kill()
        # what was adopted from watchers that were killed is not below us
        rows = state.read(self.folder.root)["instances"]
        marks = {str(row["mark"]) for row in rows if row.get("mark")}
        pids = {int(row["pid"]) for row in rows if identity.alive(row["pid"], row.get("start"))}
        # descendants that called setsid are below us too: orphans become our children
        while below := tree.descendants(os.getpid()):
            tree.kill(below)
            self._bury()
        tree.kill(tree.belonging(pids, marks))

    def _bury(self) -> None:
        # at least one, and all that are there: each look at the process table costs
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _give_up(self) -> None:
        saved = self._saved()
        with contextlib.suppress(OSError):
            state.write_json(self.folder.stack, {**saved, "unwatched": True})
        complain(f"the supervisor died {DEATHS} times in {WINDOW:g} s: given up")
        self._forget()

    def _forget(self) -> None:
        # nothing may keep us here: a lock that nobody serves blocks the next up
        try:
            self._clear()
            self.group.remove()
        finally:
            os._exit(0)

    def _clear(self) -> None:
        for name in ("control.sock", "notify.sock"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self.place}/{name}")
        if self.leaving:  # nothing of it runs: what is there belonged to this life
            runtime.remove(self.place, self.stack_id)
