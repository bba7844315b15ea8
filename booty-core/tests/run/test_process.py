"""Processes: started as told, with nothing of ours, and known for certain."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty.run import identity, process, tree
from booty.run.loop import Loop
from booty.run.process import Exit, Process, SpawnError

SHOW = """
import json, os, resource, signal, sys
mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
ignored = [n.name for n in signal.Signals if signal.getsignal(n) is signal.SIG_IGN]
print(json.dumps({
    "argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "sid": os.getsid(0),
    "pid": os.getpid(), "umask": os.umask(0), "fds": sorted(map(int, os.listdir("/proc/self/fd"))),
    "mask": len(mask), "ignored": ignored, "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "stdin": os.readlink("/proc/self/fd/0"),
}))
"""


def shown(tmp_path: Path, *words: str, env: dict[str, str] | None = None, **more: Any) -> Any:
    """Spawn a program that says how it was started."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        argv = [sys.executable, "-I", "-S", "-c", SHOW, *words]
        pid = process.spawn(argv, env or {}, output=file.fileno(), **more)
    assert os.waitpid(pid, 0)[1] == 0, out.read_text()
    return json.loads(out.read_text())


def handed_down() -> set[int]:
    """Return what whoever started the tests left open for all its children."""
    found = set()
    for number in [int(one.name) for one in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):
            if number > 2 and os.get_inheritable(number):
                found.add(number)
    return found


