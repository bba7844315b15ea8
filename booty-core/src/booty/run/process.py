"""Start processes without a thread, a fork of our memory or a leaked descriptor each."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from booty.run import identity, program
from booty.run.ended import Exit
from booty.run.program import SpawnError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.run.loop import Future, Loop

__all__ = ["STARTED", "Exit", "Process", "SpawnError", "Watch", "reap", "spawn", "watched"]

_SHIM: Final = (
    *(sys.executable, "-I", "-S"),
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrap.py"),
)
_ABOVE: Final = 64
"""Lowest number that our own descriptors are moved to while a child gets its own."""

STARTED: Final[set[int]] = set()
"""Children that :func:`spawn` started and that were not reaped: others become ours as orphans."""
_SCARCE: Final = {
    errno.EMFILE: "raise the limit of open files of the shell that runs up: ulimit -n",
    errno.ENFILE: "raise the machine's limit of open files: sysctl fs.file-max",
    errno.EAGAIN: "raise the limit of processes: ulimit -u, or that of the container",
    errno.ENOMEM: "free memory: the kernel has none for another process",
}
"""What helps where the system is out of something."""

_DEFAULTED: Final = tuple(
    getattr(signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGHUP", "SIGQUIT", "SIGTERM", "SIGUSR1")
    if hasattr(signal, name)
)


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: str = "/",
    stdin: str = os.devnull,
    output: int | None = None,
    umask: int = 0o022,
    fds: Mapping[int, int] | None = None,
    limits: Mapping[str, int] | None = None,
    own_pid: Sequence[str] = (),
) -> int:
    """Start a program in a session of its own.

    Our descriptors are all close-on-exec: the child gets 0, 1, 2 and what ``fds`` names.

    Args:
        argv: program and arguments.
        env: its whole environment.
        cwd: its working folder.
        stdin: file it reads.
        output: descriptor of its stdout and stderr; ``None`` = ours.
        umask: its umask.
        fds: descriptor numbers there, and ours that they are copies of.
        limits: resource limits by ``nofile nproc core memlock as fsize``.
        own_pid: variables that hold its own process number.

    Returns:
        Its process number.

    Raises:
        SpawnError: it cannot be started.
    """
    path = env.get("PATH", os.defpath)
    words = [program.executable(argv[0], path, cwd), *argv[1:]]
    if limits or own_pid:
        words = _wrapped(words, env, limits or {}, own_pid)
    above = max((_ABOVE, *(there + 1 for there in fds or ())))
    moved: list[int] = []
    actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0)]
    try:
        if output is not None:
            high = _move(output, above, moved)
            actions += [(os.POSIX_SPAWN_DUP2, high, 1), (os.POSIX_SPAWN_DUP2, high, 2)]
        for there, ours in (fds or {}).items():
            actions.append((os.POSIX_SPAWN_DUP2, _move(ours, above, moved), there))
        pid = _at(cwd, umask, words, env, actions)
    except OSError as error:
        program.look_around(cwd, stdin)
        program.look(argv[0], path, cwd)
        raise SpawnError(_words(argv[0], error), hint=_SCARCE.get(error.errno or 0)) from error
    finally:
        for fd in moved:
            os.close(fd)
    STARTED.add(pid)
    return pid


def _move(fd: int, above: int, moved: list[int]) -> int:
    # a low number could be overwritten by an earlier action
    try:
        moved.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # as the system calls it where even the lowest of these numbers is above the limit
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from error
    return moved[-1]


def _at(cwd: str, umask: int, words: list[str], env: Mapping[str, str], actions: list[Any]) -> int:
    # folder and umask are inherited; we have one thread, so nobody sees them changed
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    before = os.umask(umask)
    give_back_file_limit()
    try:
        os.chdir(cwd)
        return _spawned(words, env, actions)
    finally:
        if _given_limits:
            raise_file_limit()
        os.umask(before)
        os.fchdir(here)
        os.close(here)


def _spawned(words: list[str], env: Mapping[str, str], actions: list[Any]) -> int:
    more: dict[str, Any] = {"file_actions": actions, "setsigmask": [], "setsigdef": _DEFAULTED}
    try:
        return os.posix_spawn(words[0], words, env, setsid=True, **more)
    except NotImplementedError:  # a system whose spawn knows no sessions: macOS before 10.15
        words = [*_SHIM, "session", *words]
        return os.posix_spawn(words[0], words, env, **more)


def _wrapped(
    words: list[str], env: Mapping[str, str], limits: Mapping[str, int], own_pid: Sequence[str]
) -> list[str]:
    items = [f"{name}={number}" for name, number in sorted(limits.items())]
    items += [f"pid={name}" for name in own_pid]
    # an interpreter without a locale gives itself one
    items += [] if "LC_CTYPE" in env else ["-LC_CTYPE"]
    return [*_SHIM, ",".join(items), *words]


def _words(name: str, error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return f'cannot execute "{name}": it is not a program for this machine'
    where = f' ("{error.filename}")' if error.filename not in {None, name} else ""
    return f'cannot start "{name}": {error.strerror}{where}'


def reap(pid: int) -> Exit | None:
    """Collect a child that has ended.

    Returns:
        How it ended; ``None`` if it is not our child or has not ended.
    """
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return Exit.of(status) if done else None


class Watch:
    """Tells when a process ends, be it our child or not.

    Linux: a pidfd. Elsewhere: a kqueue with a process filter.

    Args:
        loop: the loop that waits.
        pid: the process.

    Attributes:
        gone: settled when the process has ended; it may still be there to reap.

    Raises:
        ProcessLookupError: there is no such process.
    """

    def __init__(self, loop: Loop, pid: int) -> None:
        self._loop = loop
        self.pid = pid
        self.gone: Future[None] = loop.future()
        self._fd: int | None = _open(pid)
        if self._fd is None:
            self.gone.set(None)  # it has ended, and waits to be reaped
        else:
            loop.watch(self._fd, self._ended)

    def _ended(self) -> None:
        for call in self._loop.before_end:
            call()
        if self._fd is not None:  # else another process has taken its place
            self.close()
            self.gone.set(None)

    def send(self, number: int) -> None:
        """Signal this very process; nothing happens if it is gone."""
        if self._fd is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if hasattr(signal, "pidfd_send_signal") and sys.platform == "linux":
                signal.pidfd_send_signal(self._fd, number)
            else:
                os.kill(self.pid, number)

    def close(self) -> None:
        """Stop watching."""
        if self._fd is not None:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
            self._fd = None


def _open(pid: int) -> int | None:
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    try:
        return _kqueue(pid)
    except ProcessLookupError:
        # a kqueue takes no zombie; a pidfd does
        if identity.stat(pid) is None:
            raise
        return None


def _kqueue(pid: int) -> int:  # macOS and the BSDs
    import select

    queue = select.kqueue()  # type: ignore[attr-defined]  # not on Linux
    ended = select.kevent(  # type: ignore[attr-defined]  # likewise
        pid,
        select.KQ_FILTER_PROC,  # type: ignore[attr-defined]  # likewise
        select.KQ_EV_ADD | select.KQ_EV_ONESHOT,  # type: ignore[attr-defined]  # likewise
        select.KQ_NOTE_EXIT,  # type: ignore[attr-defined]  # likewise
    )
    try:
        queue.control([ended], 0)
        return os.dup(queue.fileno())
    finally:
        queue.close()


class Process:
    """A process that we know for certain: its watch was opened first, its start time compared then.

    Args:
        loop: the loop that waits.
        pid: the process.
        start: its kernel start time; ``None`` for a child just spawned.

    Attributes:
        pid: its number.
        start: its kernel start time.
        parent: whose child it is.
        session: the session it is in.
        whole: whether what is sent to it is meant for its whole group.

    Raises:
        ProcessLookupError: it is gone, or another one has its number.
    """

    def __init__(self, loop: Loop, pid: int, start: int | None = None) -> None:
        self.pid = pid
        self.watch = Watch(loop, pid)
        found = identity.stat(pid)
        if found is None or (start is not None and (found.start != start or found.state == "Z")):
            self.watch.close()
            raise ProcessLookupError(pid)
        self._loop = loop
        self.whole = False
        self.start = found.start
        self.parent = found.ppid
        self.session = found.sid if start is not None else pid

    def become(self, pid: int) -> None:
        """Go on with another process in place of this one; who waits for the end waits for its.

        Raises:
            ProcessLookupError: there is no such process.
        """
        watch = Watch(self._loop, pid)
        found = identity.stat(pid)
        if found is None:
            watch.close()
            raise ProcessLookupError(pid)
        self.watch.close()
        watch.gone = self.watch.gone
        self.watch, self.pid, self.start = watch, pid, found.start
        # whoever started it ends, and it becomes ours, as that was
        ours = self.parent in {os.getpid(), os.getppid()}
        self.parent, self.session = os.getpid() if ours else found.ppid, found.sid

    @property
    def gone(self) -> Future[None]:
        """Settled when it has ended."""
        return self.watch.gone

    def send(self, number: int) -> None:
        """Signal the process, or its group if it is only the first of it."""
        if self.whole:
            self.send_group(number)
        else:
            self.watch.send(number)

    def send_group(self, number: int) -> None:
        """Signal the group that leads its session; only while it has not been reaped."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.session, number)


def watched(loop: Loop, pid: int) -> Process:
    """Watch a child that was just spawned; one that cannot be watched is not left running.

    Args:
        loop: the loop that waits.
        pid: the child.

    Raises:
        SpawnError: the system has no descriptor for it.
    """
    try:
        return Process(loop, pid)
    except ProcessLookupError:
        raise
    except OSError as error:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        why = f"cannot watch what was started: {error.strerror}"
        raise SpawnError(why, hint=_SCARCE.get(error.errno or 0)) from error


def close_others(keep: set[int]) -> None:
    """Close every descriptor but these and 0, 1, 2: what a shell had open is not for a stack.

    Args:
        keep: our own descriptors.
    """
    for place in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(place):
            for fd in {int(name) for name in os.listdir(place)} - keep - {0, 1, 2}:
                with contextlib.suppress(OSError):  # the one that listed them is closed already
                    os.close(fd)
            return


_given_limits: list[int] = []


def raise_file_limit() -> None:
    """Let this process open as many files as it may: each child watched is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            _given_limits[:] = [soft]


def give_back_file_limit() -> None:
    """Set the limit that this process was given: who uses select() breaks with a high one."""
    if _given_limits:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_given_limits[0], hard))
