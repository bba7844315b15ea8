"""Hosts that do not answer, in every way: bounded, told, remembered; proxies and credentials."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve
from booty.errors import FetchError
from booty.fetch import Lock, Progress, Store, _http, ensure
from booty.fetch.unreachable import reachable
from booty.model.plan import ArtifactWish
from conftest_fetch import BASE, HERE, SCRIPT, STEM, Publisher, tar, wish

BOUND = 15.0
"""Seconds that two may become on a busy machine; ten waits one after the other are 20."""
GOOD = tar({f"{STEM}/tool": SCRIPT})


@pytest.fixture(autouse=True)
def home(store: Store) -> None:
    """A memory of its own for each test."""


@contextmanager
def listening(answer: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """A server that accepts and then does what is asked, or nothing; yields its port."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            kept = []
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    break
                kept.append(peer)
                if answer:
                    answer(peer)
            for peer in kept:
                peer.close()
            ended.set()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        assert ended.wait(10)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose queue of connections is full, so that a further one gets no answer at all."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def measured(url: str) -> tuple[str, bool, float]:
    """Ask whether a URL can be reached, and take the time."""
    begin = time.monotonic()
    return *reachable(url), time.monotonic() - begin


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", [listening, black_hole], ids=["accepts", "black hole"])
def test_silence_costs_two_seconds_once(scheme: str, kind: Callable[[], Iterator[int]]) -> None:
    """Nobody answers the connection, the TLS greeting or the request: two seconds, once."""
    with kind() as port:  # type: ignore[attr-defined]  # a context manager
        url = f"{scheme}://127.0.0.1:{port}/x"
        why, remembered, took = measured(url)
        again, remembered_now, took_again = measured(url)

    assert why.startswith(f"cannot reach 127.0.0.1:{port}")
    assert not remembered
    assert took < BOUND
    assert again.startswith(why)
    assert "asked again after" in again
    assert remembered_now
    assert took_again < took


def test_a_name_that_hangs_costs_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that never answers is not waited for."""
    hanging = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        hanging.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    why, _, took = measured("https://publisher.example/x")
    hanging.set()

    assert why == "cannot reach publisher.example within 2 s"
    assert took < BOUND


def test_silence_behind_a_redirect(publisher: Publisher) -> None:
    """A host that sends us on to one that does not answer counts as not answering."""
    with listening() as port:
        publisher.redirects["/x"] = f"http://127.0.0.1:{port}/y"
        why, _, took = measured(f"{publisher.url}/x")
        again, remembered, _ = measured(f"{publisher.url}/z")

    assert why
    assert took < BOUND
    assert remembered
    assert again.startswith(why)


def wishes_from(port: int, number: int) -> list[ArtifactWish]:
    """Return wishes for several programs of one publisher who does not answer."""
    one = wish()
    return [
        evolve(
            one,
            key=f"tool{index}@1.2.3",
            component=evolve(one.component, id=f"tool{index}"),
        )
        for index in range(number)
    ]


def test_many_programs_pay_once_together(store: Store) -> None:
    """Ten programs of one silent publisher cost what one costs."""
    with listening() as port:
        begin = time.monotonic()
        with pytest.raises(Exception, match="cannot get") as caught:
            ensure(
                wishes_from(port, 10),
                platform=HERE,
                lock=Lock(),
                store=store,
                mirrors={"publisher.example": f"http://127.0.0.1:{port}"},
            )
        took = time.monotonic() - begin

    assert len(caught.value.faults) == 10  # type: ignore[attr-defined]  # several at once
    assert took < BOUND


def test_a_host_that_is_back_is_asked_if_nobody_else_can(
    publisher: Publisher, store: Store
) -> None:
    """What is remembered only spares a wait where there is another source."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    file = store.root.parent / "cache" / "unreachable.json"
    file.parent.mkdir(parents=True)
    host = publisher.url.removeprefix("http://")
    file.write_text(json.dumps({host: [time.time(), "cannot reach it"]}))
    told: list[Progress] = []
    mirrors = {"publisher.example": publisher.url}
    ensure([wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors, tell=told.append)

    assert [one.phase for one in told if one.phase in {"refused", "done"}] == ["refused", "done"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"127.0.0.1:1": 5}', '{"127.0.0.1:1": ["x", 1]}', '{"a": null}']
)
def test_a_damaged_memory_is_no_memory(store: Store, text: str) -> None:
    """The cache may hold anything: then nothing is known, and it is written anew."""
    file = store.root.parent / "cache" / "unreachable.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    assert not reachable("http://127.0.0.1:1/x")[1]
    assert reachable("http://127.0.0.1:1/x")[1]


