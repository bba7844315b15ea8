"""Programs out of Debian packages, from a signed repository in a folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from booty import ArtifactWish, Component, Deb, Platform
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Progress, Store, ensure, outlooks
from booty.fetch.request import Look
from booty.model.plan import Artifact
from conftest_fetch import HERE

TOOLS = ("apt-get", "dpkg-deb", "gpg", "gpgv")
needs_apt = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)} on PATH"
)
PROGRAM = '#!/bin/sh\necho "$0 $1 $LD_LIBRARY_PATH"\n'
RELEASE = """Origin: test
Suite: test
Date: Thu, 01 Jan 2026 00:00:00 UTC
SHA256:
 {digest} {size} Packages
"""


class Repository:
    """A repository of packages, as a publisher would sign it.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder = folder
        self.keys = keys
        self.entries: dict[str, str] = {}
        folder.mkdir()

    def gpg(self, *arguments: str) -> None:
        """Run gpg with keys of its own."""
        argv = ["gpg", "--homedir", str(self.keys), "--batch", "--quiet", "--yes", *arguments]
        subprocess.run(argv, check=True, capture_output=True)

    def put(
        self, name: str, version: str, files: dict[str, str], section: str, depends: str = ""
    ) -> Path:
        """Build a package; it is listed when the repository is signed."""
        tree = self.folder / "tree"
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nSection: {section}\n"
        control += f"Maintainer: x <x@example.org>\nDescription: x\nDepends: {depends}\n"
        control = control.replace("Depends: \n", "")
        for path, text in {**files, "DEBIAN/control": control}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
            (tree / path).chmod(0o4755 if path.startswith("usr/bin") else 0o644)
        (tree / "usr").mkdir(exist_ok=True)
        (tree / "usr/out").symlink_to("/etc/passwd")
        deb = self.folder / f"{name}_{version.replace(':', '_')}.deb"
        build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(deb)]
        subprocess.run(build, check=True, capture_output=True)
        shutil.rmtree(tree)
        data = deb.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        place = f"Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {digest}\n"
        self.entries[f"{name} {version}"] = control + place
        return deb

    def sign(self) -> None:
        """Write the lists, and sign them."""
        text = "\n".join(self.entries.values())
        (self.folder / "Packages").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        release = self.folder / "Release"
        release.write_text(RELEASE.format(digest=digest, size=len(text.encode())))
        self.gpg("--clearsign", "-o", str(self.folder / "InRelease"), str(release))


@pytest.fixture(scope="session")
def keys() -> Iterator[Path]:
    """A key to sign with; a short path, since gpg listens on a socket there."""
    with tempfile.TemporaryDirectory(prefix="gpg") as name:
        folder = Path(name)
        gpg = ["gpg", "--homedir", name, "--batch", "--quiet", "--passphrase", ""]
        subprocess.run(
            [*gpg, "--quick-gen-key", "test", "ed25519"], check=True, capture_output=True
        )
        out = ["-o", str(folder / "public.gpg"), "--export", "test"]
        subprocess.run([*gpg, *out], check=True, capture_output=True)
        yield folder
        subprocess.run(["gpgconf", "--homedir", name, "--kill", "all"], check=False)


