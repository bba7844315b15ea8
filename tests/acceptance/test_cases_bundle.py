"""A bundle: made where there is a network, used where there is none, judged by booty.lock."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from booty.fetch import Store
from booty.model.plan import Artifact
from conftest_hello import ELSEWHERE, HERE, SCRIPT, Hello
from disks import fill, mount, unmount

ALONE = """
import fcntl, os, socket, struct, sys
link = socket.socket()
fcntl.ioctl(link, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
try:
    socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error:
    assert error.errno == 101, error  # no route to anywhere
os.execv(sys.argv[1], sys.argv[1:])
"""


BUILT = """
from booty import Component, GoInstall, Launch, hookimpl
BOOTY_API = 1

@hookimpl
def components():
    sources = (GoInstall(module="module.example/built"),)
    return (Component(id="hello", program="hello", versions=("0.0.2",), sources=sources),)

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "serve"))
"""


OWN_WAY = (
    BUILT.replace(
        "import Component, GoInstall, Launch", "import Artifact, Component, Launch"
    ).replace('sources = (GoInstall(module="module.example/built"),)', "sources = ()")
    + """
@hookimpl
def fetch(wish):
    from pathlib import Path
    from booty import Platform, paths
    from booty.fetch import Store
    with Path("called").open("a") as file:
        file.write("once more")
    def fill(into):
        (into / "hello").write_text("#!/bin/sh\\nexec sleep 600")
        (into / "hello").chmod(0o755)
        return "hello"
    artifact = Artifact(
        key=wish.key, program="hello", version=wish.version, platform=str(Platform.current()),
        source="signed-mirror", url="https://mirror.example/hello", digest="6" * 64, size=9,
        trust="full chain",
    )
    return Store(paths.store()).install(artifact, fill)
"""
)


@pytest.fixture
def bundle(hello: Hello) -> Path:
    """A bundle of the stack for this machine and another one."""
    hello.run("bundle", "hello.tar", "--no-wheels", "--platform", HERE, "--platform", ELSEWHERE)
    return hello.root / "hello.tar"


def elsewhere(hello: Hello) -> None:
    """Go on as on another machine, where every way out leads to the publisher, who has nothing."""
    hello.env["BOOTY_HOME"] = str(hello.root.parent / "elsewhere")
    ways = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    hello.env |= dict.fromkeys((*ways, "PIP_INDEX_URL", "PIP_FIND_LINKS"), hello.publisher.url)
    hello.publisher.files.clear()
    hello.publisher.seen.clear()


def refused(hello: Hello, *words: str, status: int | None) -> dict[str, Any]:
    """Run a command that fails; returns what it says."""
    done = hello.run(*words, "--json", status=status)
    found: dict[str, Any] = json.loads(done.stdout)["error"]
    return found


def test_up_from_a_bundle_asks_nobody(hello: Hello, bundle: Path) -> None:
    """The stack comes up from the bundle alone, by the lock as it stands: no connection at all."""
    lock = hello.lock()
    elsewhere(hello)
    hello.run("up", "-d", "--frozen", "--bundle", str(bundle))
    row = json.loads(hello.run("store", "ls", "--json").stdout)["programs"][0]
    hello.run("down")
    hello.run("up", "-d")
    hello.ps()
    hello.run("down")
    hello.run("destroy", "--yes", "t")
    seen = list(hello.publisher.seen)

    assert seen == []
    assert hello.lock() == lock
    assert (row["source"], row["trust"]) == ("release", "publisher's sums file")
    assert row["users"][0]["stack"] == "t"
    assert list((hello.root.parent / "elsewhere/cache/downloads").iterdir()) == []


def test_the_same_bytes_each_time(hello: Hello, bundle: Path) -> None:
    """What is bundled again is the same file, and it says nothing of this machine."""
    first = bundle.read_bytes()
    words = ("--no-wheels", "--platform", ELSEWHERE, "--platform", HERE, "--json")
    said = json.loads(hello.run("bundle", "hello.tar", *words).stdout)
    with tarfile.open(bundle) as opened:
        names = opened.getnames()

    assert bundle.read_bytes() == first
    assert [one["platform"] for one in said["programs"]] == sorted([HERE, ELSEWHERE])
    assert str(hello.root).encode() not in first
    assert hello.publisher.url.encode() not in first.replace(
        (hello.root / "booty.toml").read_bytes(), b""
    )
    assert [one for one in names if one.startswith("stack/")] == [
        "stack/booty.lock",
        "stack/booty.toml",
    ]


def test_a_folder_serves_as_well(hello: Hello, bundle: Path, tmp_path: Path) -> None:
    """Unpacked by tar, with its own copy of the stack: the same."""
    place = tmp_path / "unpacked"
    place.mkdir()
    subprocess.run(["tar", "-xf", bundle, "-C", place], check=True)
    elsewhere(hello)
    hello.run("fetch", "--frozen", "--bundle", str(place), cwd=place / "stack")

    assert hello.publisher.seen == []


@pytest.mark.parametrize("what", ["a byte", "another file", "no program", "cut", "an export"])
def test_what_is_not_what_the_lock_says_is_refused(hello: Hello, bundle: Path, what: str) -> None:
    """The bundle's own word counts for nothing: refused by what booty.lock says."""
    entry = json.loads(hello.run("fetch", "--json").stdout)["artifacts"][0]
    digest, data = entry["digest"], bundle.read_bytes()
    offset = data.index(b"\x1f\x8b\x08")
    if what == "a byte":
        bundle.write_bytes(data[: offset + 40] + b"\xff" + data[offset + 41 :])
    elif what == "cut":
        bundle.write_bytes(data[: offset + 40])
    elif what == "an export":
        hello.run("store", "export", bundle.name)
    else:
        repacked(bundle, digest, None if what == "no program" else b"evil")
    elsewhere(hello)
    status, reference = {
        "a byte": (6, "digest-mismatch"),
        "another file": (6, "digest-mismatch"),
        "no program": (5, "no-source"),
        "cut": (5, "parcel-unreadable"),
        "an export": (5, "not-a-bundle"),
    }[what]
    said = refused(hello, "up", "-d", "--bundle", bundle.name, status=status)

    assert said["reference"] == reference, said
    assert list((hello.root.parent / "elsewhere/store").glob("hello/*/*/entry.json")) == []
    assert hello.publisher.seen == []


