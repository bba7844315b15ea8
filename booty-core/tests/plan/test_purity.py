"""The plan is pure: the same bytes in every process, and nothing is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = """
import importlib.util, json, pathlib, sys
found = importlib.util.spec_from_file_location("world", sys.argv[1])
module = importlib.util.module_from_spec(found)
found.loader.exec_module(module)
from booty import plan
world = module.World(root=pathlib.Path(sys.argv[2]))
spec = world.spec(sys.argv[3])
def make():
    artifacts = world.artifacts(spec)
    made = plan.make(spec, world.providers, artifacts, world.saved, world.machine)
    return plan.to_json(made), json.dumps(plan.sheet(made), sort_keys=True)
first = make()
touched = []
TOUCHES = ("open", "os.", "socket.", "subprocess.", "shutil.", "tempfile.", "glob.")
sys.addaudithook(lambda event, _: touched.append(event) if event.startswith(TOUCHES) else None)
assert make() == first
assert touched == [], touched
print(json.dumps([first[0].decode(), first[1]]))
"""
TEXT = """
[services.bus]
use = "bus"
replicas = 3
streams = ["a", "b"]
[services.files]
use = "files"
events = "bus"
[services.db]
use = "db"
[services.main]
use = "program"
run = ["./main"]
ports = { http = 0 }
env = { U = "${services.bus.url}", F = "${services.files.url}", D = "${services.db.url}" }
"""


def _run(root: Path, seed: str) -> Any:
    conftest = Path(__file__).with_name("conftest.py")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(conftest), str(root), TEXT],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_same_bytes_everywhere_and_nothing_touched(tmp_path: Path) -> None:
    """Processes with other hash seeds plan the same bytes, without file, network or process."""
    assert _run(tmp_path, "1") == _run(tmp_path, "4242")
