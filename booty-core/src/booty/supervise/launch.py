"""Start guardian and supervisor of a stack, or find those that are there."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from typing import Any, Final

from booty.run import identity, locks, runtime, whole
from booty.supervise import client, forking, formats, roles, state
from booty.supervise.client import Connection
from booty.supervise.wire import ControlError

__all__ = ["STOPS", "Start", "ensure"]

STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What asks a follower for an orderly stop; blocked while a command becomes one."""

_START_LIMIT: Final = 10.0
"""Seconds until a supervisor must answer."""

_LOOK: Final = 0.005
"""Seconds between looks while another command starts or ends the supervisor."""


class Start:
    """A supervisor that was asked to start, or was there.

    Args:
        link: a connection; of one that was there after the hello, else before it.
        timeout: seconds until it must have answered.
        log: where one that was started writes down why it could not; empty if it was there.
        pid: a process that ends as soon as it has started the guardian; 0 if none is between.
    """

    def __init__(self, link: Connection, timeout: float, log: str = "", pid: int = 0) -> None:
        self._link = link
        self._log = log
        self._pid = pid
        self._timeout = timeout
        self._fresh = bool(log)

    @property
    def fresh(self) -> bool:
        """Whether it was started and has not answered yet."""
        return self._fresh

    def connection(self) -> Connection:
        """Return the connection as soon as the supervisor has answered.

        Raises:
            ControlError: it did not start (``supervisor-start``).
        """
        fresh, self._fresh = self._fresh, False
        if not fresh:
            return self._link
        try:
            self._link.greet(self._timeout)
        except ControlError as error:
            self._link.close()
            raise ControlError.of(
                f"cannot start the supervisor: {error.message}",
                reference="supervisor-start",
                status=7,
                hint=f"look into {self._log}",
            ) from error
        finally:
            if self._pid:
                os.waitpid(self._pid, 0)
        return self._link


def ensure(
    state_dir: str | os.PathLike[str],
    *,
    stack_id: str,
    name: str,
    lifetime: str,
    hold: int | None = None,
    environment: dict[str, str],
    store: str | None = None,
    root: str | None = None,
    fork: bool = False,
    timeout: float = _START_LIMIT,
) -> Start:
    """Start guardian and supervisor of a stack unless there are some; does not wait for them.

    A supervisor that is already there keeps its lifetime, holder and environment.

    Args:
        state_dir: the state folder; made if absent.
        stack_id: the stack's id.
        name: its label.
        lifetime: ``outlive-me`` or ``die-with-me``.
        hold: read end of the holder's pipe; its end of file ends a die-with-me stack. The caller
            keeps its own copy of the descriptor.
        environment: base environment of every process of the stack; kept in its state.
        store: folder of the verified programs.
        root: folder of booty.toml; by default the parent of the state folder.
        fork: whether this process may be forked for it, where that can be: it has imported little
            and holds nothing of anybody's.
        timeout: seconds until a supervisor must have answered.

    Returns:
        The start; :meth:`Start.connection` waits for its end.

    Raises:
        ControlError: ``foreign-state`` (10) if its processes run on another machine,
            ``socket-path-too-long``, ``supervisor-start`` or ``state-unwritable`` (7),
            ``supervisor-silent``.
    """
    folder = state.Folder(state_dir)
    settings = {
        "stack": {"id": stack_id, "name": name},
        "root": root or os.path.dirname(folder.root),
        "lifetime": lifetime,
        "environment": environment,
        "store": store,
    }
    end = time.monotonic() + timeout
    while True:
        try:
            return Start(client.connect(folder.root, timeout), timeout)
        except ControlError as error:
            if error.reference not in {"not-running", "connection-lost"}:
                raise
        if (lock := _lock(folder)) is not None:
            return _start(folder, settings, hold, lock, timeout, fork=fork)
        if time.monotonic() > end:
            raise _silent(timeout)
        # whoever holds the lock is about to listen or to end; neither can be waited for
        select.select([], [], [], _LOOK)


def _silent(timeout: float) -> ControlError:
    return ControlError.of(
        f"cannot reach the supervisor within {timeout:g} s",
        reference="supervisor-silent",
        status=10,
        hint="look into .booty/logs/supervisor.log",
    )


def _lock(folder: state.Folder) -> int | None:
    try:
        folder.make()
        return locks.take(folder.lock)
    except OSError as error:
        raise ControlError.of(
            f'cannot write to "{folder.root}": {error.strerror}',
            reference="state-unwritable",
            status=7,
            subject=folder.root,
            hint="free space, or make the folder writable",
        ) from error


