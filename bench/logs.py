"""Figures about logs: a writer under booty beside the same one into a plain file; a search."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from measure import Case, timed

HERE = Path(__file__).parent
LINES = 12_000_000
"""Lines of 48 bytes: 576 MB."""
GIGABYTE = 21_000_000
WRITER = """
[services.w]
use = "program"
run = ["{python}", "{script}", "{count}", "${{stack.root}}/took"]
ready = {{ file = "${{stack.root}}/took" }}
ready-timeout = "300s"
log = {{ size = "{size}", age = "1000d", keep = 100000 }}
"""


class Stack(Protocol):
    """What a stack of the bench can do."""

    root: Path

    def booty(self, *arguments: str) -> None:
        """Run one command."""


Make = Callable[[str, str], Stack]


def text(size: str, count: int = LINES) -> str:
    """Return a booty.toml of one writer."""
    script = HERE / "log_writer.py"
    return WRITER.format(python=sys.executable, script=script, count=count, size=size)


def under_booty(stack: Stack, segments: int) -> float:
    """Seconds that the writer took for its lines, as it says itself; ends if one is not there."""
    log = stack.root / ".booty/logs/w.0.log"
    for old in [stack.root / "took", log, *log.with_suffix(".d").glob("*")]:
        old.unlink(missing_ok=True)
    stack.booty("up", "-d")
    stack.booty("down")
    whole(log, LINES)
    if len([*log.with_suffix(".d").glob("*.gz")]) < segments:
        sys.exit("it was not rotated")
    return float((stack.root / "took").read_text())


def whole(log: Path, count: int) -> None:
    """End the bench if a line of a log is lost or doubled."""
    from booty.run.segments import blocks
    from booty.run.tail import whole as lines

    number = 0
    for _, block in lines(blocks(str(log))):
        for line in block.splitlines():
            if int(line[:9]) != number:
                sys.exit(f"line {number} is lost or doubled: {line!r}")
            number += 1
    if number != count:
        sys.exit(f"{number} lines instead of {count}")


def plain(folder: Path) -> float:
    """Seconds that the same writer takes for a plain file."""
    took, log = folder / "took", folder / "plain.log"
    argv = [sys.executable, str(HERE / "log_writer.py"), str(LINES), str(took), "end"]
    with log.open("ab") as file:
        subprocess.run(argv, stdout=file, check=True)
    log.unlink()
    return float(took.read_text())


def grep(stack: Stack) -> float:
    """Seconds of ``zcat | grep`` over the same segments and the live file's rest."""
    from booty.run.segments import survey

    log = stack.root / ".booty/logs/w.0.log"
    rest = f"tail -c +{survey(str(log)).until + 1} {log}"
    line = f"(zcat {log.with_suffix('.d')}/*.gz; {rest}) | grep -c 'dog 0.*99999$'"
    return timed(lambda: subprocess.run(["/bin/sh", "-c", line], check=True, capture_output=True))


def cases(home: Path, make: Make) -> list[Case]:
    """Every figure about logs."""
    long, short = make("long", text("100GiB")), make("short", text("16MiB"))
    large = make("large", text("64MiB", GIGABYTE))
    beside = "the same writer into a plain file"

    def filled() -> None:
        if not (large.root / "took").exists():
            large.booty("up", "-d")
            large.booty("down")

    def search() -> float:
        filled()
        return timed(lambda: large.booty("logs", "--grep", "dog 0.*99999$"))

    return [
        Case("576 MB of log between rotations", "at most 1.11x", lambda: under_booty(long, 0),
             lambda: plain(home), beside),
        Case("576 MB of log, rotated, every line once", "-", lambda: under_booty(short, 5),
             lambda: plain(home), beside),
        Case("`booty logs --grep` in 1.0 GB", "seconds", search, lambda: grep(large),
             "zcat and grep"),
    ]  # fmt: skip
