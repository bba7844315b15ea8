"""Runs a program for as long as somebody holds our stdin: ``holder.py FOLDER PROGRAM …``.

When it is let go before the program has come to its end, by a KILL too, the program's whole process
group is killed and the folder is removed. Standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading

NICE = 5
"""A build takes every processor for minutes: somebody works on this machine meanwhile."""


def hold(child: subprocess.Popen[bytes], let_go: threading.Event) -> None:
    """Wait until whoever started us lets go, then kill."""
    while os.read(0, 1):
        pass
    let_go.set()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def main() -> None:
    """Run the program; our exit status is its own."""
    os.nice(NICE)
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
    let_go = threading.Event()
    threading.Thread(target=hold, args=(child, let_go), daemon=True).start()
    code = child.wait()
    if let_go.is_set():
        shutil.rmtree(sys.argv[1], ignore_errors=True)
    os._exit(code if code >= 0 else 128 - code)  # the thread still reads


if __name__ == "__main__":
    main()
