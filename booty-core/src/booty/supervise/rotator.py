"""The rotator: a niced process that rotates the logs it is told of, says how it went, and ends.

It may be killed at any instant, and is when the supervisor ends. Standard library alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any, Final

from booty.run import title
from booty.run.rotation import Policy, rotate

__all__ = ["main"]

NICE: Final = 19
_PR_SET_PDEATHSIG: Final = 1


def main(arguments: dict[str, Any]) -> None:
    """Rotate, and print a line of JSON for each log about which something is to be said.

    Args:
        arguments: ``parent`` (process number) and ``logs``: name, path, and the policy's numbers.
    """
    title.call_itself("booty-rotate")
    os.nice(NICE)
    if not _die_with(int(arguments["parent"])):
        return
    for name, path, *numbers in arguments["logs"]:
        for told in _told(str(path), Policy(*numbers)):
            sys.stdout.write(json.dumps({"name": name, **told}) + "\n")
            sys.stdout.flush()


def _told(path: str, policy: Policy) -> list[dict[str, Any]]:
    try:
        done = rotate(path, policy, time.time())
    except OSError as error:
        return [{"failed": True, "message": f"cannot rotate its log: {error.strerror}"}]
    return [{"failed": False, "message": words} for words in done]


def _die_with(parent: int) -> bool:
    # nobody is to end us at down, and a successor's rotator need not wait for our lock
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent
