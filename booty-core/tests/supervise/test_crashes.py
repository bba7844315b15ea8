"""Watchers are killed in every phase; nothing is lost, doubled, forgotten or left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest_supervise import PATIENCE, Stack, alive, entry, need, probe

SLEEP = "exec sleep 1000"
DEAF = "trap '' TERM; while :; do sleep 0.05; done"


def test_stop_under_way_goes_on_after_kill(stack: Stack) -> None:
    """A supervisor killed within a grace: its successor goes on stopping."""
    stack.up(entry("a.0", DEAF, stop={"grace": 1.5}))
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    with stack.ensure() as link:
        link.send("stop", names=["a"])
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    stack.kill("supervisor")
    stack.followed(before)
    stack.until(lambda: not alive(pid))

    stack.until(lambda: stack.row("a.0")["state"] == "stopped")
    assert "ready" not in stack.told().split('"supervisor"')[-1]


def test_down_under_way_goes_on_after_kill(stack: Stack) -> None:
    """A supervisor killed in the middle of down: its successor ends the stack and leaves."""
    stack.up(entry("a.0", DEAF, stop={"grace": 1.0}), entry("b.0", SLEEP, needs=[need("a.0")]))
    pid, watchers = stack.row("a.0")["pid"], stack.watchers()
    with stack.ensure() as link:
        link.send("down")
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    stack.kill("supervisor")
    stack.until(lambda: not alive(watchers["guardian"]))

    assert not alive(pid)
    assert stack.row("b.0")["state"] == "stopped"


def test_restart_under_way_goes_on_after_kill(stack: Stack) -> None:
    """A supervisor killed while it restarts something: it runs again under the successor."""
    stack.up(entry("a.0", "trap 'sleep 0.7; exit 0' TERM; while :; do sleep 0.05; done"))
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    with stack.ensure() as link:
        link.send("restart", names=["a"])
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    stack.kill("supervisor")
    stack.followed(before)

    stack.until(lambda: stack.row("a.0")["state"] == "ready" and stack.row("a.0")["pid"] != pid)
    assert not alive(pid)


def test_start_under_way_goes_on_after_kill(stack: Stack) -> None:
    """A supervisor killed while one starts and one waits: both get ready, the first is kept."""
    flag = stack.root / "flag"
    first = entry("a.0", SLEEP, ready=probe(file=str(flag)))
    stack.up(first, entry("b.0", SLEEP, needs=[need("a.0")]), wait=False)
    stack.until(lambda: stack.row("a.0")["pid"] is not None)
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    stack.kill("supervisor")
    stack.followed(before)
    flag.touch()

    stack.until(lambda: stack.row("b.0")["state"] == "ready")
    assert stack.row("a.0")["pid"] == pid


def test_start_that_fails_under_a_successor_is_told(stack: Stack) -> None:
    """What was in the middle of its start and then ends is a failed start, told as any other."""
    flag = stack.root / "flag"
    stack.up(
        entry("a.0", f"while [ ! -e {flag} ]; do sleep 0.02; done; exit 5",
              ready=probe(file=str(stack.root / "never"))),
        wait=False,
    )  # fmt: skip
    stack.until(lambda: stack.row("a.0")["pid"] is not None)
    before = stack.watchers()
    stack.kill("supervisor")
    stack.followed(before)
    flag.touch()
    stack.until(lambda: stack.row("a.0")["state"] == "failed")

    assert '"kind": "failed"' in stack.told().replace('":"', '": "')
    assert stack.row("a.0")["exit"]["code"] == 5


def test_child_born_in_the_instant_of_a_crash_is_found(stack: Stack) -> None:
    """An intent without a pid: the child is found by its mark, and not started twice."""
    stack.up(entry("a.0", SLEEP))
    row, before = stack.row("a.0"), stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)  # no successor until the file is as we want it
    stack.kill("supervisor")
    stack.rewrite("a.0", pid=None, start=None, state="configured")
    os.kill(before["guardian"], signal.SIGCONT)
    stack.followed(before)
    stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert stack.row("a.0")["pid"] == row["pid"]


def test_intent_without_a_child_is_carried_out(stack: Stack) -> None:
    """A crash between intent and spawn: the successor starts what was meant, once."""
    stack.up(entry("a.0", SLEEP))
    row, before = stack.row("a.0"), stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)
    stack.kill("supervisor")
    os.kill(row["pid"], signal.SIGKILL)
    stack.rewrite("a.0", pid=None, start=None, state="configured", mark="0123456789abcdef")
    os.kill(before["guardian"], signal.SIGCONT)
    stack.followed(before)

    stack.until(lambda: stack.row("a.0")["state"] == "ready")
    assert stack.row("a.0")["pid"] != row["pid"]


def test_code_of_what_died_meanwhile_is_known(stack: Stack) -> None:
    """A program ends while no supervisor lives: the guardian hands its code on."""
    flag = stack.root / "flag"
    stack.up(entry("a.0", f"while [ ! -e {flag} ]; do sleep 0.02; done; exit 7",
                   restart={"policy": "never"}))  # fmt: skip
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)
    stack.kill("supervisor")
    flag.touch()
    stack.until(lambda: not alive(pid))
    os.kill(before["guardian"], signal.SIGCONT)
    stack.followed(before)

    stack.until(lambda: '"code": 7' in stack.told() or '"code":7' in stack.told()
                or (stack.row("a.0").get("exit") or {}).get("code") == 7)  # fmt: skip


def test_both_killed_under_die_with_me_is_ended_by_the_next(stack: Stack) -> None:
    """Both watchers of a die-with-me stack killed at once: the next one ends what is left."""
    stack.up(entry("a.0", SLEEP), lifetime="die-with-me")
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)
    stack.kill("supervisor", "guardian")
    still = alive(pid)
    with stack.ensure():
        stack.until(lambda: not alive(pid))
    assert "1 that were to die with who held the stack still ran: they are ended" in stack.told()

    assert still


def test_die_with_me_takes_grandchildren_and_the_adopted(stack: Stack) -> None:
    """A killed supervisor takes all: sessions of their own, and what was adopted from others."""
    out = stack.root / "pid"
    stack.up(entry("a.0", f"setsid sleep 1000 & echo $! > {out}; {SLEEP}",
                   ready=probe(file=str(out))), entry("b.0", SLEEP))  # fmt: skip
    before = stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)
    stack.kill("supervisor", "guardian")
    pids = [stack.row(name)["pid"] for name in ("a.0", "b.0")] + [int(out.read_text())]
    with stack.ensure() as link:
        link.request("lifetime", lifetime="die-with-me", timeout=PATIENCE)
        still = [alive(pid) for pid in pids]
    stack.kill("supervisor")
    stack.until(lambda: not any(alive(pid) for pid in pids))

    assert still == [True, True, True]


def test_many_of_a_die_with_me_stack_go_at_once(stack: Stack) -> None:
    """Forty programs are gone soon after the supervisor, and the guardian with them."""
    stack.up(*(entry(f"a.{n}", SLEEP) for n in range(40)), lifetime="die-with-me")
    pids, watchers = [stack.row(f"a.{n}")["pid"] for n in range(40)], stack.watchers()
    stack.kill("supervisor")
    stack.until(lambda: not alive(watchers["guardian"]))

    assert not any(alive(pid) for pid in pids)


def test_end_of_the_holder_is_an_orderly_stop(stack: Stack) -> None:
    """The holder's pipe ends: a program that writes down its TERM has done so."""
    reads, writes = os.pipe()
    said = stack.root / "said"
    trap = f"trap 'sleep 0.2; echo bye > {said}; exit 0' TERM"
    stack.up(entry("a.0", f"{trap}; while :; do sleep 0.02; done"), lifetime="die-with-me",
             hold=reads)  # fmt: skip
    watchers = stack.watchers()
    os.close(reads)
    os.close(writes)
    stack.until(lambda: not alive(watchers["guardian"]))

    assert said.read_text() == "bye\n"


