"""One supervisor's life: it finds what is there, serves until it is told to leave."""

from __future__ import annotations

import os
import signal
from typing import Any

from booty import __version__
from booty.run import garbage, identity, process, title, tree
from booty.run.signals import listen
from booty.supervise import adoption, remaking, sheets
from booty.supervise.control import Control
from booty.supervise.growth import Growth
from booty.supervise.notices import Notices
from booty.supervise.supervisor import Supervisor
from booty.supervise.wire import ControlError

__all__ = ["main"]


def main(arguments: dict[str, Any]) -> None:
    """Be the supervisor.

    Args:
        arguments: ``state lifetime end fds exits guardian`` as the guardian gives them.
    """
    garbage.look_rarely()
    sup = Supervisor(arguments)
    for fd in sup.fds.values():
        os.set_inheritable(fd, False)
    tree.become_subreaper()
    title.call_itself("booty-supervise")
    process.raise_file_limit()
    _listen(sup)
    if "secrets" in sup.fds:
        sup.values.read_secrets(sup.fds["secrets"])
    _load_sheet(sup)
    Growth(sup)
    found = adoption.adopt(sup)
    _announce(sup, ends=bool(arguments.get("end")))
    _serve(sup)
    # die-with-me, and both watchers were killed: what is left of it ends now
    go_on = adoption.end if arguments.get("end") else adoption.go_on
    sup.loop.soon(lambda: go_on(sup, found))
    sup.loop.run()


def _listen(sup: Supervisor) -> None:
    def asked_to_stop() -> None:
        if sup.ending is not None:
            sup.force.set(None)
        sup.end()

    stops = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
    calls: dict[int, Any] = dict.fromkeys(stops, asked_to_stop)
    calls[signal.SIGHUP] = lambda: None
    calls[signal.SIGCHLD] = sup.ends.reap
    listen(sup.loop, calls)


def _load_sheet(sup: Supervisor) -> None:
    digest = sup.stack.get("plan")
    if digest:
        try:
            sup.sheet = sheets.read(sup.folder, digest)
        except ControlError as fault:
            sup.journal.tell("warning", None, message=fault.message)
        sup.values.artifacts = sup.sheet.get("artifacts", {})


def _announce(sup: Supervisor, *, ends: bool) -> None:
    pid = os.getpid()
    me = {"pid": pid, "start": identity.start_time(pid), "since": sup.journal.now()}
    machine = {"id": identity.machine_id(), "boot": identity.boot_id()}
    sup.note(supervisor=me, machine=machine, unwatched=False, version=__version__)
    found = len(sup.by_pid)
    sup.journal.tell("supervisor", None, pid=pid, adopted=0 if ends else found)
    if ends and found:
        message = f"{found} that were to die with who held the stack still ran: they are ended"
        sup.journal.tell("warning", None, message=message)


def _serve(sup: Supervisor) -> None:
    sup.loop.before_wait.append(sup.save)
    control = Control(sup, sup.fds["control"])
    sup.before_leaving.append(control.flush)
    notices = Notices(sup, sup.fds["notify"])
    sup.heed_holder()
    remaking.watch(sup, (control.heed, notices.heed))
