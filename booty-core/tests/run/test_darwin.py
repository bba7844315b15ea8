"""The macOS side of every seam, with a kernel that says what macOS says. CI has no such machine."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.run import (
    claim,
    credentials,
    darwin,
    identity,
    inotify,
    owner,
    ports,
    process,
    program,
    reaping,
    runtime,
    tree,
    whole,
)
from booty.run.loop import Loop
from booty.secrets.handover import to_memfd

PATIENCE = 30.0
SECONDS = 1_700_000_000


class Kernel:
    """libSystem, as far as it is asked: a table of processes by number."""

    def __init__(self, table: dict[int, dict[str, Any]]) -> None:
        self.table = table

    def proc_pidinfo(self, pid: int, flavor: int, arg: Any, room: Any, size: int) -> int:
        """Fill ``struct proc_bsdinfo``; a zombie is found if it is asked for."""
        one = self.table.get(pid)
        if one is None or (one["status"] == 5 and not arg.value) or flavor != 3:
            return 0
        head = (0, one["status"], 0, pid, one["ppid"], 501, 20, 501, 20, 501, 20, 0)
        tail = (3, one.get("pgid", pid), 0, 0, 0, 0, SECONDS + pid, 250_000)
        data = struct.pack("=12I16s32s5IiQQ", *head, b"comm", b"name", *tail)
        assert size == len(data) == 136  # of <sys/proc_info.h>
        ctypes.memmove(room, data, size)
        return size

    def proc_listpids(self, kind: int, _: int, room: Any, size: int) -> int:
        """Fill an array of numbers; without room only its size is told."""
        assert kind == 1
        data = struct.pack(f"={len(self.table)}i", *self.table)
        if room is not None:
            assert size >= len(data)
            ctypes.memmove(room, data, len(data))
        return len(data)

    def sysctl(self, names: Any, count: int, room: Any, size: Any, *_: Any) -> int:
        """Fill what KERN_PROCARGS2 gives: argc, path, filler, words, variables."""
        kern, args, pid = names[0:count]
        assert (kern, args) == (1, 49)
        one = self.table.get(pid)
        if one is None or "words" not in one:
            return -1
        texts = [*one["words"], *one.get("env", ())]
        data = struct.pack("=i", len(one["words"])) + b"/bin/prog\0\0\0\0\0"
        data += b"".join(text.encode() + b"\0" for text in texts)
        ctypes.memmove(room, data, len(data))
        size._obj.value = len(data)
        return 0

    def gethostuuid(self, room: Any, _: Any) -> int:
        """Fill sixteen bytes."""
        ctypes.memmove(room, bytes(range(16)), 16)
        return 0


TABLE: dict[int, dict[str, Any]] = {
    1: {"status": 3, "ppid": 0},
    9000100: {
        "status": 3,
        "ppid": 1,
        "words": ["nats-server", "-c", "x"],
        "env": ["BOOTY_MARK=aa"],
    },
    9000101: {"status": 3, "ppid": 9000100, "pgid": 9000100, "words": ["worker"], "env": ["A=1"]},
    9000102: {"status": 3, "ppid": 1, "words": ["loose"], "env": ["B=2", "BOOTY_MARK=aa"]},
    9000103: {"status": 5, "ppid": 9000100},
    9000104: {"status": 3, "ppid": 9000101},
}


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A machine that runs macOS, with a few processes."""
    kernel = Kernel(dict(TABLE))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(darwin, "_libc", lambda: kernel)
    monkeypatch.setattr(os, "getsid", no_session)
    identity.machine_id.cache_clear()
    identity.boot_id.cache_clear()
    yield kernel
    identity.machine_id.cache_clear()
    identity.boot_id.cache_clear()


def no_session(pid: int) -> int:
    """Refuse to tell the session of another process."""
    raise PermissionError(pid)


