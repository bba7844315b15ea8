"""A fetch that was killed half-way, and one that found the disk full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from booty.errors import FetchError
from booty.fetch.access import OPEN
from booty.fetch.download import download
from booty.fetch.store import Store
from conftest_fetch import BASE, STEM, Host, Publisher, reply, tar
from kill_everywhere import fetch, run

DATA = tar({f"{STEM}/tool": b"#!/bin/sh\necho real\n#" + os.urandom(3_000_000).hex().encode()})
CODE = (
    "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
    "from kill_everywhere import fetch; fetch(sys.argv[2], Path(sys.argv[3]))"
)


def until(seen: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is seen; looks every 10 ms."""
    never = threading.Event()
    for _ in range(round(seconds * 100)):
        if seen():
            return
        never.wait(0.01)
    pytest.fail(f"not within {seconds} s")


def test_killed_at_half_of_the_download(
    hosts: Callable[..., Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is kept and asked for no second time; nothing counts as installed meanwhile."""
    home, half = tmp_path / "home", len(DATA) // 2
    sums = Publisher()
    sums.publish(DATA, f"{STEM}.tar.gz")
    over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if not handler.path.endswith(".tar.gz"):
            reply(handler, 200, sums.files[handler.path])
            return
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        size = str(len(DATA) - start)
        content = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        handler.send_response(206 if start else 200)
        for name, value in (("ETag", '"1"'), ("Content-Length", size), ("Content-Range", content)):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(DATA[start:] if start else DATA[:half])
        if not start:
            over.wait(30)

    host = hosts(answer)
    argv = [sys.executable, "-c", CODE, str(Path(__file__).parent), host.url, str(home)]
    environment = os.environ | {"BOOTY_HOME": str(home)}
    with subprocess.Popen(argv, env=environment) as child:
        downloads = home / "cache" / "downloads"
        until(lambda: sum(path.stat().st_size for path in downloads.glob("*.part")) >= half)
        child.send_signal(signal.SIGKILL)
    assert Store(home / "store").list() == []
    monkeypatch.setenv("BOOTY_HOME", str(home))
    artifact = fetch(host.url, home)
    over.set()
    sums.close()

    asked = [headers.get("range") for path, headers in host.asked if path.endswith(".tar.gz")]
    assert asked == [None, f"bytes={half}-"]
    run(Store(home / "store"), artifact)
    assert list(downloads.iterdir()) == []
    assert f"{BASE}/SHA256SUMS" in [path for path, _ in host.asked]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_and_gets_its_room_back(
    hosts: Callable[..., Host], tmp_path: Path
) -> None:
    """No room for the download: told as that, not as a fault of the publisher."""
    host = hosts(lambda handler: reply(handler, 200, DATA, ETag='"1"'))
    (tmp_path / "file.part").symlink_to("/dev/full")

    with pytest.raises(FetchError) as caught:
        download(
            host.url,
            tmp_path / "file",
            key="tool@1",
            source="release",
            tell=lambda _: None,
            limit=1 << 30,
            access=OPEN,
        )
    assert caught.value.reference == "store-unwritable"
    assert "No space left" in caught.value.message
    assert not (tmp_path / "file.part").is_symlink()
    assert len(host.asked) == 1
