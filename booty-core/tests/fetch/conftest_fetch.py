"""A publisher on loopback, with the real layout of a release."""

from __future__ import annotations

import hashlib
import io
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from booty import ArtifactWish, Component, Platform, Release

HERE = Platform.current()
SCRIPT = b"#!/bin/sh\necho real\n"
STEM = f"tool-v1.2.3-{HERE}"
BASE = "/org/tool/releases/download/v1.2.3"


class Publisher:
    """Serves files, and whatever misbehaviour a test asks for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.kind = "application/octet-stream"
        self.cut: int | None = None
        self.etag = '"one"'
        self.seen: list[tuple[str, str]] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_HEAD(self) -> None:
                """Answer that somebody is here, or somewhere else."""
                if self.path in publisher.redirects:
                    self.send_response(302)
                    self.send_header("Location", publisher.redirects[self.path])
                else:
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                """Serve a file, from an offset if asked."""
                publisher.seen.append((self.path, self.headers.get("Range", "")))
                if self.path in publisher.redirects:
                    self.send_response(302)
                    self.send_header("Location", publisher.redirects[self.path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = publisher.files.get(self.path)
                if data is None:
                    self.send_error(404)
                    return
                self._send(data)

            def _send(self, data: bytes) -> None:
                asked = self.headers.get("Range", "")
                same = self.headers.get("If-Range") == publisher.etag
                start = int(asked[6:-1]) if asked and same else 0
                self.send_response(206 if start else 200)
                self.send_header("Content-Type", publisher.kind)
                self.send_header("ETag", publisher.etag)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                end = len(data) if publisher.cut is None else start + publisher.cut
                self.wfile.write(data[start:end])
                if publisher.cut is not None:
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def publish(self, data: bytes, name: str, sums: str | None = None) -> None:
        """Put an asset and its sums file in place."""
        self.files[f"{BASE}/{name}"] = data
        digest = hashlib.sha256(data).hexdigest()
        text = f"{digest}  {name}\n" if sums is None else sums
        self.files[f"{BASE}/SHA256SUMS"] = text.encode()

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def tar(entries: dict[str, bytes], mode: int = 0o755) -> bytes:
    """Return a tar.gz with files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    """Return a zip with executable files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100755 << 16
            archive.writestr(info, data)
    return out.getvalue()


def wish(end: str = ".tar.gz", member: str = f"{STEM}/tool", **more: object) -> ArtifactWish:
    """Return a wish for the tool, from its publisher."""
    url = f"https://publisher.example{BASE}"
    fields = {"sums": f"{url}/SHA256SUMS", **more}
    source = Release(url=f"{url}/{STEM}{end}", member=member, **fields)  # type: ignore[arg-type]  # test data
    component = Component(id="tool", program="tool", versions=("1.2.3",), sources=(source,))
    return ArtifactWish(key="tool@1.2.3", component=component, version="1.2.3")


class Host:
    """A host that answers as a test says, and remembers what it was asked.

    Args:
        answer: called with the handler of each GET; may write to it whatever it likes.
        context: for https.
    """

    def __init__(
        self,
        answer: Callable[[BaseHTTPRequestHandler], None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_HEAD(self) -> None:
                """Answer that somebody is here."""
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                """Answer as the test says."""
                host.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                with suppress(OSError):  # the other side may have gone
                    answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "https" if context else "http"
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def name(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://{self.name}"

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(
    handler: BaseHTTPRequestHandler, status: int = 200, body: bytes = b"", **headers: str
) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
