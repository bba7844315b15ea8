"""Sets resource limits, then becomes the program: ``wrap.py nofile=1024,core=0 PROGRAM ARGS…``."""

from __future__ import annotations

import os
import resource
import sys


def limit(asked: str) -> None:
    """Set soft and hard limits; what may not be raised is cut at the hard limit."""
    for item in asked.split(","):
        name, _, number = item.partition("=")
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.getrlimit(kind)
        wanted = int(number)
        try:
            resource.setrlimit(kind, (wanted, wanted))
        except (ValueError, OSError):
            resource.setrlimit(kind, (hard, hard))


def main() -> None:
    """Limit, then exec."""
    limit(sys.argv[1])
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f'cannot start "{sys.argv[2]}": {error.strerror}')


if __name__ == "__main__":
    main()