def test_others_are_closed() -> None:
    """What a shell had open is closed, but what is to be kept."""
    code = (
        "import os, sys; from booty.run import process;"
        "fds = [os.open('/', 0) for _ in range(300)]; process.close_others({fds[7], fds[290]});"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:3], len(os.listdir('/proc/self/fd')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[0, 1, 2] 6\n", "0, 1, 2, two kept and the one that lists"


def test_as_told_and_nothing_of_ours(tmp_path: Path) -> None:
    """Arguments, environment, folder and umask exactly; a session and a stdin of its own."""
    os.set_inheritable((leak := os.open(tmp_path, os.O_RDONLY)), False)
    said = shown(tmp_path, "a b", "", "$X", env={"ONLY": "this"}, cwd=str(tmp_path), umask=0o027)
    os.close(leak)

    assert said["argv"] == ["a b", "", "$X"]
    assert {"ONLY": "this"}.items() <= said["env"].items()
    assert set(said["env"]) <= {"ONLY", "LC_CTYPE"}
    assert said["cwd"] == str(tmp_path)
    assert said["umask"] == 0o027
    assert said["sid"] == said["pid"]
    assert said["stdin"] == "/dev/null"
    assert said["fds"][:3] == [0, 1, 2]
    assert len(set(said["fds"]) - handed_down()) == 4, "0, 1, 2 and the one that looks"
    assert said["mask"] == 0
    assert set(said["ignored"]) <= {"SIGPIPE", "SIGXFSZ"}, "Python's own"


def test_descriptors_arrive_where_they_are_wanted(tmp_path: Path) -> None:
    """Low and high numbers do not get in each other's way."""
    read, write = os.pipe()
    said = shown(tmp_path, fds={3: write, 4: read, write: read})
    os.close(read)
    os.close(write)

    assert {3, 4} <= set(said["fds"])


def test_limits_are_set_by_a_wrapper(tmp_path: Path) -> None:
    """A limit holds for the program, and its arguments are what they were."""
    said = shown(tmp_path, "x", limits={"nofile": 77}, env={"PATH": os.environ["PATH"]})

    assert said["nofile"] == [77, 77]
    assert said["argv"] == ["x"]


def test_our_own_file_limit_is_not_handed_down(tmp_path: Path) -> None:
    """We raise our limit for many children; who uses select() would break with it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        process.raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
        assert shown(tmp_path)["nofile"][0] == 512
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        process._given_limits.clear()
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _script(path: Path, data: bytes, mode: int = 0o755) -> str:
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    """Each reason has its words, and names the program as it was written."""
    foreign = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf7\x00" + bytes(100)
    cases = {
        'cannot find "nosuch" on the PATH': "nosuch",
        'cannot find the program "./nosuch"': "./nosuch",
        "it is not executable": _script(tmp_path / "plain", b"x", 0o644),
        "a folder|not an executable": str(tmp_path),
        "it is not a program for this machine": _script(tmp_path / "foreign", foreign),
    }
    for words, program in cases.items():
        with pytest.raises(SpawnError, match=words):
            process.spawn([program], {"PATH": "/usr/bin:/bin"}, cwd=str(tmp_path))
    with pytest.raises(SpawnError, match="it is not there"):
        process.spawn(["/bin/true"], {}, cwd=str(tmp_path / "none"))


def test_exit_of() -> None:
    """A wait status is a code or a signal."""
    assert Exit.of(3 << 8) == Exit(3, None)
    assert Exit.of(signal.SIGKILL) == Exit(None, 9)


def test_the_end_of_a_child_is_heard() -> None:
    """A watch is settled by the end, and only by it; a signal reaches that very process."""
    loop = Loop()
    pid = process.spawn(["/bin/sleep", "1000"], {})
    child = Process(loop, pid)
    loop.turn(0)
    assert not child.gone.done
    child.send(signal.SIGTERM)
    loop.run_until(child.gone, timeout=10.0)

    assert process.reap(pid) == Exit(None, signal.SIGTERM)
    child.send(signal.SIGKILL)  # nobody: it is gone


def test_a_number_that_was_given_again_is_another_process() -> None:
    """Same number, another start time: refused. A zombie is dead."""
    pid = process.spawn(["/bin/sleep", "1000"], {})
    found = identity.stat(pid)
    assert found is not None
    with pytest.raises(ProcessLookupError):
        Process(Loop(), pid, found.start + 1)
    assert identity.alive(pid, found.start)
    assert not identity.alive(pid, found.start + 1)

    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive(pid, found.start)
    with pytest.raises(ProcessLookupError):
        Process(Loop(), pid, found.start)
    process.reap(pid)
    with pytest.raises(ProcessLookupError):
        Process(Loop(), pid)


def test_a_name_with_parentheses(tmp_path: Path) -> None:
    """The process table is read right whatever a program calls itself."""
    odd = tmp_path / "a) Z 1 (b"
    odd.write_bytes(Path("/bin/sleep").read_bytes())
    odd.chmod(odd.stat().st_mode | stat.S_IXUSR)
    pid = process.spawn([str(odd), "1000"], {})
    try:
        found = identity.stat(pid)
        assert found is not None
        assert (found.ppid, found.sid) == (os.getpid(), pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_descendants_are_found_by_session_and_mark(tmp_path: Path) -> None:
    """A child in another session by its mark, one that cleared its environment by its session."""
    file = tmp_path / "pids"
    script = (
        f"setsid sh -c 'echo $$ >> {file}; exec sleep 1000' & "
        f"env -i sh -c 'echo $$ >> {file}; exec sleep 1000' & wait"
    )
    pid = process.spawn(["/bin/sh", "-c", script], {**os.environ, "BOOTY_MARK": "0a1b2c3d4e5f6071"})
    try:
        while not file.exists() or len(file.read_text().split()) < 2:
            os.sched_yield()
        below = {int(word) for word in file.read_text().split()}
        assert below | {pid} <= set(tree.belonging({pid}, {"0a1b2c3d4e5f6071"}))
        assert tree.marked("0a1b2c3d4e5f6071") == pid, "the oldest"
        assert below <= set(tree.descendants(os.getpid()))
        assert pid in tree.children(os.getpid())
        assert tree.belonging(set(), {"ffffffffffffffff"}) == []
    finally:
        tree.kill(tree.belonging({pid}, {"0a1b2c3d4e5f6071"}))
        os.waitpid(pid, 0)
    tree.kill([pid])  # gone: nothing happens


def test_subreaper_gets_the_orphans() -> None:
    """What lost its parent becomes ours, so that nothing slips away."""
    code = (
        "import os, subprocess; from booty.run import tree; tree.become_subreaper();"
        "words = ['sh', '-c', 'setsid sleep 1000 >/dev/null & echo $!'];"
        "pid = int(subprocess.run(words, stdout=subprocess.PIPE).stdout);"
        "print(pid in tree.children(os.getpid())); tree.kill([pid])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"