@pytest.fixture
def repository(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A signed repository with a tool, its library and a useless shell; the only source of apt."""
    one = Repository(tmp_path / "debs", keys)
    depends = "libtool9 (>= 1), adduser | sysuser, libc6"
    one.put("tool", "1:1.2.3+ds-1", {"usr/bin/tool": PROGRAM}, "net", depends)
    library = {"usr/lib/x86_64-linux-gnu/libtool.so.9": "x"}
    one.put("libtool9", "3.1-2", library, "libs", "libc6")
    for name in ("adduser", "libc6"):
        one.put(name, "9", {f"usr/share/{name}": "x"}, "libs" if name == "libc6" else "admin")
    one.sign()
    configure(tmp_path, monkeypatch, f"deb [signed-by={keys}/public.gpg] file:{one.folder} ./\n")
    return one


def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: str) -> None:
    """Let apt have these sources alone."""
    etc = tmp_path / "etc"
    (etc / "sources.list.d").mkdir(parents=True, exist_ok=True)
    (etc / "sources.list").write_text(sources)
    own = tmp_path / "apt.conf"
    own.write_text(f'Dir::Etc "{etc}";\nDir::Etc::parts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(own))


def wish(version: str = "1.2.3", **more: Any) -> ArtifactWish:
    """Return a wish for the tool out of its package."""
    source = Deb(packages=("tool",), member="usr/bin/tool", **more)
    component = Component(id="tool", program="tool", versions=(version,), sources=(source,))
    return ArtifactWish(key=f"tool@{version}", component=component, version=version)


def get(
    store: Store, asked: ArtifactWish, lock: Lock | None = None, **more: Any
) -> tuple[Artifact, Lock]:
    """Fetch, and check what came."""
    found, after = ensure([asked], platform=HERE, lock=lock or Lock(), store=store, **more)
    store.check(found[asked.key])
    return found[asked.key], after


@needs_apt
def test_a_package_with_its_libraries(repository: Repository, store: Store) -> None:
    """Unpacked with libraries alone, run with them in its path, no link out, no set-id bit."""
    artifact, lock = get(store, wish())

    place = store.root / artifact.path
    done = subprocess.run(
        [place / artifact.executable, "hello"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{place}/usr/bin/tool hello {place}/usr/lib/x86_64-linux-gnu\n"
    assert (place / "usr/bin/tool").stat().st_mode & 0o7777 == 0o555
    assert not (place / "usr/out").is_symlink()
    assert sorted(one.name for one in (place / "usr").iterdir()) == ["bin", "lib"]
    assert artifact.url == "deb:tool=1:1.2.3+ds-1"
    assert artifact.trust == "apt's signatures"
    assert artifact.url in lock.text()
    assert not list((store.root.parent / "cache" / "downloads").iterdir())


@needs_apt
def test_a_look(repository: Repository, store: Store) -> None:
    """A look gets no lists; where they are here it tells the size, and what is there instead."""
    before = look(store, wish())
    get(store, wish())
    after, other = look(store, wish()), look(store, wish("1.2.4"))

    assert (before.can, before.why, before.size) == (True, "its lists are not here yet", 0)
    assert after.can
    assert after.size == sum(one.stat().st_size for one in repository.folder.glob("*tool*.deb"))
    assert (other.can, other.why) == (False, "apt has tool 1.2.3 only")


def look(store: Store, asked: ArtifactWish) -> Look:
    """Return what the package's source says."""
    (found,) = outlooks([asked], platform=HERE, lock=Lock(), store=store, mirrors={})
    return found.look


@needs_apt
def test_another_version(repository: Repository, store: Store) -> None:
    """A suite that has another version is refused, and says what it has."""
    with pytest.raises(FetchError, match=r"deb: apt has tool 1\.2\.3 only"):
        get(store, wish("1.2.4"))


@needs_apt
def test_the_suite_moves_on(repository: Repository, store: Store) -> None:
    """Another package of the same version: the lock's table follows, but where nothing may."""
    first, lock = get(store, wish())
    store.remove(first)
    (repository.folder / "tool_1_1.2.3+ds-1.deb").unlink()
    del repository.entries["tool 1:1.2.3+ds-1"]
    repository.put("tool", "1:1.2.3+ds-1+u1", {"usr/bin/tool": PROGRAM}, "net")
    repository.sign()
    shutil.rmtree(store.root.parent / "cache")

    with pytest.raises(FetchError, match=r"ds-1\+u1 now, booty\.lock says tool=1:1\.2\.3\+ds-1"):
        get(store, wish(), lock, keep_to_lock=True)
    told: list[Progress] = []
    second, after = get(store, wish(), lock, tell=told.append)
    assert [one.note for one in told if one.phase == "warning"] == [
        "apt has tool=1:1.2.3+ds-1+u1 now, booty.lock says tool=1:1.2.3+ds-1: it follows"
    ]
    assert second.url == "deb:tool=1:1.2.3+ds-1+u1"
    assert second.executable == "usr/bin/tool"
    assert [one.digest for one in after.of("tool@1.2.3", str(HERE))] == [second.digest]


@needs_apt
def test_not_signed(
    repository: Repository, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository without a signature gives nothing, also where apt is told to trust it."""
    (repository.folder / "InRelease").unlink()
    for option, why in (("", "is not signed"), ("[trusted=yes] ", "apt has tool none only")):
        configure(tmp_path, monkeypatch, f"deb {option}file:{repository.folder} ./\n")
        with pytest.raises(FetchError, match=why):
            get(store, wish())


@needs_apt
def test_another_file_than_listed(repository: Repository, store: Store) -> None:
    """A package that is not what the signed list says: exit 6, nothing kept."""
    deb = repository.folder / "tool_1_1.2.3+ds-1.deb"
    data = bytearray(deb.read_bytes())
    data[-700] ^= 1
    deb.write_bytes(data)

    with pytest.raises(VerifyError, match="Hash Sum mismatch"):
        get(store, wish())
    assert store.list() == []
    assert not list((store.root.parent / "cache" / "downloads").iterdir())


def test_no_apt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no apt, or it is another machine's, it says so."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(FetchError, match=r"deb: .*(no Debian or Ubuntu|no packages for)"):
        get(store, wish())
    there = Platform("linux", "s390x")
    with pytest.raises(FetchError, match="deb: apt here has no packages for linux-s390x"):
        ensure([wish()], platform=there, lock=Lock(), store=store)
