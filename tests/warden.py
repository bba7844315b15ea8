"""Ends what tests left running when the process that ran them ended, by whatever death.

Started beside the tests with their folder as argument. Its stdin is a pipe that nobody writes to:
the kernel closes it when the last holder is gone, killed or not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PATIENCE = 60.0
"""Seconds that the stacks may take to end."""
GUARDS = b"supervise/__main__.py"


def main(base: Path) -> None:
    """Wait for the end, then end every stack below the folder, and what is left of them."""
    sys.stdin.read()
    kill(pid for pid, said in below(base) if b"BOOTY_MARK=" not in said and GUARDS not in said)
    downs = [
        subprocess.Popen(
            [sys.executable, "-m", "booty", "--stack", root, "down"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for root in watched(base)
    ]
    for down in downs:
        with contextlib.suppress(subprocess.TimeoutExpired):
            down.wait(PATIENCE)
    kill(pid for pid, _ in below(base))


def kill(pids: Iterable[int]) -> None:
    """Kill processes; those that are gone already are none."""
    for pid in list(pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def watched(base: Path) -> Iterator[str]:
    """Yield the roots of stacks whose guardian or supervisor is there."""
    for file in base.rglob("stack.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            state = json.loads(file.read_text())
            pids = [(state.get(name) or {}).get("pid", 0) for name in ("guardian", "supervisor")]
            if any(pid and Path(f"/proc/{pid}").exists() for pid in pids):
                yield state["root"]


def below(base: Path) -> Iterator[tuple[int, bytes]]:
    """Yield processes that work below the folder, with their arguments and environment."""
    mine = {os.getpid(), os.getppid()}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            place = bytes((folder / "cwd").readlink()) + b"/"
            if int(folder.name) not in mine and bytes(base) + b"/" in said + place:
                yield int(folder.name), said


if __name__ == "__main__":
    main(Path(sys.argv[1]))
