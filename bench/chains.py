"""Chains of programs, each ready 200 ms after its start: by a file, and by every kind of probe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

__all__ = ["by_file", "of_all_kinds"]

LENGTH: Final = 10
LATER: Final = Path(__file__).with_name("later.py")
FILE: Final = """
[services.c{n}]
use = "program"
run = "sleep 0.2; echo up > $F; exec sleep 1000"
env = {{ F = "${{dirs.run}}/up" }}
ready = {{ file = "${{dirs.run}}/up" }}
needs = [{needs}]
"""
ANY: Final = """
[services.c{n}]
use = "program"
run = "rm -f $W; T=$(date +%s.%N); exec {python} -I -S {later} {kind} $W $T"
env = {{ W = "{where}" }}
ready = {{ {ready} }}
needs = [{needs}]
"""
PORT: Final = "ports = { p = 0 }\n"
UP: Final = "${dirs.run}/up"
KINDS: Final = {
    "file": (UP, f'file = "{UP}"'),
    "tcp": ("${ports.p}", 'tcp = "127.0.0.1:${ports.p}"'),
    "log": ("-", 'log = "^up"'),
    "http": ("${ports.p}", 'http = "http://127.0.0.1:${ports.p}/"'),
    "notify": ("-", "notify = true"),
    "exec": (UP, f'exec = ["test", "-e", "{UP}"]'),
}
"""Where each is ready, and how that is looked at."""


def _needs(n: int) -> str:
    return f'"c{n - 1}"' if n else ""


def by_file() -> str:
    """Return a chain in which each writes a file."""
    return "".join(FILE.format(n=n, needs=_needs(n)) for n in range(LENGTH))


def of_all_kinds() -> str:
    """Return a chain of all kinds of probe in turn."""
    kinds = [*KINDS, *KINDS][:LENGTH]
    return "".join(_any(n, kind) for n, kind in enumerate(kinds))


def _any(n: int, kind: str) -> str:
    where, ready = KINDS[kind]
    words = {"python": sys.executable, "later": LATER, "where": where, "ready": ready}
    text = ANY.format(n=n, kind=kind, needs=_needs(n), **words)
    return text + (PORT if "ports" in where else "")
