"""What an operator sees in ps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


LONG = """
import os
from booty.run import title
line = "python -m guardian " + "x" * 40
if os.fork() == 0:
    os.environ.clear()
    title.show(line)
    if os.fork() == 0:
        title.replace_word("guardian", "supervisor")
        print(open("/proc/self/cmdline").read().rstrip("\\0"), flush=True)
        print("canary" in open("/proc/self/environ").read(), flush=True)
        os._exit(0)
    os.wait()
    print(open("/proc/self/cmdline").read().rstrip("\\0"), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process change its line")
@pytest.mark.parametrize("short", [True, False])
def test_a_line_takes_the_place_of_arguments_and_environment(tmp_path: Path, short: bool) -> None:
    """Longer or shorter than the line before; of the environment nothing is left to be seen."""
    file = tmp_path / "show.py"
    file.write_text(LONG)
    argv = [sys.executable, str(file), *([] if short else ["y" * 200])]
    done = subprocess.run(
        argv, env={"NAME": "canary" * 100}, capture_output=True, text=True, check=True
    )
    child, seen, parent = done.stdout.splitlines()

    assert child == f"python -m supervisor {'x' * 40}"
    assert seen == "False"
    assert parent == f"python -m guardian {'x' * 40}"