def repacked(bundle: Path, digest: str, content: bytes | None) -> None:
    """Write a bundle anew, a program's file replaced or left out."""
    place = bundle.parent / "repacked"
    place.mkdir()
    subprocess.run(["tar", "-xf", bundle, "-C", place], check=True)
    for file in (place / "programs" / digest).iterdir():
        file.unlink() if content is None else file.write_bytes(content)
    subprocess.run(
        ["tar", "-cf", bundle, "-C", place, *(p.name for p in place.iterdir())], check=True
    )


def test_without_a_lock_nothing_vouches(hello: Hello, bundle: Path) -> None:
    """A bundle whose stack came without booty.lock is not believed."""
    (hello.root / "booty.lock").unlink()
    elsewhere(hello)
    said = refused(hello, "up", "-d", "--bundle", bundle.name, status=5)

    assert "neither booty.lock nor the provider names its digest" in said["message"]
    assert hello.publisher.seen == []


@pytest.fixture
def built(hello: Hello) -> Path:
    """A bundle of a program that was built here: nobody vouches for a file of it."""
    (hello.root.parent / "installed/hello_module.py").write_text(BUILT)
    store = Store(hello.root.parent / "home/store")
    made = Artifact(
        key="hello@0.0.2", program="hello", version="0.0.2", platform=HERE, source="go",
        url="go:module.example/built@v0.0.2", digest="5" * 64, size=7, trust="Go checksum database",
        module="module.example/built v0.0.2", h1="h1:…", toolchain="go1.26.8",
    )  # fmt: skip

    def fill(into: Path) -> str:
        (into / "bin").mkdir()
        (into / "bin/hello").write_text(SCRIPT.format(version="0.0.2"))
        (into / "bin/hello").chmod(0o755)
        (into / "link").symlink_to("bin/hello")
        return "bin/hello"

    store.install(made, fill)
    hello.run("bundle", "hello.tar", "--no-wheels")
    return hello.root / "hello.tar"


def test_a_program_that_was_built_goes_along(hello: Hello, built: Path) -> None:
    """Packed as it is, locked by the sha256 of that, the same bytes there without a toolchain."""
    first, lock = built.read_bytes(), hello.lock()
    hello.run("bundle", "hello.tar", "--no-wheels")
    again = built.read_bytes()
    elsewhere(hello)
    hello.run("up", "-d", "--frozen", "--bundle", built.name)
    row = json.loads(hello.run("store", "ls", "--json").stdout)["programs"][0]
    place = hello.root.parent / "elsewhere/store" / row["path"]

    assert again == first
    assert 'packed = "' in lock
    assert hello.lock() == lock
    assert (row["source"], row["toolchain"]) == ("go", "go1.26.8")
    assert row["trust"] == "Go checksum database"
    assert (place / "link").readlink() == Path("bin/hello")
    assert (place / "bin/hello").stat().st_mode & 0o777 == 0o555
    assert hello.ps()["main.0"]["state"] == "ready"


def test_what_a_provider_fetches_by_itself_goes_along(hello: Hello) -> None:
    """A provider's own way to a program is asked when the bundle is made, never when it is used."""
    (hello.root.parent / "installed/hello_module.py").write_text(OWN_WAY)
    hello.run("bundle", "hello.tar", "--no-wheels")
    (hello.root / "called").unlink()
    elsewhere(hello)
    hello.run("fetch", "--frozen", "--bundle", "hello.tar")
    row = json.loads(hello.run("store", "ls", "--json").stdout)["programs"][0]

    assert not (hello.root / "called").exists()
    assert (row["source"], row["trust"]) == ("signed-mirror", "full chain")


