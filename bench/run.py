"""``make bench``: measures what the design promises, each figure beside its reference.

``bench/run.py [--rounds N] [NAME…]`` prints a Markdown table; NAME picks figures by part of a name.
Medians of interleaved runs; nothing here is a test.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import buckets
import chains
import downloads
import events
import idle
import logs
import peers
import stored
import topics
from ending import DEAF, FAMILY, deadline, gone_with_me
from measure import Case, shape, table, timed

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
BOOTY = str(BIN / "booty")
LONGEST = 60.0
"""Seconds in which what is waited for must come."""
NATS = '[services.bus]\nuse = "nats"\n'
TRIVIAL = """
[services.p{n}]
use = "program"
run = ["/bin/sh", "-c", 'echo up > "$0"; exec sleep 1000', "${{dirs.run}}/up"]
ready = {{ file = "${{dirs.run}}/up" }}
"""


MORTAL = """
[services.a]
use = "program"
run = "echo $$$$ >> $PIDS; exec sleep 1000"
env = { PIDS = "${stack.root}/pids" }
backoff = { reset = "0s" }
"""


class Stack:
    """A stack in a folder of its own, in a home of its own."""

    def __init__(self, home: Path, name: str, text: str) -> None:
        self.root = home / name
        self.root.mkdir()
        (self.root / "booty.toml").write_text(f'[stack]\nformat = 1\nname = "{name}"\n{text}')
        self.env = os.environ | {"BOOTY_HOME": str(home / "home")}
        self.command = [BOOTY]

    def booty(self, *arguments: str, status: int = 0) -> None:
        """Run one command quietly; a status that was not expected ends the bench."""
        done = subprocess.run(
            [BOOTY, *arguments], cwd=self.root, env=self.env, capture_output=True, check=False
        )
        if done.returncode != status:
            sys.exit(f"booty {' '.join(arguments)}: {done.stderr.decode()}")

    def up(self) -> float:
        """Seconds of one ``up -d`` from stopped; stops it again."""
        seconds = timed(lambda: self.booty("up", "-d"))
        self.booty("down")
        return seconds

    def down(self) -> float:
        """Seconds of one ``down`` from up."""
        self.booty("up", "-d")
        seconds = timed(lambda: self.booty("down"))
        if left := [*descendants(self.root)]:
            sys.exit(f"down left {left}")
        return seconds


def descendants(root: Path) -> Iterator[str]:
    """Yield the command lines of what belongs to a stack by its environment."""
    word = f"BENCH_ROOT={root}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (place / "environ").read_bytes().split(b"\0"):
                yield (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def killed(pid: int, file: Path) -> float:
    """Seconds from the KILL of a process until a file grows, looked at without a pause."""
    before, end = file.stat().st_size, time.monotonic() + LONGEST

    def kill() -> None:
        os.kill(pid, signal.SIGKILL)
        while file.stat().st_size == before:
            if time.monotonic() > end:
                sys.exit(f"nothing came after {pid}")

    return timed(kill)


def restart(stack: Stack) -> float:
    """Seconds from the KILL of a program to the first words of the next one."""
    pids = stack.root / "pids"
    return killed(int(pids.read_text().split()[-1]), pids)


def thousand(stack: Stack) -> float:
    """Seconds of the slowest of a thousand restarts; one that does not come ends the bench."""
    return max(restart(stack) for _ in range(1000))


def adoption(stack: Stack) -> float:
    """Seconds from the KILL of a supervisor until its successor has adopted everything."""
    stack.booty("up", "-d")
    saved = json.loads((stack.root / ".booty/state/stack.json").read_text())
    seconds = killed(saved["supervisor"]["pid"], stack.root / ".booty/events.jsonl")
    stack.booty("down")
    return seconds


def python_click() -> float:
    """Seconds of ``python -c "import click"``."""
    return timed(lambda: subprocess.run([sys.executable, "-c", "import click"], check=True))


def floor(folder: Path, count: int, program: Path | None = None) -> float:
    """Seconds until the reference script has all programs up."""
    place = Path(tempfile.mkdtemp(dir=folder))
    argv = [str(program)] if program else [sys.executable, str(HERE / "spawn_floor.py")]
    seconds = peers.spawner([*argv, str(place), str(count)])
    shutil.rmtree(place)
    return seconds


def starts(home: Path, stack: Stack, count: int) -> list[Case]:
    """Return the start of many beside each reference that can be had here."""
    name, promise = f"`up -d` of {count} trivial programs", "at most 2x"
    found = [Case(name, promise, stack.up, lambda: floor(home, count), "script that only spawns")]
    if program := peers.compiled(home):
        found.append(
            Case(name, "-", stack.up, lambda: floor(home, count, program), "the same in C")
        )
    for peer in peers.PEERS:
        if shutil.which(peer):
            found += [Case(name, "-", stack.up, partial(peers.start, peer, count), peer)]
    return found


def nats_by_hand(folder: Path, home: Path) -> float:
    """Seconds until a ``nats-server`` started by hand greets."""
    import socket

    program = next((home / "home" / "store").glob("nats-server/*/*/**/nats-server"))
    place = tempfile.mkdtemp(dir=folder)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    argv = [str(program), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", place]

    def greet() -> None:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as link:
                    assert link.recv(4) == b"INFO"
                    return
            except ConnectionRefusedError:
                continue

    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        seconds = timed(greet)
        process.terminate()
    return seconds


def cases(home: Path) -> list[Case]:
    """Every figure this bench can take."""
    fifty = Stack(home, "fifty", "".join(TRIVIAL.format(n=n) for n in range(50)))
    family = Stack(home, "family", "".join(FAMILY.format(n=n) for n in range(50)))
    deaf = Stack(home, "deaf", DEAF)
    many = Stack(home, "many", "".join(TRIVIAL.format(n=n) for n in range(200)))
    chain = Stack(home, "chain", chains.by_file())
    mixed = Stack(home, "mixed", chains.of_all_kinds())
    bus = Stack(home, "bus", NATS)
    still = Stack(home, "still", NATS)
    still.booty("up", "-d")
    mortal = Stack(home, "mortal", MORTAL)
    mortal.booty("up", "-d")
    own = 'python -c "import click"'

    def run(stack: Stack, *arguments: str) -> float:
        return timed(lambda: stack.booty(*arguments))

    return [
        Case("`booty --help`", "under 2x", lambda: run(still, "--help"), python_click, own),
        Case("`booty ps`", "under 2x", lambda: run(still, "ps"), python_click, own),
        Case("second `up`", "under 300 ms", lambda: run(still, "up", "-d")),
        *starts(home, fifty, 50),
        *starts(home, many, 200),
        Case(
            "`up -d` of a chain of 10, each ready 200 ms after exec", "2.15 s + the start", chain.up
        ),
        Case("the same, by all kinds of probe in turn", "2.15 s + the start", mixed.up),
        Case("a killed program says its first word again", "5 ms", lambda: restart(mortal)),
        Case("the slowest of 1,000 of these, none missed", "-", lambda: thousand(mortal), rounds=1),
        Case("KILL of the supervisor: 200 adopted", "100 ms", lambda: adoption(many)),
        Case(
            "die-with-me: 50 programs and 50 grandchildren gone after KILL of the supervisor",
            "100 ms",
            lambda: gone_with_me(family),
        ),
        Case("a program that ignores TERM: off its grace", "50 ms", lambda: deadline(deaf)),
        Case("`down` of 50", "40 ms + the command's start", fifty.down, python_click, own),
        Case("`down` of 50 with 50 grandchildren", "none left", family.down, python_click, own),
        Case(
            "`up -d` of NATS",
            "slowest chain + 10 %",
            bus.up,
            lambda: nats_by_hand(home, home),
            "nats-server by hand",
        ),
        *stored.cases(home),
        *downloads.cases(home),
        *topics.cases(home, lambda name, text: Stack(home, name, text)),
        *idle.cases(Stack(home, "silent", "".join(TRIVIAL.format(n=n) for n in range(50)))),
        *buckets.cases(home, lambda name, text: Stack(home, name, text)),
        *events.cases(lambda name, text: Stack(home, name, text)),
        *logs.cases(home, lambda name, text: Stack(home, name, text)),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what runs is brought down then too
    with tempfile.TemporaryDirectory(prefix="booty-bench-") as folder:
        try:
            found = cases(Path(folder))
            chosen = [c for c in found if not asked.names or any(n in c.name for n in asked.names)]
            for case in chosen:
                case.run(asked.rounds)
                print(case.row(), file=sys.stderr)
        finally:
            for root in Path(folder).glob("*/booty.toml"):
                subprocess.run(
                    [BOOTY, "--file", str(root), "down"],
                    env=os.environ | {"BOOTY_HOME": str(Path(folder) / "home")},
                    capture_output=True,
                    check=False,
                )
    print(f"{shape()}; medians of {asked.rounds} interleaved runs\n\n{table(chosen)}")


if __name__ == "__main__":
    main()
