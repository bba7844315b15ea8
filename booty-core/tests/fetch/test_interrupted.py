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
from pathlib import Path

import pytest
from booty.fetch import Store

PATIENCE = 20.0
SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from test_wheel import HERE, wish
from booty.fetch import Lock, Store, ensure
def tell(one):
    print(one.phase, flush=True)
ensure([wish()], platform=HERE, lock=Lock(), store=Store(Path({store!r})), tell=tell)
"""


@contextmanager
def fetching(store: Store) -> Iterator[subprocess.Popen[str]]:
    """Begin to fetch a wheel, in a process of its own."""
    text = SCRIPT.format(tests=str(Path(__file__).parent), store=str(store.root))
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
