"""A program that serves a folder by signed URLs, as the how-to shows it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import booty
from booty.clients import Signer


class Serving:
    """A server of one folder at a time.

    Args:
        secret: file with the secret.
    """

    def __init__(self, secret: Path) -> None:
        self.folder = Path("/nowhere")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                outer.answer(self)

            do_GET = do_PUT = do_DELETE = do  # noqa: N815 - the standard library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/files"
        self._signer = Signer.of(self.url, str(secret))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Do what a request may do."""
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        kind = request.headers.get("content-type")
        status, data = 200, b""
        try:
            key = self._signer.verified(request.path, request.command, kind)
            data = self._do(request.command, key, body, kind)
        except booty.ClientError as error:
            status = {"permission-denied": 403, "not-found": 404}.get(error.code, 500)
        request.send_response(status)
        request.send_header("content-length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _do(self, method: str, key: str, body: bytes, kind: str | None) -> bytes:
        with booty.SyncBucket.open(self.folder.as_uri()) as bucket:
            if method == "GET":
                return bucket.read(key)
            if method == "PUT":
                bucket.write(key, body, content_type=kind or "")
            else:
                bucket.delete(key)
            return b""

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
