"""The runtime folder of a running stack, removed by somebody."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from booty.supervise.client import ControlError
from conftest_supervise import Stack, entry, probe

SLEEP = "exec sleep 1000"
NOTIFIER = Path(__file__).with_name("notifier.py")


def place(stack: Stack) -> Path:
    """Return its runtime folder."""
    return Path(json.loads((stack.dir / "state/stack.json").read_text())["runtime"])


def answers(stack: Stack) -> bool:
    """Tell whether its supervisor can be spoken to."""
    try:
        stack.ask("ping")
    except ControlError:
        return False
    return True


@pytest.mark.parametrize("above", [False, True])
def test_folder_is_made_anew(stack: Stack, above: bool, tmp_path: Path) -> None:
    """Nothing that runs is touched, and the stack can be spoken to again."""
    orders = tmp_path / "orders"
    orders.write_text("say READY=1\n")
    argv = [sys.executable, "-I", "-S", str(NOTIFIER), str(orders)]
    held = {"@{booty:run}/settings": {"content": "kept", "blob": None, "mode": 0o600}}
    stack.up(entry("a.0", "", argv=argv, ready=probe(notify=True), files=held))
    pid, folder = stack.row("a.0")["pid"], place(stack)
    inner = folder / "a.0" / "settings"
    assert inner.read_text() == "kept"
    if above:
        moved = folder.with_name(f"{folder.name}.gone")
        folder.rename(moved)
        shutil.rmtree(moved)
    else:
        shutil.rmtree(folder, ignore_errors=True)  # it may be made anew meanwhile
    stack.until(lambda: answers(stack) and inner.exists())
    with orders.open("a") as file:
        file.write("say RELOADING=1 MONOTONIC_USEC=@now\n")
    stack.until(lambda: stack.row("a.0")["reason"] == "reloading")

    assert inner.read_text() == "kept"
    assert (place(stack), stack.row("a.0")["pid"]) == (folder, pid)


def test_socket_alone_and_again(stack: Stack) -> None:
    """A cleaner that takes only a socket, and comes again; a successor has the new ones."""
    stack.up(entry("a.0", SLEEP))
    for _ in range(2):
        (place(stack) / "control.sock").unlink()
        stack.until(lambda: answers(stack))
    before = stack.watchers()
    stack.kill("supervisor")
    stack.followed(before)
    shutil.rmtree(place(stack), ignore_errors=True)
    stack.until(lambda: answers(stack))

    assert stack.row("a.0")["restarts"] == 0