@pytest.mark.parametrize("what", ["a byte", "not locked"])
def test_a_built_program_is_judged_by_the_lock(hello: Hello, built: Path, what: str) -> None:
    """Another byte than was locked, or a lock that knows nothing of it: refused."""
    if what == "a byte":
        data = built.read_bytes()
        built.write_bytes(data.replace(b"0.0.2 serves", b"0.0.2 swerve"))
    else:
        lines = hello.lock().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("packed")]
        (hello.root / "booty.lock").write_text("".join(kept))
    elsewhere(hello)
    status = 6 if what == "a byte" else 5
    said = refused(hello, "up", "-d", "--bundle", built.name, status=status)

    assert said["reference"] == ("digest-mismatch" if what == "a byte" else "no-source")
    assert list((hello.root.parent / "elsewhere/store").glob("hello/*/*/entry.json")) == []


def test_what_cannot_be_bundled_is_said(hello: Hello) -> None:
    """A platform that nobody has, a word that is none, a program of one's own: no file."""
    nobody = refused(
        hello, "bundle", "x.tar", "--no-wheels", "--platform", "linux-riscv64", status=None
    )
    wrong = refused(hello, "bundle", "x.tar", "--no-wheels", "--platform", "amiga", status=3)
    file = hello.root / "booty.toml"
    text = file.read_text()
    file.write_text(text.replace("http://", "http://me:canary@"))
    secret = refused(hello, "bundle", "x.tar", "--no-wheels", status=5)
    (hello.root.parent / "outside.toml").write_text("")
    file.write_text(f'include = ["../outside.toml"]\n{text}')
    outside = refused(hello, "bundle", "x.tar", "--no-wheels", status=5)
    hello.write('[services.main]\nuse = "hello"\nbinary = "/bin/true"\n')
    own = refused(hello, "bundle", "x.tar", "--no-wheels", status=5)

    assert nobody["status"] in {5, 6}  # the publisher's sums name it, or they do not
    assert "linux-riscv64" in nobody["message"]
    assert wrong["reference"] == "no-platform"
    assert {one["reference"] for one in (own, secret, outside)} == {"not-bundled"}
    assert "a user in it" in secret["message"]
    assert "canary" not in json.dumps(secret)
    assert "outside" in outside["message"]
    assert not list(hello.root.glob("*x.tar*"))


def test_where_it_cannot_be_written(hello: Hello) -> None:
    """A folder that is not there is said; what somebody who was killed left beside it goes."""
    said = refused(hello, "bundle", "nowhere/x.tar", "--no-wheels", status=5)
    killed = subprocess.Popen(["true"])
    killed.wait()
    left = hello.root / f".x.tar.{killed.pid}.gathering"
    left.mkdir()
    (left / "half").write_bytes(b"x")
    hello.run("bundle", "x.tar", "--no-wheels")

    assert said["reference"] == "parcel-unwritable"
    assert not left.exists()
    assert list(hello.root.glob("*x.tar*")) == [hello.root / "x.tar"]


def test_a_machine_without_any_network(hello: Hello, bundle: Path) -> None:
    """In a network namespace with no way out: up from the bundle, and everything works."""
    alone = ["unshare", "-rn", sys.executable, "-c", ALONE]
    tried = subprocess.run([*alone, "/bin/true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no network namespace here: {tried.stderr.splitlines()[-1:]}")
    elsewhere(hello)
    hello.command = [*alone, *hello.command]
    hello.run("up", "-d", "--bundle", bundle.name)
    hello.run("restart", "main")
    state = hello.ps()["main.0"]["state"]
    hello.run("down")

    assert state == "ready"


@pytest.mark.parametrize("what", ["the store", "the bundle", "an export"])
def test_a_full_disk(hello: Hello, bundle: Path, tmp_path: Path, what: str) -> None:
    """No room for the store, or for the file: one sentence, exit status 5, nothing half is left."""
    small = tmp_path / "small"
    mount(small, "size=256k")
    try:
        if what == "the store":
            hello.env["BOOTY_HOME"] = str(small / "home")
            fill(small, 8192)
            words: tuple[str, ...] = ("fetch", "--bundle", str(bundle))
        else:
            hello.run("fetch")
            fill(small)
            given = ("bundle", "--no-wheels") if what == "the bundle" else ("store", "export")
            words = (*given, str(small / "x.tar"))
        said = refused(hello, *words, status=5)
        files = [one for one in small.rglob("*") if one.is_file() and one.name != "fill"]
        left = [one.name for one in files if one.stat().st_size]
    finally:
        unmount(small)

    assert said["reference"] in {"store-unwritable", "parcel-unwritable"}
    assert not [name for name in left if "tar" in name or name == "entry.json"]


def test_programs_in_the_store_are_completed(hello: Hello) -> None:
    """A shell completes what can be said for a program of the store, and common platforms."""
    hello.run("fetch", "hello@0.0.1", "hello@0.0.2")

    def completed(words: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        done = hello.run(COMP_WORDS=words, COMP_CWORD=count, _BOOTY_COMPLETE="bash_complete")
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("booty store rm he") == ["hello", "hello@0.0.1", "hello@0.0.2"]
    assert completed("booty store verify hello@") == ["hello@0.0.1", "hello@0.0.2"]
    assert "linux-arm64" in completed("booty bundle x.tar --platform linux")