def test_a_clock_put_back_is_no_memory_for_ever(store: Store) -> None:
    """What was remembered in a future that did not come is forgotten."""
    file = store.root.parent / "cache" / "unreachable.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"127.0.0.1:1": [time.time() + 1e6, "x"]}))

    assert not reachable("http://127.0.0.1:1/x")[1]


class Proxy:
    """What a proxy was asked; it answers everything itself."""

    def __init__(self, data: dict[str, bytes]) -> None:
        self.data = data
        self.asked: list[str] = []
        self.heads: list[str] = []

    def answer(self, peer: socket.socket) -> None:
        """Answer every request of a connection."""
        threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rb") as lines:
            while line := lines.readline().decode():
                method, url, _ = line.split()
                head = "".join(iter(lambda: lines.readline().decode().strip("\r\n"), ""))
                self.asked.append(url)
                self.heads.append(head)
                body = next((d for end, d in self.data.items() if url.endswith(end)), b"")
                length = len(body) if method == "GET" else 0
                peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
                peer.sendall(body if method == "GET" else b"")


def proxied(store: Store) -> None:
    """Fetch from a publisher that only a proxy knows."""
    mirrors = {"publisher.example": "http://publisher.invalid"}
    ensure([wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)


@pytest.fixture
def proxy(publisher: Publisher) -> Proxy:
    """A proxy that has the publisher's files."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    return Proxy({name.rpartition("/")[2]: data for name, data in publisher.files.items()})


def test_the_proxy_of_the_environment_is_used(
    proxy: Proxy, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY leads to the publisher; NO_PROXY keeps off it."""
    with listening(proxy.answer) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        proxied(store)
        asked = len(proxy.asked)
        _http.client().close()
        _http._client.cache_clear()
        monkeypatch.setenv("NO_PROXY", "other.invalid")
        monkeypatch.setenv("no_proxy", "other.invalid")
        why, _ = reachable("http://other.invalid/x")
        _http.client().close()

    assert asked
    assert all(url.startswith("http://publisher.invalid/") for url in proxy.asked)
    assert why
    assert len(proxy.asked) == asked
    assert len(store.list()) == 1


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1", "nonsense://x", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a proxy that makes no sense here is a reason like any other."""
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    why, _, took = measured("http://publisher.example/x")
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name)

    assert why.startswith("cannot reach publisher.example: ")
    assert took < BOUND


def test_credentials_of_a_mirror_are_used_and_never_told(
    publisher: Publisher, proxy: Proxy, store: Store
) -> None:
    """A mirror's user and password go to the mirror, and into no message, lock or cache."""
    told: list[Progress] = []
    with listening(proxy.answer) as port:
        for data in (GOOD, b"other"):
            proxy.data[f"{STEM}.tar.gz"] = data
            mirrors = {"publisher.example": f"http://me:hush-hush@127.0.0.1:{port}/gh"}
            try:
                _, lock = ensure(
                    [wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors,
                    tell=told.append,
                )  # fmt: skip
                store.remove(store.list()[0])
            except FetchError as error:
                said = error.message + error.hint + error.subject
        _http.client().close()
    with black_hole() as port, pytest.raises(FetchError) as caught:
        ensure(
            [wish()], platform=HERE, lock=Lock(), store=store, tell=told.append,
            mirrors={"publisher.example": f"http://me:hush-hush@127.0.0.1:{port}"},
        )  # fmt: skip
    kept = "".join(
        file.read_text(errors="replace")
        for file in Path(store.root.parent).rglob("*")
        if file.is_file()
    )

    secret = base64.b64encode(b"me:hush-hush").decode()
    assert all(secret in head for head in proxy.heads)
    assert "hush" not in said + lock.text() + str(told) + str(caught.value) + kept
    assert f"/gh{BASE}/{STEM}.tar.gz" in proxy.asked
