"""Hours in minutes: many services, one of them killed every second, and what that costs.

``python bench/soak.py [SERVICES [SECONDS]]``: by default 200 and 600. Ends with 1 if a restart was
missed, or if guardian and supervisor have grown.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BOOTY = str(Path(sys.executable).parent / "booty")
SERVICE = """
[services.p{n}]
use = "program"
run = "echo $$$$ >> $PIDS; exec sleep 100000"
env = {{ PIDS = "${{stack.root}}/{n}.pids" }}
backoff = {{ reset = "0s" }}
"""
PACE = 1.0
"""Seconds between two KILLs."""
MISSED = 5.0
"""Seconds after which a restart counts as missed."""
GROWTH = 1.15
"""What memory may have grown by, against the first tenth of the time."""
MIB = 1024 * 1024


class Soak:
    """A stack, somebody who kills, and a look at the watchers once in a while."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        self.count = count
        self.env = os.environ | {"BOOTY_HOME": str(root / "home")}
        head = '[stack]\nformat = 1\nname = "soak"\n'
        text = "".join(SERVICE.format(n=number) for number in range(count))
        (root / "booty.toml").write_text(head + text)
        self.took: list[float] = []
        self.missed = 0

    def booty(self, *words: str) -> None:
        """Run a command."""
        subprocess.run(
            [BOOTY, *words], cwd=self.root, env=self.env, check=True, capture_output=True
        )

    def watchers(self) -> tuple[float, int]:
        """Return memory in MiB and descriptors of guardian and supervisor together."""
        saved = json.loads((self.root / ".booty/state/stack.json").read_text())
        pids = [saved[name]["pid"] for name in ("guardian", "supervisor")]
        memory = sum(_pss(pid) for pid in pids)
        return memory / MIB, sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)

    def kill(self, number: int) -> None:
        """Kill a service, and wait for the next one's first words."""
        file = self.root / f"{number}.pids"
        lines = file.read_text().split()
        begin = time.monotonic()
        os.kill(int(lines[-1]), signal.SIGKILL)
        while len(file.read_text().split()) == len(lines):
            if time.monotonic() - begin > MISSED:
                self.missed += 1
                return
        self.took.append(time.monotonic() - begin)

    def run(self, seconds: float) -> list[tuple[float, int]]:
        """Kill one a second; return looks at the watchers, a hundred in all."""
        chance, begin, looks = random.Random(1), time.monotonic(), []
        pause = threading.Event()
        number = 0
        while time.monotonic() < begin + seconds:
            self.kill(chance.randrange(self.count))
            number += 1
            if number % max(1, int(seconds / PACE / 100)) == 0:
                looks.append(self.watchers())
            pause.wait(max(0.0, begin + number * PACE - time.monotonic()))
        return looks


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> int:
    """Soak, and say what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    with tempfile.TemporaryDirectory(prefix="booty-soak-") as folder:
        soak = Soak(Path(folder), count)
        soak.booty("up", "-d")
        try:
            looks = soak.run(seconds)
        finally:
            soak.booty("down")
    early = looks[: max(1, len(looks) // 10)]
    memory = max(one[0] for one in early), looks[-1][0]
    files = max(one[1] for one in early), looks[-1][1]
    took = sorted(soak.took)
    print(f"{count} services, {seconds:g} s, {len(took)} killed, {soak.missed} restarts missed")
    print(f"restart: median {1000 * took[len(took) // 2]:.1f} ms, slowest {1000 * took[-1]:.1f} ms")
    print(f"memory of both watchers: {memory[0]:.1f} MiB at first, {memory[1]:.1f} MiB at the end")
    print(f"descriptors: {files[0]} at first, {files[1]} at the end")
    return int(bool(soak.missed) or memory[1] > memory[0] * GROWTH or files[1] > files[0] + 2)


if __name__ == "__main__":
    sys.exit(main())
