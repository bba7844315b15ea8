"""A module proxy that lies is found out by the Go checksum database, before anything is built."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from booty import ArtifactWish, Component, GoInstall, Platform
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Store, ensure

MODULE, VERSION = "rsc.io/2fa", "v1.2.0"
COMPONENT = Component(
    id="2fa", program="2fa", versions=("1.2.0",), sources=(GoInstall(module=MODULE),)
)
WISH = ArtifactWish(key="2fa@1.2.0", component=COMPONENT, version="1.2.0")

pytestmark = [pytest.mark.real, pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH")]


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A proxy with other files under a known name; the checksum database it passes on."""
    mod = f"module {MODULE}\n".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{MODULE}@{VERSION}/go.mod", mod)
        archive.writestr(f"{MODULE}@{VERSION}/main.go", "package main\nfunc main() {}\n")
    stem = f"/{MODULE}/@v/{VERSION}"
    info = f'{{"Version": "{VERSION}"}}'.encode()
    files = {f"{stem}.mod": mod, f"{stem}.zip": out.getvalue(), f"{stem}.info": info}
    real = re.split("[,|]", said("GOPROXY"))[0].rstrip("/")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Lie, or pass on."""
            data = files.get(self.path)
            if data is None and self.path.startswith("/sumdb/"):
                try:
                    with urllib.request.urlopen(f"{real}{self.path}", timeout=20) as answer:
                        data = answer.read()
                except (OSError, ValueError):
                    data = None
            self.send_response(404 if data is None else 200)
            self.end_headers()
            self.wfile.write(data or b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{server.server_address[1]}")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def said(name: str) -> str:
    """Return a setting of go's."""
    done = subprocess.run(["go", "env", name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_another_module_under_a_known_name(
    liar: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other files under a published module's name and version: exit 6, nothing is left."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path / "home"))
    store = Store(tmp_path / "home" / "store")

    with pytest.raises(FetchError) as caught:
        ensure([WISH], platform=Platform.current(), lock=Lock(), store=store)
    if not isinstance(caught.value, VerifyError):
        pytest.skip(f"the checksum database cannot be asked: {caught.value.message}")
    assert caught.value.status == 6
    assert "mismatch" in caught.value.message
    assert store.list() == []
    assert not list((tmp_path / "home" / "cache" / "downloads").iterdir())
