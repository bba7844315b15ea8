"""An instance's own check of its files: before it is started on them, once for each."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from booty.supervise.client import ControlError
from conftest_supervise import Stack, entry


def checked(stack: Stack, *, well: bool = True, **changes: Any) -> dict[str, Any]:
    """Return an entry whose check writes a line."""
    words = f"echo checked >> {stack.root}/checks; exit {int(not well)}"
    check = {
        "argv": ["/bin/sh", "-c", words], "env": {}, "timeout": 10.0, "exit_codes": [0],
        "expect": "",
    }  # fmt: skip
    return entry("a.0", "exec sleep 1000", check=check, **changes)


def checks(stack: Stack) -> int:
    """Return how many were made."""
    return (stack.root / "checks").read_text().count("checked")


def test_once_for_the_same_files(stack: Stack) -> None:
    """Neither a restart nor another start checks what was found good; what changed is checked."""
    one = checked(stack)
    stack.up(one)
    first = stack.row("a.0")["pid"]
    os.kill(first, signal.SIGKILL)
    stack.until(lambda: stack.row("a.0")["pid"] not in {None, first})
    stack.ask("stop", names=["a"])
    stack.up(one)
    same = checks(stack)
    stack.up({**one, "digest": "other", "inputs": {"run": "other"}})

    assert (same, checks(stack)) == (1, 2)


def test_what_was_found_bad_is_checked_again(stack: Stack) -> None:
    """It is not started, each time."""
    bad = checked(stack, well=False)
    for count in (1, 2):
        with pytest.raises(ControlError, match="cannot use the new configuration"):
            stack.up(bad)
        assert checks(stack) == count
