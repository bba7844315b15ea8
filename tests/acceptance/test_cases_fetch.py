"""Cases A1 to A8 and A11 of a component manager, in booty's words: install is `fetch NAME@V`.

Uninstall is `store rm`, latest `lock --upgrade`; A12 is with the other upgrades.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest_cases import until
from conftest_hello import Hello, Publisher, archive

BIG = 48 << 20


def stored(hello: Hello) -> list[Path]:
    """Return all that lies in the store but locks and marks of it."""
    store = hello.root.parent / "home/store"
    found = [one for one in store.rglob("*") if one.is_file()]
    return [one for one in found if not one.relative_to(store).parts[0].startswith(".")]


def error(hello: Hello, *words: str, status: int) -> dict[str, Any]:
    """Run a command that fails; returns what it says."""
    found: dict[str, Any] = json.loads(hello.run(*words, "--json", status=status).stdout)["error"]
    return found


def test_a1_nothing_is_written(hello: Hello, tmp_path: Path) -> None:
    """A1: version and help work on an empty machine and write no file."""
    empty = tmp_path / "empty"
    empty.mkdir()
    own = {"HOME": str(empty), "BOOTY_HOME": str(empty / "home")}
    assert hello.run("--version", cwd=empty, **own).stdout.startswith("booty")
    assert "Commands:" in hello.run("--help", cwd=empty, **own).stdout

    assert list(empty.rglob("*")) == []


def test_a2_the_newest_is_installed(hello: Hello) -> None:
    """A2: without a version the newest tested one comes, and can be executed."""
    hello.run("fetch", "hello")
    assert hello.stored() == ["0.0.2"]
    path = Path(hello.run("which", "hello").stdout.strip())
    assert os.access(path, os.X_OK)
    assert path.name == "hello"


def test_a3_a4_several_versions(hello: Hello, publisher: Publisher) -> None:
    """A3, A4: two versions side by side; again is no download; one goes, the other stays."""
    both = ("fetch", "hello@0.0.1", "hello@0.0.2")
    hello.run(*both)
    assert hello.stored() == ["0.0.1", "0.0.2"]
    publisher.seen.clear()
    again = hello.run(*both)
    assert publisher.seen == []
    assert again.stdout.count("was there") == 2

    hello.write('[services.none]\nuse = "program"\nrun = "true"\n')
    hello.run("store", "rm", "hello@0.0.1")
    assert hello.stored() == ["0.0.2"]
    unknown = error(hello, "store", "rm", "hello@0.0.9", status=3)
    assert "hello@0.0.9" in unknown["message"]
    assert hello.stored() == ["0.0.2"]


def test_a5_what_runs_is_not_removed(hello: Hello) -> None:
    """A5: a version that a stack runs on is kept; the stack is named."""
    hello.run("up", "-d")
    found = error(hello, "store", "rm", "--yes", "hello@0.0.2", status=10)
    assert found["reference"] == "store-in-use"
    assert '"t"' in found["message"]
    assert str(hello.root) in found["message"]
    assert hello.stored() == ["0.0.2"]


def test_a6_killed_half_way(hello: Hello, publisher: Publisher) -> None:
    """A6: killed at half of the download and while it unpacks: never installed but broken."""
    entries = {"hello-0.0.2/more": os.urandom(BIG)}
    with tarfile.open(fileobj=io.BytesIO(archive("0.0.2"))) as packed:
        for one in packed:
            entries[one.name] = packed.extractfile(one).read()  # type: ignore[union-attr]  # files
    publisher.publish("0.0.2", plain(entries))
    publisher.hold = publisher.path("0.0.2")
    half = hello.start("fetch", "hello@0.0.2")
    assert publisher.half.wait(60)
    half.kill()
    half.communicate()
    publisher.hold = ""
    publisher.go.set()
    assert hello.stored() == []

    staged = hello.root.parent / "home/store/hello/0.0.2"
    unpacks = hello.start("fetch", "hello@0.0.2")
    until(lambda: list(staged.glob(".new-*/hello-0.0.2/more")) or unpacks.poll() is not None)
    unpacks.send_signal(signal.SIGKILL)
    unpacks.communicate()
    assert hello.stored() in ([], ["0.0.2"])
    assert "hello@0.0.2" not in hello.run("store", "ls").stdout or hello.stored() == ["0.0.2"]

    hello.run("fetch", "hello@0.0.2")
    assert hello.run("run-tool", "hello@0.0.2").stdout == "hello 0.0.2\n"
    assert not list(staged.glob(".new-*"))


def plain(entries: dict[str, bytes]) -> bytes:
    """Return an archive that is not compressed: what cannot be made smaller is packed at once."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            packed.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_a7_offline(hello: Hello) -> None:
    """A7: once all is installed nobody is asked: up, ps, down, destroy without one connection."""
    hello.run("fetch")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PIP_INDEX_URL", "GOPROXY")
        hello.env |= dict.fromkeys((*names, *(one.lower() for one in names[:3])), url)
        file = hello.root / "booty.toml"
        file.write_text(file.read_text().replace(hello.publisher.url, url))
        for words in (("up", "-d"), ("ps",), ("down",), ("up", "-d"), ("destroy", "--yes", "t")):
            hello.run(*words)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a8_one_byte(hello: Hello, publisher: Publisher) -> None:
    """A8: one altered byte: exit 6, both hashes shown, nothing left."""
    path = publisher.path("0.0.2")
    good = publisher.files[path]
    publisher.files[path] = good[:-9] + bytes([good[-9] ^ 1]) + good[-8:]
    found = error(hello, "fetch", "hello@0.0.2", status=6)
    for data in (good, publisher.files[path]):
        assert hashlib.sha256(data).hexdigest() in found["message"]
    assert stored(hello) == []
    assert list((hello.root.parent / "home/cache/downloads").glob("*")) == []


@pytest.mark.parametrize("what", ["up", "absolute", "link", "bomb"])
def test_a11_hostile_archives(hello: Hello, publisher: Publisher, what: str) -> None:
    """A11: what leads out of its folder, or would fill the disk: refused, nothing anywhere."""
    mark = hello.root.parent / "outside"
    infos = {
        "up": tarfile.TarInfo("hello-0.0.2/../../../../../outside"),
        "absolute": tarfile.TarInfo(str(mark)),
        "link": tarfile.TarInfo("hello-0.0.2/link"),
        "bomb": tarfile.TarInfo("hello-0.0.2/zeros"),
    }
    info = infos[what]
    if what == "link":
        info.type, info.linkname = tarfile.SYMTYPE, str(mark)
    if what == "bomb":
        info.size = 10 << 30
    publisher.publish("0.0.2", info.tobuf() + bytes(1024))
    found = error(hello, "fetch", "hello@0.0.2", status=6)

    assert found["reference"] == "hostile-archive"
    assert stored(hello) == []
    assert not mark.exists()
