"""What an operator sees in ps."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW = """
import os
from booty.run import title
if os.fork() == 0:
    title.replace_word("guardian", "supervisor")
    title.call_itself("booty-supervise")
    line = open("/proc/self/cmdline", "rb").read().split(b"\\0")
    name = open("/proc/self/comm").read().strip()
    print(b" ".join(line[3:5]).decode(), name, flush=True)
    os._exit(0)
os.wait()
line = open("/proc/self/cmdline", "rb").read().split(b"\\0")
print(b" ".join(line[3:5]).decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process change its line")
def test_a_forked_process_has_its_own_line() -> None:
    """The child's line says what it is; the parent's is as it was."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, "guardian", '{"state": "/x"}'],
        capture_output=True,
        text=True,
        check=True,
    )
    child, parent = done.stdout.splitlines()
    assert child.startswith("supervisor {")
    assert child.endswith(" booty-supervise")
    assert parent == 'guardian {"state": "/x"}'