def test_two_at_once_share_one_supervisor(stack: Stack) -> None:
    """Two commands race for a stack: one starts it, both speak to the same supervisor."""
    code = (
        "import sys, os; from booty.supervise import launch;"
        "link = launch.ensure(sys.argv[1], stack_id=sys.argv[2], name='t', lifetime='outlive-me',"
        " environment={'PATH': os.environ['PATH']}).connection();"
        "print(link.hello['pid'], flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, str(stack.dir), stack.id]
    both = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = [(one.stdout.readline() if one.stdout else "").strip() for one in both]
    stack.watched |= set(stack.watchers().values())
    for one in both:
        one.communicate("")

    assert len(set(pids)) == 1
    assert pids[0].isdigit()


def test_guardian_gives_up_and_says_so(stack: Stack) -> None:
    """Five deaths in a minute: the stack goes on unwatched, the next up adopts."""
    stack.up(entry("a.0", SLEEP))
    pid, guardian = stack.row("a.0")["pid"], stack.watchers()["guardian"]
    for _ in range(4):
        before = stack.watchers()
        stack.kill("supervisor")
        stack.followed(before)
    stack.kill("supervisor")
    stack.until(lambda: not alive(guardian))
    unwatched = json.loads((stack.dir / "state/stack.json").read_text())["unwatched"]
    with stack.ensure():
        assert stack.row("a.0")["pid"] == pid

    assert unwatched


def test_command_of_a_start_dies_with_its_stop(stack: Stack) -> None:
    """A prepare under way when the stack is stopped is ended too."""
    out = stack.root / "pid"
    prepare = {"argv": ["/bin/sh", "-c", f"echo $$ > {out}; {SLEEP}"], "env": {}, "timeout": 60.0,
               "exit_codes": [0], "expect": ""}  # fmt: skip
    stack.up(entry("a.0", SLEEP, prepare=prepare), wait=False)
    stack.until(lambda: out.exists() and out.read_text().strip() != "")
    pid = int(out.read_text())
    stack.ask("down")

    stack.until(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("do", "fields"),
    [("converge", {}), ("stop", {}), ("kill", {"names": ["a"], "signal": "NONSENSE"}),
     ("stop", {"names": 7}), ("wait", {"names": None, "limit": "soon"}),
     ("converge", {"plan": "../../nothing"}), ("kill", {"names": ["a"], "signal": "_DFL"}),
     ("kill", {"names": "a"})],
)  # fmt: skip
def test_bad_request_is_answered(stack: Stack, do: str, fields: dict[str, Any]) -> None:
    """Whatever a client asks, it gets an answer, and the stack goes on."""
    stack.up(entry("a.0", SLEEP))
    with stack.ensure() as link:
        number = link.send(do, **fields)
        answer = link.receive(5.0)

    assert answer is not None
    assert answer["id"] == number
    assert "reference" in answer["error"]


def test_exec_probe_is_right_while_much_ends(stack: Stack) -> None:
    """An exec probe that passes passes at its first look, whatever else ends at that moment."""
    looks = stack.root / "looks"
    stack.up(
        *(entry(f"t.{n}", "true", kind="task", restart={"policy": "never"}) for n in range(20)),
        *(entry(f"a.{n}", SLEEP, ready=probe(exec=["/bin/sh", "-c", f"echo >> {looks}.{n}"]))
          for n in range(10)),
    )  # fmt: skip

    counts = [len((stack.root / f"looks.{n}").read_text()) for n in range(10)]
    assert counts == [1] * 10


def test_children_get_the_file_limit_of_the_command(stack: Stack) -> None:
    """The supervisor opens many files; its children get the limit that the command had."""
    import resource

    mine = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    out = stack.root / "limit"
    stack.up(entry("a.0", f"ulimit -Sn > {out}; {SLEEP}", ready=probe(file=str(out))))

    stack.until(lambda: out.read_text().strip() == str(mine))


ORPHAN = "setsid sh -c 'echo $$ >> {file}; exec sleep 1000' &"
DEAF_ORPHAN = "setsid sh -c 'trap \"\" TERM; echo $$ >> {file}; while :; do sleep 0.05; done' &"


def pids(file: Path) -> list[int]:
    """Return the process numbers that children have written down."""
    return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.mark.parametrize("roles", [("supervisor",), ("guardian", "supervisor")])
def test_descendants_of_a_stop_that_was_cut_short(stack: Stack, roles: tuple[str, ...]) -> None:
    """The program is gone, its child in another session not yet: the successor ends that too."""
    file = stack.root / "pids"
    stack.up(entry("a.0", f"{DEAF_ORPHAN.format(file=file)} {SLEEP}", stop={"grace": 1.0}))
    stack.until(lambda: bool(pids(file)))
    (orphan,), before = pids(file), stack.watchers()
    with stack.ensure() as link:
        link.send("stop", names=["a"])
        stack.until(lambda: stack.row("a.0")["exit"] is not None)
    assert stack.row("a.0")["state"] == "stopping"
    stack.kill(*roles)
    if "guardian" in roles:
        stack.ensure().close()
    else:
        stack.followed(before)

    stack.until(lambda: stack.row("a.0")["state"] == "stopped")
    assert not alive(orphan)


def test_what_a_crashed_program_left_is_ended_before_its_restart(stack: Stack) -> None:
    """A program dies and leaves a child in a session of its own: its successor starts alone."""
    file, flag = stack.root / "pids", stack.root / "flag"
    stack.up(
        entry("a.0", f"{ORPHAN.format(file=file)} while [ ! -e {flag} ]; do sleep 0.02; done;"
              f" rm {flag}; exit 3")
    )  # fmt: skip
    stack.until(lambda: len(pids(file)) == 1)
    flag.touch()
    stack.until(lambda: len(pids(file)) == 2)

    assert [alive(pid) for pid in pids(file)] == [False, True]


def test_what_ended_unwatched_is_cleared_before_its_restart(stack: Stack) -> None:
    """Watchers and program are killed at once: the child it left is ended before it starts."""
    file = stack.root / "pids"
    stack.up(entry("a.0", f"{ORPHAN.format(file=file)} {SLEEP}"))
    stack.until(lambda: len(pids(file)) == 1)
    pid = stack.row("a.0")["pid"]
    stack.kill("guardian", "supervisor")
    os.kill(pid, signal.SIGKILL)
    stack.ensure().close()
    stack.until(lambda: len(pids(file)) == 2)

    assert [alive(pid) for pid in pids(file)] == [False, True]


def test_wanted_again_while_it_stops(stack: Stack) -> None:
    """A start that comes in the middle of a stop waits for its end."""
    stack.up(entry("a.0", "trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.02; done"))
    pid = stack.row("a.0")["pid"]
    with stack.ensure() as link:
        link.send("stop", names=["a"])
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    stack.ask("start", names=["a"])
    stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert stack.row("a.0")["pid"] != pid
    assert not alive(pid)
