"""Where the servers listen, as the kernel says it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import state
from booty_provider_minio.engines import ENGINES

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel has no such table"),
]
LISTENS = "0A"
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
"""127.0.0.1, ::1, and the first as the second writes it; in the order of bytes of this machine."""


def listeners(pid: int) -> dict[int, str]:
    """Return the addresses on which a process listens, by port."""
    own = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            own.add(str(one.readlink()))
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENS and f"socket:[{words[9]}]" in own:
                address, _, port = words[1].partition(":")
                found[int(port, 16)] = address
    return found


@pytest.mark.parametrize(
    ("engine", "ports"),
    [*((name, "") for name in ENGINES), ("minio", "ports.console = 0")],
)
def test_only_loopback_listens(stacks: Any, engine: str, ports: str) -> None:
    """No server is to be reached from another machine, nor its console, on no port at all."""
    with stacks.up(engine, ports) as stack:
        folder = stack._stack.place.state
        rows = {one["instance"]: one["pid"] for one in state.read(folder)["instances"]}
        found = listeners(rows["files.0"])

    assert len(found) >= 1 + bool(ports)
    assert set(found.values()) <= LOOPBACK
