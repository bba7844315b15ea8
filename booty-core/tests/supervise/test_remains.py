"""What programs leave behind: found and ended, whoever it belongs to by then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest_supervise import Stack, alive, entry, probe

LEAVES = "setsid sleep 1000 & echo $! >> left; echo up; exec sleep 1000"
"""A program with a child in a session of its own."""


def left(stack: Stack) -> list[int]:
    """Return the children that programs have left, the newest last."""
    return [int(word) for word in (Path(stack.root) / "left").read_text().split()]


@pytest.mark.parametrize("roles", [("supervisor",), ("guardian", "supervisor")])
def test_of_an_adopted_program_that_ends(stack: Stack, roles: tuple[str, ...]) -> None:
    """Nobody above it is ours where both watchers died: it is looked for all the same."""
    stack.up(entry("a.0", LEAVES, ready=probe(log="up")))
    before = stack.watchers()
    stack.kill(*roles)
    if "guardian" in roles:
        stack.ensure().close()
    stack.followed(before)
    (first,) = left(stack)
    os.kill(stack.row("a.0")["pid"], 9)
    stack.until(lambda: len(left(stack)) == 2 and stack.row("a.0")["state"] == "ready")

    assert not alive(first)
    assert alive(left(stack)[1])
