"""Prepares what cannot be given by a spawn, then becomes the program: ``wrap.py ITEMS PROGRAM …``.

Items, separated by commas: ``nofile=1024`` a limit; ``pid=LISTEN_PID`` a variable that holds the
number of the process; ``session`` makes it the leader of one; ``-NAME`` takes a variable away that
the interpreter has set.
"""

from __future__ import annotations

import os
import resource
import sys


def limit(name: str, number: int) -> None:
    """Set a soft and hard limit; what may not be raised is cut at the hard limit."""
    kind = getattr(resource, f"RLIMIT_{name.upper()}")
    _, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (number, number))
    except (ValueError, OSError):
        resource.setrlimit(kind, (hard, hard))


def prepare(items: str) -> None:
    """Do what the items say."""
    for item in items.split(","):
        name, _, number = item.partition("=")
        if name == "pid":
            os.environ[number] = str(os.getpid())
        elif item == "session":
            os.setsid()
        elif item.startswith("-"):
            os.environ.pop(item[1:], None)
        else:
            limit(name, int(number))


def main() -> None:
    """Prepare, then exec."""
    prepare(sys.argv[1])
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f'cannot start "{sys.argv[2]}": {error.strerror}')


if __name__ == "__main__":
    main()
