"""The same programs under other process managers, as far as they are on PATH."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from measure import timed

__all__ = ["PEERS", "compiled", "spawner", "start"]

LONGEST = 60.0
PATIENCE = 15.0
"""Seconds that a peer has to end by itself."""
COMMAND = "echo up > {file}; exec sleep 1000"
Config = Callable[[Path, dict[str, str]], list[str]]


def _supervisord(folder: Path, lines: dict[str, str]) -> list[str]:
    text = f"[supervisord]\nnodaemon = true\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
    text += f"childlogdir = {folder}\n"
    for name, line in lines.items():
        text += f"[program:{name}]\ncommand = /bin/sh -c '{line}'\nstartsecs = 0\n"
    (folder / "supervisord.conf").write_text(text)
    return ["supervisord", "-c", f"{folder}/supervisord.conf"]


def _procfile(*argv: str) -> Config:
    def write(folder: Path, lines: dict[str, str]) -> list[str]:
        text = "".join(f"{name}: {line}\n" for name, line in lines.items())
        (folder / "Procfile").write_text(text)
        return [*argv]

    return write


def _process_compose(folder: Path, lines: dict[str, str]) -> list[str]:
    text = "version: '0.5'\nprocesses:\n"
    for name, line in lines.items():
        text += f"  {name}:\n    command: '{line}'\n"
    (folder / "process-compose.yaml").write_text(text)
    return ["process-compose", "up", "--tui=false", "--no-server", "-f", "process-compose.yaml"]


PEERS: dict[str, Config] = {
    "process-compose": _process_compose,
    "supervisord": _supervisord,
    "honcho": _procfile("honcho", "start"),
    "goreman": _procfile("goreman", "start"),
}
"""By program: what writes its configuration and returns its command line."""


def start(name: str, count: int) -> float:
    """Seconds until a peer has all programs up, each of which has then written its file."""
    with tempfile.TemporaryDirectory(prefix="booty-bench-") as place:
        folder = Path(place)
        files = [folder / f"up-{number}" for number in range(count)]
        lines = {f"p{number}": COMMAND.format(file=file) for number, file in enumerate(files)}
        argv = PEERS[name](folder, lines)
        process: subprocess.Popen[bytes] | None = None

        def begin() -> None:
            nonlocal process
            end = time.monotonic() + LONGEST
            process = subprocess.Popen(
                argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            waiting = set(files)
            while waiting and process.poll() is None and time.monotonic() < end:
                waiting = {file for file in waiting if not file.exists()}
                select.select([], [], [], 0.001)

        seconds = timed(begin)
        assert process is not None
        ended = process.poll()
        _stop(process, folder)
        if ended is not None or seconds > LONGEST:
            sys.exit(f"{name} did not bring up {count}, ended with {ended}")
    return seconds


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End a peer, and what it leaves behind: some do not end their programs, or not themselves."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (place / "cwd").resolve() == folder:
                os.kill(int(place.name), signal.SIGKILL)
    process.wait(LONGEST)


def compiled(folder: Path) -> Path | None:
    """Return the reference in C, compiled; nothing where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "spawn_floor"
    source = Path(__file__).with_name("spawn_floor.c")
    subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-o", made, source], check=True)
    return made


def spawner(argv: list[str]) -> float:
    """Seconds until a reference, in whatever language, says that all programs are up.

    Args:
        argv: its command line, without folder and number of programs at its end.
    """
    process: subprocess.Popen[bytes] | None = None

    def begin() -> None:
        nonlocal process
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()

    seconds = timed(begin)
    assert process is not None
    process.communicate()
    return seconds
