"""Children that behave badly: they cost nobody else anything, and what they did can be seen.

One that ignores TERM is in B10 and B11.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest_cases import BOOTY, Case, fake, gone, shell, until
from disks import mount, unmount
from sessions import PATIENCE

MIB = 1 << 20
LONG = int(os.environ.get("BOOTY_LONG_LINE") or 64)
"""MiB of the long line; 1024 is the whole case."""
SMALL_ENOUGH = 60 * MIB
"""Bytes that a watcher or follower may use at most, whatever its children write."""
BYTES = "printf 'a\\000b\\377\\376c\\n\\303'; echo; echo up; exec sleep 1000"


def peak(pid: int) -> int:
    """Return the most bytes of memory that a process ever used."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def test_one_that_forks_and_exits(case: Case) -> None:
    """What it leaves is ended with it, and it is said how such a program is run."""
    case.write(fake("a") + shell("daemon", "setsid sleep 3000 & sleep 0.3; exit 0"))
    with case.follow("up") as up:
        up.until("daemon.0.*foreground")
        until(lambda: case.ps()["daemon.0"]["state"] == "done")
        until(lambda: not [line for line in case.left() if "3000" in line], case.left)
        up.type(b"\x03")
        assert up.end() == 0

    assert case.left() == []


def test_one_that_is_restarted_and_forks(case: Case) -> None:
    """With ``restart = "always"`` there is one daemon at a time, not one more at each restart."""
    run = "setsid sleep 3000 & echo . >> starts; sleep 0.2; exit 0"
    more = ('restart = "always"', 'backoff = { next = "50ms", max = "50ms", give-up = 1000 }')
    case.write(shell("daemon", run, *more))
    case.run("up", "-d")
    until(lambda: (case.root / "starts").read_text().count(".") >= 4)

    assert len([line for line in case.left() if line.startswith("sleep 3000")]) <= 1
    case.run("down")
    assert case.left() == []


def test_one_that_closes_its_descriptors(case: Case) -> None:
    """Its death is seen all the same, and it is restarted."""
    case.write(shell("closed", "echo hello; exec <&- >&- 2>&-; exec sleep 1000"))
    case.run("up", "-d")
    pid = case.pids()["closed.0"]
    assert case.run("logs", "closed").stdout == "hello\n"
    os.kill(pid, signal.SIGKILL)
    until(lambda: case.pids().get("closed.0", pid) != pid)

    assert case.ps()["closed.0"]["restarts"] == 1