def says(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[list[str]]:
    """Let commands answer by a word that is in them; returns what was run."""
    asked: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(argv)
        text = next((text for word, text in answers.items() if word in argv), "")
        return subprocess.CompletedProcess(argv, 0, text, "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_a_line_of_the_process_table(mac: Kernel) -> None:
    """State, parent, a start time in microseconds; zombies are found, what is gone is not."""
    start = (SECONDS + 9000101) * 1_000_000 + 250_000

    found = identity.stat(9000101)
    assert found is not None
    assert (found.pid, found.state, found.start) == (9000101, "S", start)
    assert (found.ppid, found.pgid, found.sid) == (9000100, 9000100, 9000100)
    assert identity.stat(9000103) is not None
    assert identity.stat(999) is None
    assert identity.alive(9000101, start)
    assert not identity.alive(9000101, start + 1)
    assert not identity.alive(9000103, (SECONDS + 9000103) * 1_000_000 + 250_000)


def test_session_where_it_is_told(mac: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is asked for; a group stands in for it where that is refused."""
    monkeypatch.setattr(os, "getsid", lambda pid: pid + 1000)
    found = identity.stat(9000100)

    assert found is not None
    assert found.sid == 9001100


def test_the_tree(mac: Kernel) -> None:
    """Descendants by parent, belongings by session or mark: an orphan is not lost."""
    assert tree.descendants(9000100) == [9000101, 9000103, 9000104]
    assert sorted(tree.children(9000100)) == [9000101, 9000103]
    assert tree.belonging({9000100}, set()) == [9000100, 9000101]
    assert tree.belonging(set(), {"aa"}) == [9000100, 9000102]
    assert tree.marked("aa") == 9000100
    assert tree.marked("bb") is None


def test_the_environment_that_the_kernel_keeps(mac: Kernel) -> None:
    """Apple's own programs show no variables: nothing is found, nothing fails."""
    mac.table[9000100] = {"status": 3, "ppid": 1}

    assert identity.environment(9000100) == []
    assert identity.command_line(9000100) == []
    assert ports.command_of(9000100) == "gone"
    assert identity.command_line(9000101) == [b"worker"]
    assert identity.environment(9000101) == [b"A=1"]


def test_machine_and_boot(mac: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that move neither with the network nor with the clock."""
    says(monkeypatch, {"kern.bootsessionuuid": "5E55-10\n", "kern.boottime": "{ sec = 1 }"})
    monkeypatch.setattr(identity, "_first_line", lambda _: "")

    assert identity.machine_id() == bytes(range(16)).hex()
    assert identity.boot_id() == "5E55-10"


def test_ports(mac: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens is asked of lsof; a connection is no listener."""
    asked = says(
        monkeypatch,
        {"-iTCP": "p9000100\nf5\nn127.0.0.1:4222\nf6\nn*:8222\np9000101\nn[::1]:9000\n"},
    )
    busy = ports.busy_ports()

    assert dict(busy) == {
        4222: 'pid 9000100 "nats-server"',
        8222: 'pid 9000100 "nats-server"',
        9000: 'pid 9000101 "worker"',
    }
    assert busy.pid(9000) == 9000101
    assert asked[0][0] == "/usr/sbin/lsof"
    says(monkeypatch, {"-iUDP": "p9000100\nn*:53\nn127.0.0.1:5000->127.0.0.1:53\n"})
    assert list(ports.busy_ports("udp")) == [53]
    assert ports.holder(1)[0] is None


def test_ephemeral_range(mac: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apple's default where the system has no file that says it."""
    monkeypatch.setattr(ports, "_RANGE", "/nowhere")

    assert ports.ephemeral() == (49152, 65535)


def test_a_port_that_is_taken(mac: Kernel) -> None:
    """Whether somebody listens is asked by binding, which is the same everywhere."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        number = found.getsockname()[1]
        assert ports.taken("127.0.0.1", number)
    assert not ports.taken("127.0.0.1", number)


def test_owner_by_the_watchers(mac: Kernel, tmp_path: Path) -> None:
    """Without /proc the lock of its data is not seen: the supervisor above tells the stack."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/stack.json").write_text(json.dumps({"root": "/home/me/shop"}))
    words = ["python", "-I", "main", "supervisor", json.dumps({"state": str(tmp_path)})]
    mac.table[9000100]["words"] = words

    assert owner.of(9000104)["root"] == "/home/me/shop"


def test_who_holds_a_folder(mac: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who has it open is named."""
    says(monkeypatch, {"-t": f"9000101\n{os.getpid()}\n"})

    assert claim.holders(str(tmp_path)) == [9000101]


def test_no_lsof(mac: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without it tells nothing, and nothing fails."""

    def run(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("lsof")

    monkeypatch.setattr(subprocess, "run", run)

    assert dict(ports.busy_ports()) == {}
    assert claim.holders("/") == []


class Queue:
    """A kqueue of one process filter, made of what this kernel has."""

    def __init__(self) -> None:
        self.fd = os.open(os.devnull, os.O_RDONLY)

    def fileno(self) -> int:
        """Return its descriptor."""
        return self.fd

    def close(self) -> None:
        """Close it."""
        os.close(self.fd)

    def control(self, changes: list[Any], _: int) -> None:
        """Watch a process; a zombie is none, as there."""
        pid = changes[0][0]
        found = Path(f"/proc/{pid}/stat")
        if not found.exists() or found.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError(errno.ESRCH, "No such process")
        watch = REAL_PIDFD_OPEN(pid)
        os.dup2(watch, self.fd)
        os.close(watch)


REAL_PIDFD_OPEN = os.pidfd_open


@pytest.fixture
def kqueue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system with kqueue in place of pidfd."""
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(select, "kqueue", Queue, raising=False)
    monkeypatch.setattr(select, "kevent", lambda *fields: fields, raising=False)
    for name in ("KQ_FILTER_PROC", "KQ_EV_ADD", "KQ_EV_ONESHOT", "KQ_NOTE_EXIT"):
        monkeypatch.setattr(select, name, 1, raising=False)


def test_death_by_kqueue(kqueue: None) -> None:
    """The end of a process is seen, and it is signalled by number."""
    loop = Loop()
    child = process.Process(loop, process.spawn(["sleep", "90001000"], dict(os.environ)))
    assert not child.gone.done
    child.send(9)
    loop.run_until(child.gone, PATIENCE)

    ended = None
    while ended is None:
        ended = process.reap(child.pid)
    assert ended.signal == 9
    loop.close()


def test_one_that_ended_before_it_was_watched(kqueue: None) -> None:
    """A kqueue takes no zombie: its end is known at once."""
    loop = Loop()
    pid = process.spawn(["true"], dict(os.environ))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    child = process.Process(loop, pid)

    assert child.gone.done
    assert process.reap(pid) == (0, None)
    with pytest.raises(ProcessLookupError):
        process.Watch(loop, pid)
    loop.close()


def test_reaping_without_waitid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that has ended is found among the children, and stays there until it is reaped."""
    pid = process.spawn(["true"], dict(os.environ))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    monkeypatch.delattr(os, "waitid")
    real = tree.children  # others of this process may be zombies as well
    monkeypatch.setattr(tree, "children", lambda me: [one for one in real(me) if one == pid])

    assert reaping.ended() == pid
    assert reaping.ended() == pid
    assert process.reap(pid) == (0, None)
    assert reaping.ended() != pid


def test_a_spawn_without_sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exec wrapper makes the session where the system's spawn cannot."""
    real = os.posix_spawn

    def spawn(path: str, *words: Any, setsid: bool = False, **more: Any) -> int:
        if setsid:
            raise NotImplementedError
        return real(path, *words, **more)

    monkeypatch.setattr(os, "posix_spawn", spawn)
    out = os.open(tmp_path / "out", os.O_CREAT | os.O_RDWR)
    code = "import os; print(os.getsid(0) == os.getpid() == os.getpgrp())"
    loop = Loop()
    child = process.Process(
        loop, process.spawn([sys.executable, "-c", code], dict(os.environ), output=out)
    )
    loop.run_until(child.gone, PATIENCE)
    loop.close()
    said = os.pread(out, 64, 0)
    os.close(out)
    process.reap(child.pid)

    assert said == b"True\n"


class Link:
    """A unix socket of macOS, which is asked LOCAL_PEERCRED."""

    def __init__(self, answer: bytes | OSError) -> None:
        self.answer = answer

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        """Return a ``struct xucred``."""
        assert (level, name, size) == (0, 1, 76)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        (struct.pack("=2Ih16I", 0, 501, 1, *range(16)), 501),
        (OSError(errno.ENOTCONN, "not connected"), None),
        (b"", None),
    ],
)
def test_peer(monkeypatch: pytest.MonkeyPatch, answer: Any, user: int | None) -> None:
    """The user at the other end is known by LOCAL_PEERCRED."""
    monkeypatch.delattr(socket, "SO_PEERCRED")
    link: Any = Link(answer)

    assert credentials.user_of(link) == user


def test_secrets_without_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """They travel in a file that has no name, for its user alone."""
    monkeypatch.delattr(os, "memfd_create")
    handle = to_memfd({"a": "b"})
    found = os.fstat(handle)
    said = os.read(handle, 64)
    os.close(handle)

    assert json.loads(said) == {"values": {"a": "b"}}
    assert (found.st_nlink, found.st_mode & 0o777) == (0, 0o600)


def test_no_inotify(mac: Kernel, tmp_path: Path) -> None:
    """Files are looked at instead."""
    assert inotify.open_inotify([str(tmp_path)]) is None


def test_flushed_down_to_the_drive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """F_FULLFSYNC where the system has it, fsync where the file system has not."""
    asked: list[int] = []

    def control(_: int, command: int) -> None:
        asked.append(command)
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    whole.replace(tmp_path / "a", b"x", sync=True)

    assert asked == [51, 51]
    assert (tmp_path / "a").read_bytes() == b"x"


def test_shorter_sockets(mac: Kernel) -> None:
    """A socket's path has four bytes less there."""
    assert runtime.address("/" + "x" * 102)
    with pytest.raises(runtime.SocketPathError):
        runtime.address("/" + "x" * 103)


def test_noexec_is_not_told_there(
    mac: Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A flag that the system lacks is no fault of the program."""
    monkeypatch.delattr(os, "ST_NOEXEC")
    (tmp_path / "p").write_text("#!/bin/sh\n")
    with pytest.raises(program.SpawnError, match="is not executable"):
        program.executable("./p", "", str(tmp_path))
