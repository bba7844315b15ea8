"""Programs that run and do not do their job."""

from __future__ import annotations

import json
from typing import Any

from conftest_supervise import Stack, alive, entry, probe

SLEEP = "exec sleep 1000"
DEAF = "trap '' TERM; while :; do sleep 0.02; done"


def live(stack: Stack, **changes: Any) -> dict[str, Any]:
    """Return a look at a file of the stack, twice missed in a row to count."""
    path = str(stack.root / "lives")
    return probe(file=path, **{"interval": 0.02, "failures": 2, **changes})


def told(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind."""
    lines = map(json.loads, (stack.dir / "events.jsonl").read_text().splitlines())
    return [one["detail"] for one in lines if one["kind"] == kind and one["instance"] == "a.0"]


def test_unhealthy_is_restarted_and_well_again(stack: Stack) -> None:
    """It is stopped as asked for, started again, and stays up while it pleases."""
    good = stack.root / "lives"
    good.touch()
    stack.up(entry("a.0", f"touch {good}; {SLEEP}", live=live(stack)))
    pid = stack.row("a.0")["pid"]
    good.unlink()
    stack.until(lambda: stack.row("a.0")["pid"] not in {None, pid})
    stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert not alive(pid)
    assert stack.row("a.0")["restarts"] == 1
    assert told(stack, "unhealthy")[0]["message"] == f"no file {good}"


def test_unhealthy_again_and_again_is_no_storm(stack: Stack) -> None:
    """One that fails its looks after each restart waits longer and longer, and is given up."""
    restart = {"next": 0.01, "max": 0.05, "reset": 0.0, "give_up": 3}
    stack.up(entry("a.0", SLEEP, live=live(stack), restart=restart))
    stack.until(lambda: stack.row("a.0")["state"] == "failed")

    assert stack.row("a.0")["restarts"] == 3
    assert "given up after 3 restarts: unhealthy: no file" in stack.row("a.0")["reason"]
    waits = [one for one in told(stack, "state") if one["to"] == "backoff"]
    assert len(waits) == 2  # the first restart is at once
    assert stack.row("a.0")["pid"] is None


def test_one_miss_is_none(stack: Stack) -> None:
    """So many misses in a row count; a program that is never restarted is degraded and recovers."""
    good = stack.root / "lives"
    good.touch()
    looks = live(stack, failures=2)
    stack.up(entry("a.0", SLEEP, live=looks, restart={"policy": "never"}))
    pid = stack.row("a.0")["pid"]
    for _ in range(3):
        good.unlink()
        stack.until(lambda: stack.row("a.0")["state"] == "degraded")
        good.touch()
        stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert (stack.row("a.0")["pid"], stack.row("a.0")["restarts"]) == (pid, 0)


def test_down_while_it_is_replaced(stack: Stack) -> None:
    """A stop that comes while an unhealthy program is being ended starts nothing again."""
    stack.up(entry("a.0", DEAF, live=live(stack), stop={"grace": 1.0}), wait=False)
    stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    pid = stack.row("a.0")["pid"]
    stack.ask("stop", names=["a"])

    assert not alive(pid)
    assert (stack.row("a.0")["state"], stack.row("a.0")["pid"]) == ("stopped", None)
    stack.ask("ping")
    assert stack.row("a.0")["state"] == "stopped"


def test_successor_goes_on_with_the_replacement(stack: Stack) -> None:
    """The supervisor is killed while an unhealthy program ends: it is started again."""
    good = stack.root / "lives"
    run = f"[ -e {stack.root}/once ] && touch {good}; touch {stack.root}/once; {DEAF}"
    stack.up(entry("a.0", run, live=live(stack), stop={"grace": 1.0}), wait=False)
    stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    pid = stack.row("a.0")["pid"]
    before = stack.watchers()
    stack.kill("supervisor")
    stack.followed(before)
    stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert stack.row("a.0")["pid"] != pid
    assert not alive(pid)