def _start(
    folder: state.Folder,
    settings: dict[str, Any],
    hold: int | None,
    lock: int,
    timeout: float,
    *,
    fork: bool,
) -> Start:
    try:
        before = _saved(folder)
        _refuse_foreign(folder, before)
        place = _runtime(settings)
        control = runtime.bind(f"{place}/control.sock", socket.SOCK_STREAM)
        notify = runtime.bind(f"{place}/notify.sock", socket.SOCK_DGRAM)
        with control, notify:
            _write_stack(folder, before, {**settings, "runtime": place})
            fds = {"lock": lock, "control": control.fileno(), "notify": notify.fileno()}
            if hold is not None:
                fds["hold"] = hold
            # the socket is there before who will listen on it
            link = _connected(f"{place}/control.sock")
            arguments = {
                "state": folder.root,
                "lifetime": settings["lifetime"],
                # a die-with-me stack whose watchers were killed with it is ended, not adopted
                "end": before.get("lifetime") == "die-with-me",
            }
            pid = _guardian(folder, fds, arguments, fork=fork)
            _flush_stack(folder, link)
    finally:
        os.close(lock)
    return Start(link, timeout, folder.log("supervisor"), pid)


def _connected(path: str) -> Connection:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
        return Connection(sock)
    except BaseException:
        sock.close()
        raise


def _saved(folder: state.Folder) -> dict[str, Any]:
    try:
        found = state.read_json(folder.stack) or {}
        formats.refuse_newer("stack", found, folder.stack)
        return formats.sound("stack", found)
    except ValueError:
        # cut by a power failure: what runs is known by its rows, what it is by the newest plan
        newest = state.quiet(f"{folder.root}/plans/latest.json") or {}
        return {**state.kept(folder), "plan": newest.get("plan")}


def _refuse_foreign(folder: state.Folder, before: dict[str, Any]) -> None:
    if not state.foreign(before):
        return
    running = [row["instance"] for row in state.read(folder.root)["instances"] if row["pid"]]
    if running:
        raise ControlError.of(
            f'cannot take over "{folder.root}": "{running[0]}" runs on another machine',
            reference="foreign-state",
            status=10,
            subject=folder.root,
            hint="booty down there, then up here",
        )


def _runtime(settings: dict[str, Any]) -> str:
    environment = {**os.environ, **settings["environment"]}
    try:
        return runtime.make(settings["stack"]["id"], environment)
    except runtime.SocketPathError as error:
        raise ControlError.of(
            f'cannot use "{error}" as a socket: the path is too long',
            reference="socket-path-too-long",
            status=7,
            hint="set XDG_RUNTIME_DIR to a shorter folder",
        ) from error
    except OSError as error:
        raise ControlError.of(
            f"cannot make a runtime directory: {error}",
            reference="runtime-dir",
            status=7,
            hint="set XDG_RUNTIME_DIR to a folder of your own",
        ) from error


def _write_stack(folder: state.Folder, before: dict[str, Any], settings: dict[str, Any]) -> None:
    machine = {"id": identity.machine_id(), "boot": identity.boot_id()}
    fresh: dict[str, Any] = {
        "format": state.FORMAT,
        "plan": None,
        "desired": {},
        "without": [],
        "scale": {},
    }
    now = {"machine": machine, "unwatched": False, "supervisor": None, "guardian": None}
    now |= {"ending": False}
    try:
        state.write_json(folder.stack, {**fresh, **before, **settings, **now})
    except OSError as error:
        raise _unwritable(folder, error) from error


def _flush_stack(folder: state.Folder, link: Connection) -> None:
    # a disk takes milliseconds for that, in which guardian and supervisor come up; nothing is
    # handed over before, and they end when we hang up
    try:
        whole.flush_file(folder.stack)
    except OSError as error:
        link.close()
        raise _unwritable(folder, error) from error


def _unwritable(folder: state.Folder, error: OSError) -> ControlError:
    return ControlError.of(
        f'cannot write "{folder.stack}": {error.strerror}',
        reference="state-unwritable",
        status=7,
        hint="free space, or make the folder writable",
    )


def _guardian(
    folder: state.Folder, fds: dict[str, int], arguments: dict[str, Any], *, fork: bool
) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        log = os.open(folder.log("supervisor"), flags, 0o600)
        try:
            if fork and forking.possible(fds):
                told = {**arguments, "fds": fds}
                forking.guardian(told, log, roles.command("guardian", told))
                return 0
            return _spawn(log, fds, arguments)
        finally:
            os.close(log)
    except OSError as error:
        raise ControlError.of(
            f"cannot start the supervisor: {error}", reference="supervisor-start", status=7
        ) from error


def _spawn(log: int, fds: dict[str, int], arguments: dict[str, Any]) -> int:
    # low numbers could be in each other's way: all move up first
    moved = {key: os.dup(fd) for key, fd in fds.items()}
    try:
        for fd in moved.values():
            os.set_inheritable(fd, True)
        return os.posix_spawn(
            sys.executable,
            roles.command("guardian", {**arguments, "fds": moved}),
            {"LC_CTYPE": "C.UTF-8"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGINT],
        )
    finally:
        for fd in moved.values():
            os.close(fd)
