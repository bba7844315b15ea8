"""Ctrl-C while programs are fetched: at once, whatever is waited for, and nothing is left."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest
from booty.fetch import Store
from conftest_fetch import Host

PATIENCE = 20.0
SOON = 5.0
"""Seconds on a busy machine; a silence is waited for six times as long."""
SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from {module} import HERE, wish
from booty.fetch import Lock, Store, ensure
def tell(one):
    print(one.phase, flush=True)
store, mirrors = Store(Path({store!r})), {mirrors}
ensure([wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors, tell=tell)
"""


@contextmanager
def fetching(store: Store, mirror: str = "") -> Iterator[subprocess.Popen[str]]:
    """Begin to fetch a wheel, or a release from a mirror, in a process of its own."""
    text = SCRIPT.format(
        tests=str(Path(__file__).parent),
        store=str(store.root),
        module="conftest_fetch" if mirror else "test_wheel",
        mirrors={"*": mirror} if mirror else {},
    )
    argv = [sys.executable, "-c", text]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        yield process
        process.kill()


def until(process: subprocess.Popen[str], phase: str) -> None:
    """Read until it is told of a phase."""
    assert process.stdout
    assert phase in (line.strip() for line in process.stdout)


def soon(seen: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < end
        select.select([], [], [], 0.01)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_while_an_index_hangs(
    store: Store, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """An index that accepts and says nothing: pip is ended too, and its folder goes."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/simple")
        with fetching(store) as process:
            until(process, "downloading")
            link, _ = index.accept()  # pip asks
            process.send_signal(how)
            process.wait(PATIENCE)
            link.settimeout(PATIENCE)
            while link.recv(65536):
                pass  # what it asked; then nothing, since pip has gone
            link.close()
    downloads = store.root.parent / "cache" / "downloads"
    soon(lambda: not list(downloads.glob("*")))


def test_while_another_fetches(store: Store) -> None:
    """Who waits for another process's download need not wait on."""
    with store.locked("get-tool@1.2.3"), fetching(store) as process:
        until(process, "waiting")
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


HEAD_ONLY = b""
TRICKLE = b"x"


@pytest.mark.parametrize("body", [None, HEAD_ONLY, TRICKLE], ids=["no head", "head", "trickle"])
def test_while_a_server_is_slow(store: Store, body: bytes | None) -> None:
    """Ctrl-C once: it neither waits for the next megabyte nor until a silence is over."""
    asked, over = Event(), Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if body is not None:
            handler.send_response(200)
            handler.send_header("Content-Length", "50000000")
            handler.end_headers()
        asked.set()
        while not over.wait(0.02):
            handler.wfile.write(body or b"")

    host = Host(answer)
    try:
        with fetching(store, host.url) as process:
            assert asked.wait(PATIENCE)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            assert time.monotonic() - begin < SOON
    finally:
        over.set()
        host.close()
