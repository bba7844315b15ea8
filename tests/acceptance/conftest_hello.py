"""A publisher on loopback, and the provider of what he publishes: ``hello``, in two versions."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from booty import Platform
from conftest_acceptance_provider import install
from conftest_cases import Case

HERE = str(Platform.current())
ELSEWHERE = "darwin-arm64" if HERE != "darwin-arm64" else "linux-arm64"
VERSIONS = ("0.0.2", "0.0.1")
SCRIPT = """#!/bin/sh
case "$1" in
serve) echo "hello {version} serves"; exec sleep 600 ;;
fail) echo "hello {version} fails"; exit 7 ;;
*) echo "hello {version}" "$@" ;;
esac
"""
PROVIDER = """
from booty import Component, Launch, Probe, Release, hookimpl
BOOTY_API = 1
URL = "https://publisher.example/v{version}"

@hookimpl
def components():
    release = Release(
        url=URL + "/hello-{version}-{os}-{arch}.tar.gz",
        sums=URL + "/SHA256SUMS",
        member="hello-{version}/hello",
    )
    return (Component(id="hello", program="hello", versions=VERSIONS, sources=(release,)),)

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "serve"))
"""


WHEEL = """
from booty import Component, Launch, Wheel, hookimpl
BOOTY_API = 1
DIGESTS = {}

@hookimpl
def components():
    wheel = Wheel(
        distribution="hello-bin", member="hello_bin/hello", digests=DIGESTS,
        platforms={"HERE": ("any",)}, python="3.12",
    )
    return (Component(id="hello", program="hello", versions=VERSIONS, sources=(wheel,)),)

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "serve"))
"""


def wheel(version: str) -> bytes:
    """Return a wheel that carries the program."""
    info = f"hello_bin-{version}.dist-info"
    files = {
        "hello_bin/hello": SCRIPT.format(version=version),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: hello-bin\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in files.items():
            one = zipfile.ZipInfo(name)
            one.external_attr = 0o100755 << 16
            packed.writestr(one, text)
    return out.getvalue()


def archive(version: str, entries: dict[str, bytes] | None = None) -> bytes:
    """Return the publisher's archive of a version: a top folder, the program, another tool."""
    script = SCRIPT.format(version=version).encode()
    inside = {"hello": script, "hello-tool": script.replace(b"hello ", b"tool of ")}
    files = {f"hello-{version}/{name}": data for name, data in inside.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for name, data in (files if entries is None else entries).items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            packed.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Publisher:
    """Serves files.

    Attributes:
        files: by path.
        seen: what was asked for, heads included.
        dates: what is said of a file's age, by path.
        hold: a path whose download stops half way until :attr:`go` is set.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.dates: dict[str, str] = {}
        self.hold = ""
        self.half = threading.Event()
        self.go = threading.Event()
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _head(self) -> bytes | None:
                publisher.seen.append(f"{self.command} {self.path}")
                data = publisher.files.get(self.path)
                self.send_response(404 if data is None else 200)
                html = self.path.startswith("/simple/")
                self.send_header("Content-Type", "text/html" if html else "application/gzip")
                self.send_header("Content-Length", str(len(data or b"")))
                if self.path in publisher.dates:
                    self.send_header("Last-Modified", publisher.dates[self.path])
                self.end_headers()
                return data

            def do_HEAD(self) -> None:
                """Say whether a file is there."""
                self._head()

            def do_GET(self) -> None:
                """Serve a file."""
                data = self._head() or b""
                if self.path == publisher.hold:
                    self.wfile.write(data[: len(data) // 2])
                    publisher.half.set()
                    publisher.go.wait(60)
                    data = data[len(data) // 2 :]
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def path(self, version: str, platform: str = HERE) -> str:
        """Return the path of an archive."""
        return f"/publisher.example/v{version}/hello-{version}-{platform}.tar.gz"

    def publish(self, version: str, data: bytes | None = None) -> None:
        """Put a version in place, with sums for this platform and another one."""
        packed = archive(version) if data is None else data
        lines = ""
        for platform in (HERE, ELSEWHERE):
            path = self.path(version, platform)
            self.files[path] = packed
            lines += f"{hashlib.sha256(packed).hexdigest()}  {path.rpartition('/')[2]}\n"
        self.files[f"/publisher.example/v{version}/SHA256SUMS"] = lines.encode()

    def index(self, versions: Mapping[str, str | None]) -> str:
        """Be an index too: wheels of versions, each with why it was yanked; returns its URL."""
        links = ""
        for version, yanked in versions.items():
            name = f"hello_bin-{version}-py3-none-any.whl"
            self.files[f"/files/{name}"] = wheel(version)
            mark = "" if yanked is None else f' data-yanked="{yanked}"'
            links += f'<a href="/files/{name}"{mark}>{name}</a><br>\n'
        page = f"<!DOCTYPE html><html><body>{links}</body></html>"
        self.files["/simple/hello-bin/"] = page.encode()
        return f"{self.url}/simple"

    def close(self) -> None:
        """Stop serving."""
        self.go.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Hello(Case):
    """A stack whose provider is ``hello``, with his publisher behind a mirror.

    Args:
        root: the folder of the stack.
        publisher: who serves.
    """

    def __init__(self, root: Path, publisher: Publisher) -> None:
        super().__init__(root, root.parent / "home")
        self.publisher = publisher
        self.provide(VERSIONS)
        self.env["XDG_CONFIG_HOME"] = str(root.parent / "config")

    def provide(self, versions: tuple[str, ...], text: str = PROVIDER) -> None:
        """Install the provider that was tested with these versions."""
        place = self.root.parent / "installed"
        if not place.exists():
            install(place, "hello", "")
        digests = {f"{one}/{HERE}": hashlib.sha256(wheel(one)).hexdigest() for one in versions}
        text = text.replace("VERSIONS", repr(versions)).replace("HERE", HERE)
        (place / "hello_module.py").write_text(text.replace("DIGESTS = {}", f"DIGESTS = {digests}"))
        self.env["PYTHONPATH"] = str(place)
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"

    def write(self, text: str = '[services.main]\nuse = "hello"\n', name: str = "t",
              stack: str = "") -> None:  # fmt: skip
        """Write booty.toml, the publisher's address in it."""
        super().write(text, name, stack + f'mirrors = {{ "*" = "{self.publisher.url}" }}\n')

    def stored(self) -> list[str]:
        """Return the versions of hello that the store holds whole."""
        store = self.root.parent / "home/store"
        return sorted(one.parts[-3] for one in store.glob("hello/*/*/entry.json"))

    def lock(self) -> str:
        """Return the text of booty.lock."""
        return (self.root / "booty.lock").read_text()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A publisher with both versions."""
    one = Publisher()
    for version in VERSIONS:
        one.publish(version)
    yield one
    one.close()


@pytest.fixture
def hello(tmp_path: Path, publisher: Publisher) -> Iterator[Hello]:
    """A stack that runs hello; nothing of it outlives the test."""
    made = Hello(tmp_path / "stack", publisher)
    made.write()
    yield made
    made.end()
