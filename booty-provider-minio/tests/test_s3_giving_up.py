"""Writers of ``s3://`` that are given up, while the server is well and while it is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import anyio
import booty
import pytest
from s3_standin import Standin

PART = bytes(9 << 20)


class Deaf(Standin):
    """A server that begins uploads, and never answers to their parts or their end."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()
        self.reached = {"PUT": threading.Event(), "DELETE": threading.Event()}
        self.answer = self._answer

    def _answer(self, request: BaseHTTPRequestHandler, _: int) -> None:
        if request.command == "POST":
            body = b"<R><UploadId>u1</UploadId></R>"
            request.send_response(200)
            request.send_header("content-length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        else:
            self.reached[request.command].set()
            self.over.wait(60)


@pytest.fixture
def server() -> Iterator[Deaf]:
    """Give such a server."""
    one = Deaf()
    yield one
    one.over.set()
    one.stop()


def test_giving_up_ends_though_the_server_is_gone(server: Deaf) -> None:
    """A cancelled writer asks for the end of its upload, and waits for a deaf server in vain."""

    async def write(bucket: booty.Bucket) -> None:
        async with bucket.writer("k", content_type="a/b") as writer:
            await writer.write(PART)
            await writer.write(PART)
            await anyio.sleep_forever()

    async def main() -> None:
        async with booty.open_bucket(server.url()) as bucket, anyio.create_task_group() as tasks:
            tasks.start_soon(write, bucket)
            await anyio.to_thread.run_sync(server.reached["PUT"].wait, 20)
            cancelled.append(anyio.current_time())
            tasks.cancel_scope.cancel()
        cancelled.append(anyio.current_time())

    cancelled: list[float] = []
    anyio.run(main)
    asked, ended = cancelled
    assert ended - asked < 20  # botocore's own patience is a minute
    assert server.reached["DELETE"].is_set()


class Silent:
    """A server that takes connections, says one thing to each, and reads no more.

    Args:
        says: what it says.
    """

    def __init__(self, says: bytes) -> None:
        self._says = says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._links: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        port = self._socket.getsockname()[1]
        self.url = f"s3://KEY:SECRET@127.0.0.1:{port}/uploads?attempts=1&engine=minio"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._socket.accept()
                self._links.append(link)
                link.recv(1 << 16)
                link.sendall(self._says)

    def stop(self) -> None:
        """Stop it."""
        with suppress(OSError):  # it is stopped already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (*self._links, self._socket):
            one.close()


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("size", [0, 100, 7 << 20])
def test_a_body_that_nobody_takes(says: bytes, size: int) -> None:
    """A server that does not say that it wants a body, or stops taking it, is not waited for."""
    server = Silent(says)
    try:
        with booty.SyncBucket.open(f"{server.url}&read_timeout=300ms&connect_timeout=1s") as bucket:
            with pytest.raises(booty.DeadlineExceededError):
                bucket.write("k", bytes(size))
            server.stop()
            with pytest.raises(booty.UnknownError):
                bucket.attributes("k")
    finally:
        server.stop()
