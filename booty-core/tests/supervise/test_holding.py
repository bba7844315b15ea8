"""Two programs never run on one data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from booty.run.claim import NAME, Claim, HeldError, holders
from booty.supervise.client import ControlError
from conftest_supervise import Stack, alive, entry, probe

SLEEP = "exec sleep 1000"
CLOSES = (
    f"exec {sys.executable} -c \"import os,signal;os.closerange(3,256);open('{{}}','w');"
    'signal.pause()"'
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Stack]:
    """Another stack whose only instance has the same data, by a link."""
    root = tmp_path / "other"
    root.mkdir()
    one = Stack(root)
    (root / ".booty/data").mkdir(parents=True)
    (root / ".booty/data/b.0").symlink_to(tmp_path / ".booty/data/a.0")
    yield one
    one.end()


def refused(other: Stack) -> ControlError:
    """Return why the other stack does not start."""
    with pytest.raises(ControlError) as told:
        other.up(entry("b.0", SLEEP))
    return told.value


def test_second_stack_on_the_same_data_is_refused(stack: Stack, other: Stack) -> None:
    """It is told who holds the folder and by which stack; afterwards the folder is free."""
    stack.up(entry("a.0", SLEEP))
    error = refused(other)

    assert (error.reference, error.status) == ("data-held", 10)
    assert f'pid {stack.row("a.0")["pid"]} "sleep"' in error.message
    assert f'("a.0" of {stack.root})' in error.message
    assert other.row("b.0")["pid"] is None
    stack.ask("stop", names=["a"])
    other.up(entry("b.0", SLEEP))
    assert other.row("b.0")["state"] == "ready"


def test_it_is_held_while_nobody_watches(stack: Stack, other: Stack) -> None:
    """Guardian and supervisor killed: the program that goes on still holds its folder."""
    stack.up(entry("a.0", SLEEP))
    pid = stack.row("a.0")["pid"]
    stack.kill("guardian", "supervisor")

    assert refused(other).reference == "data-held"
    assert alive(pid)


def test_it_is_held_by_the_successor_too(stack: Stack, other: Stack) -> None:
    """A program that closes all it was given lets go of nothing, under a successor either."""
    made = str(stack.root / "closed")
    stack.up(entry("a.0", CLOSES.format(made), ready=probe(file=made)))
    before = stack.watchers()
    assert refused(other).reference == "data-held"
    stack.kill("supervisor")
    stack.followed(before)

    assert refused(other).reference == "data-held"


def test_restart_waits_for_what_is_left(stack: Stack) -> None:
    """A killed program whose descendants still held its folder is restarted all the same."""
    stack.up(entry("a.0", f"sleep 1000 & {SLEEP}"))
    first = stack.row("a.0")["pid"]
    os.kill(first, signal.SIGKILL)
    stack.until(lambda: stack.row("a.0")["pid"] not in {None, first})

    assert stack.row("a.0")["state"] == "ready"


def hidden(stack: Stack, does: str = "exec sleep 1000", *, closes: bool = False) -> int:
    """Start a program with a descendant that is in no session and has no mark; returns its pid."""
    file, script = stack.root / "hidden", stack.root / "hide.py"
    shell = ["/bin/sh", "-c", f"echo $$ > {file}; {does}"]
    closed = "os.closerange(3, 200); " if closes else ""
    script.write_text(f"import os; {closed}os.setsid(); os.execve('/bin/sh', {shell}, {{}})")
    hides = f"{sys.executable} -I -S {script} & {SLEEP}"
    stack.up(entry("a.0", hides, stop={"grace": 1.0}))
    stack.until(lambda: file.exists() and bool(file.read_text().strip()))
    return int(file.read_text())


@pytest.mark.parametrize("does", ["exec sleep 1000", "trap : TERM; while :; do sleep 0.02; done"])
def test_leftover_that_hid_itself_is_ended(stack: Stack, does: str) -> None:
    """A descendant without session and mark still has its lock: it ends with its program."""
    pid = hidden(stack, does)
    (report,) = stack.ask("stop", names=["a"])["report"]

    assert not alive(pid)
    assert (report["how"] == "killed") is ("trap" in does)


def test_leftover_that_hid_itself_ends_before_the_next_start(stack: Stack) -> None:
    """Watchers and program are killed at once, the descendant goes on: it is ended, and named."""
    pid = hidden(stack)
    own = stack.row("a.0")["pid"]
    stack.kill("guardian", "supervisor")
    os.kill(own, signal.SIGKILL)
    stack.until(lambda: not alive(own))
    stack.up(entry("a.0", SLEEP))

    assert not alive(pid)
    assert stack.row("a.0")["state"] == "ready"


def test_leftover_that_hid_everything_ends_with_the_stack(stack: Stack) -> None:
    """Of one that closed its lock as well nobody can tell whose it is; that it is ours we know."""
    pid = hidden(stack, closes=True)
    stack.ask("stop", names=["a"])
    assert alive(pid)
    stack.ask("down")

    assert not alive(pid)
    assert f'cannot be told apart is ended: pid {pid} \\"sleep\\"' in stack.told()


def test_claim_is_of_the_folder_not_of_its_name(tmp_path: Path) -> None:
    """A link to a claimed folder is claimed; nothing is written before it is settled."""
    folder, link = tmp_path / "data", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    one = Claim(str(folder))
    with pytest.raises(HeldError):
        Claim(str(link))
    assert not list(folder.iterdir())
    one.settle({"root": "/r", "instance": "a.0"})
    with pytest.raises(HeldError) as told:
        Claim(str(link))
    one.close()

    assert told.value.owner == {"root": "/r", "instance": "a.0"}
    Claim(str(link)).close()


def test_who_only_reads_holds_nothing(tmp_path: Path) -> None:
    """A program that has the file open, as a backup has, is no holder."""
    one = Claim(str(tmp_path))
    one.settle({})
    with (tmp_path / NAME).open() as file:
        reader = subprocess.Popen(["sleep", "1000"], stdin=file)
    heir = subprocess.Popen(["sleep", "1000"], pass_fds=[one.shared])
    try:
        assert holders(str(tmp_path / NAME)) == [heir.pid]
        one.close()
        with pytest.raises(HeldError):
            Claim(str(tmp_path))
        heir.kill()
        heir.wait()
        Claim(str(tmp_path)).close()
    finally:
        for process in (reader, heir):
            process.kill()
            process.wait()
