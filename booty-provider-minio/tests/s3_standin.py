"""A server of S3 that is ill as a test wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Answer", "Standin", "refusing", "sending"]

Answer = Callable[[BaseHTTPRequestHandler, int], None]
DATE = "Wed, 25 Nov 2026 12:00:00 GMT"


class Standin:
    """A server that answers as it is told; it forces what a real one does only when it is ill."""

    def __init__(self) -> None:
        self.answer: Answer = refusing(501, "NotImplemented")
        self.seen: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def send_response(self, code: int, message: str | None = None) -> None:
                self.send_response_only(code, message)  # without a header of its own

            def do(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.seen.append((self.command, self.path))
                outer.answer(self, len(outer.seen))

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = do  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, more: str = "") -> str:
        """Return the URL of a bucket there."""
        return f"s3://KEY:SECRET@127.0.0.1:{self.port}/uploads?attempts=1&engine=minio{more}"

    def stop(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def refusing(status: int, word: str) -> Answer:
    """Answer everything with one error, as S3 does."""

    def answer(request: BaseHTTPRequestHandler, _: int) -> None:
        body = f"<Error><Code>{word}</Code><Message>said so</Message></Error>".encode()
        request.send_response(status)
        request.send_header("content-type", "application/xml")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


def sending(data: bytes, cuts: list[int], etags: list[str] | None = None) -> Answer:
    """Answer a GET with an object; the n-th time the connection breaks after so many bytes."""

    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        span = request.headers.get("range", "bytes=0-")[len("bytes=") :]
        start = int(span.partition("-")[0])
        etag = etags[min(number, len(etags)) - 1] if etags else '"one"'
        if request.headers.get("if-match", etag) != etag:
            refusing(412, "PreconditionFailed")(request, number)
            return
        request.send_response(206 if start else 200)
        request.send_header("content-length", str(len(data) - start))
        if start:
            request.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.send_header("etag", etag)
        request.send_header("last-modified", DATE)
        request.end_headers()
        cut = cuts[number - 1] if number <= len(cuts) else len(data)
        request.wfile.write(data[start : start + cut])
        request.close_connection = True

    return answer