@contextmanager
def into_file(case: Case, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a command that says much; yields it and the file with what it said."""
    file = case.root.parent / "said"
    with file.open("wb") as out:
        command = subprocess.Popen(
            [BOOTY, *words], cwd=case.root, env=case.env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield command, file
    finally:
        command.kill()
        command.wait()


def ends_with(file: Path, words: str) -> bool:
    """Tell whether the last lines of a file hold some words."""
    return words in file.read_bytes()[-2000:].decode(errors="replace")


def test_one_that_writes_a_line_without_end(case: Case) -> None:
    """Nobody holds the line in memory: not the supervisor who looks in it, not the follower."""
    run = f"head -c {LONG * MIB} /dev/zero | tr '\\0' x; echo; echo up; exec sleep 1000"
    case.write(shell("long", run, 'ready = { log = "^up$" }') + shell("b", "exec sleep 1000"))
    with into_file(case, "up") as (up, file):
        until(lambda: ends_with(file, "long.0 | up\n"))
        peaks = {name: peak(pid) for name, pid in case.watchers().items()} | {"up": peak(up.pid)}
        assert case.run("logs", "long", "-n", "1").stdout == "up\n"
        up.send_signal(signal.SIGINT)
        assert up.wait(PATIENCE) == 0

    assert max(peaks.values()) < SMALL_ENOUGH, peaks
    assert file.stat().st_size > LONG * MIB
    assert (case.state / "logs/long.0.log").stat().st_size == LONG * MIB + 4


def test_one_that_writes_a_line_without_end_and_dies(case: Case) -> None:
    """Of a long line the last words are shown, not thousands."""
    case.write(shell("long", f"head -c {MIB} /dev/zero | tr '\\0' x; echo; echo alas; exit 3"))
    done = case.run("up", "-d", status=7)

    assert "  | alas\n" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 2000


def test_one_that_writes_any_bytes(case: Case) -> None:
    """NUL and broken UTF-8 are shown in their place, and are no fault for anybody."""
    case.write(shell("bytes", BYTES, 'ready = { log = "^up$" }'))
    with case.follow("up") as up:
        up.until(r"bytes\.0.* \| up")
        plain = case.run("logs", "bytes").stdout
        rows = [json.loads(line) for line in case.run("logs", "--json").stdout.splitlines()]
        up.type(b"\x03")
        assert up.end() == 0

    assert plain.splitlines()[0] == "a\0b\ufffd\ufffdc"
    assert plain.splitlines()[-1] == "up"
    assert rows[0]["line"] == "a\0b\ufffd\ufffdc"
    assert "Traceback" not in up.said
    assert (case.state / "logs/bytes.0.log").read_bytes().startswith(b"a\0b\xff\xfec\n")


def test_last_words_of_any_bytes(case: Case) -> None:
    """A failed start whose last line is broken is told like any other."""
    case.write(shell("bytes", "printf 'no\\000luck\\377'; exit 3"))
    done = case.run("up", "-d", "--json", status=7)

    assert json.loads(done.stdout)["error"]["lines"] == ["no\0luck\ufffd"]
    assert "Traceback" not in done.stderr


def test_one_that_fills_its_disk(case: Case) -> None:
    """It is restarted as its policy says; the others, and every command, go on."""
    data = case.root / "small"
    mount(data, "size=64k")
    try:
        fills = "echo up; sleep 0.1; cat /dev/zero > small/full || exit 5"
        more = ('ready = { log = "up" }', 'backoff = { next = "50ms", give-up = 2 }')
        case.write(shell("fills", fills, *more) + fake("a"))
        case.run("up", "-d")
        until(lambda: case.ps()["fills.0"]["state"] == "failed")
        row = case.ps()["fills.0"]
    finally:
        unmount(data)

    assert "code 5" in row["reason"]
    assert "No space left" in case.run("logs", "fills").stdout
    assert case.ps()["a.0"]["state"] == "ready"


def test_one_that_fills_the_disk_of_the_stack(case: Case) -> None:
    """Logs and state have no room: what runs goes on, looks are right; with room all is saved."""
    mount(case.root, "size=512k")
    try:
        run = "echo up; cat /dev/zero > full; exec sleep 1000"
        tries = 'backoff = { next = "100ms", max = "200ms", give-up = 1000 }'
        other = shell("a", "exec sleep 1000", tries)
        case.write(shell("fills", run, 'ready = { log = "up" }', 'needs = ["a"]') + other)
        case.run("up", "-d")
        until(lambda: os.statvfs(case.root).f_bavail == 0)
        pids = case.pids()
        os.kill(pids["a.0"], signal.SIGKILL)
        until(lambda: case.ps()["a.0"]["restarts"] > 0, case.ps)
        assert case.run("health", status=None).returncode in {0, 8}
        assert "no room" in case.run("ps").stderr
        (case.root / "full").unlink()
        until(lambda: case.pids().get("a.0", pids["a.0"]) != pids["a.0"])
        now = case.pids()["a.0"]
        until(lambda: case.saved("a.0")["pid"] == now)
        case.run("down")
        assert case.left() == []
    finally:
        case.end()
        unmount(case.root)


def test_one_that_floods_and_dies(case: Case) -> None:
    """All of it is in the log and shown, the last lines are told, and nobody else waited."""
    run = f"echo up; sleep 1; yes 0123456789abcdef | head -n {MIB}; echo last; exit 9"
    case.write(shell("flood", run, 'ready = { log = "^up$" }', 'restart = "never"') + fake("a"))
    with into_file(case, "up") as (up, file):
        until(lambda: case.ps().get("flood.0", {}).get("state") == "failed")
        until(lambda: b"flood.0 | last\n" in file.read_bytes(), lambda: file.read_bytes()[-2000:])
        row = case.ps()["a.0"]
        up.send_signal(signal.SIGINT)
        assert up.wait(PATIENCE) == 0
    lines = file.read_text().splitlines()

    assert row["state"] == "ready"
    assert lines.count("flood.0 | 0123456789abcdef") == MIB
    assert "  | last" in lines
    assert any("flood.0 failed" in line and "code 9" in line for line in lines)


def test_ready_then_not_then_ready(case: Case) -> None:
    """Ready, then not, then ready: degraded meanwhile, where no restart is asked for."""
    run = "touch well; exec sleep 1000"
    look = 'exec = ["test", "-e", "well"]'
    more = (f"ready = {{ {look} }}", f'live = {{ {look}, interval = "50ms", failures = 2 }}')
    case.write(shell("moody", run, *more, 'restart = "never"') + fake("a", 'needs = ["moody"]'))
    case.run("up", "-d")
    pids = case.pids()
    for _ in range(2):
        (case.root / "well").unlink()
        until(lambda: case.ps()["moody.0"]["state"] == "degraded")
        (case.root / "well").touch()
        until(lambda: case.ps()["moody.0"]["state"] == "ready")

    assert case.pids() == pids
    assert case.states("moody.0")[-4:] == ["degraded", "ready"] * 2


@pytest.mark.parametrize("kind", ["exec", "http", "tcp"])
def test_a_probe_that_hangs(case: Case, kind: str) -> None:
    """The start ends at its deadline and says what it waited for; the hung probe is gone."""
    ready = {
        "exec": '{ exec = ["sleep", "3000"], timeout = "200ms" }',
        "http": '{ http = "http://127.0.0.1:${ports.http}/", timeout = "200ms" }',
        "tcp": '{ tcp = "127.0.0.1:1", timeout = "200ms" }',
    }[kind]
    mute = (
        "exec python3 -ISc 'import socket, sys, signal;"
        ' s = socket.create_server(("127.0.0.1", int(sys.argv[1]))); signal.pause()\' $PORT'
    )
    more = ("ports = { http = 0 }", 'env = { PORT = "${ports.http}" }', f"ready = {ready}",
            'ready-timeout = "1s"')  # fmt: skip
    case.write(shell("mute", mute.replace("$PORT", "$$PORT"), *more) + fake("a"))
    done = case.run("up", "-d", status=8)

    assert "not-ready: " in done.stderr
    assert f"waiting for {kind} " in done.stderr
    assert case.left() == []


def test_a_hung_probe_keeps_nobody_from_stopping(case: Case) -> None:
    """Ctrl-C while a probe hangs for ever ends all at once, the probe included."""
    more = ('ready = { exec = ["sleep", "3000"], timeout = "1000s" }', 'ready-timeout = "1000s"')
    case.write(shell("a", "echo up; exec sleep 2000", *more))
    with case.follow("up") as up:
        until(lambda: any("3000" in line for line in case.left()))
        up.type(b"\x03")
        assert up.end() == 130
    gone(case)


def test_a_hung_live_probe_degrades(case: Case) -> None:
    """A look that hangs is a failed look, and looks do not pile up."""
    more = 'live = { exec = ["sleep", "3000"], interval = "50ms", timeout = "100ms", failures = 2 }'
    case.write(shell("a", "exec sleep 1000", more, 'restart = "never"'))
    case.run("up", "-d")
    until(lambda: case.ps()["a.0"]["state"] == "degraded")

    assert len([line for line in case.left() if "3000" in line]) <= 1
