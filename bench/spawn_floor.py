"""The reference: only spawns N trivial programs and waits until each has written its file.

Usage: ``spawn_floor.py FOLDER N``. Prints nothing; ends when all are up, and ends them again.
"""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path

COMMAND = 'echo up > "$0"; exec sleep 1000'


def main() -> None:
    """Spawn, wait, end."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    files = [folder / f"floor-{number}" for number in range(count)]
    children = [
        subprocess.Popen(
            ["/bin/sh", "-c", COMMAND, str(file)], stdin=subprocess.DEVNULL, start_new_session=True
        )
        for file in files
    ]
    waiting = set(files)
    while waiting:
        waiting = {file for file in waiting if not file.exists()}
        select.select([], [], [], 0.001)
    print("up", flush=True)
    sys.stdin.read()
    for child in children:
        child.terminate()
    for child in children:
        child.wait()


if __name__ == "__main__":
    main()
