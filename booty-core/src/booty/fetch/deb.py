"""``Deb``: Debian packages, downloaded by apt and unpacked; never installed."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booty import paths
from booty.errors import FetchError, VerifyError
from booty.fetch import executable
from booty.fetch.apt import SOON, Apt, Package, missing
from booty.fetch.integrity import sha256_of
from booty.fetch.progress import Progress
from booty.fetch.request import Look, Refused, Request
from booty.model.plan import Artifact
from booty.model.platform import Platform

if TYPE_CHECKING:
    from booty.model.source import Deb

__all__ = ["DebDriver"]

TRUST: Final = "apt's signatures"
ANSWER: Final = 120.0
"""Seconds that unpacking one package may take."""
LAUNCH: Final = "launch"
"""Folder of the scripts by which programs find their libraries."""
_SECTIONS: Final = frozenset(("libs", "oldlibs"))
_SYSTEM: Final = frozenset(("libc6", "libc6-dev", "libc-bin", "locales"))
"""The loader and the C library come from the system: they belong together, and to its kernel."""
_LIBRARY: Final = re.compile(r"\.so(\.\d+)*$")
_URL: Final = re.compile(r"deb:([^=]+)=(\S+)")
_SCRIPT: Final = """#!/bin/sh
here=$(readlink -f -- "$0")
here=${{here%/*/*}}
LD_LIBRARY_PATH={libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
export LD_LIBRARY_PATH
exec "$here/{program}" "$@"
"""


class DebDriver:
    """Gets programs out of Debian packages."""

    def probe(self, source: Deb, request: Request) -> None:
        """See that there is an apt, for this machine."""
        if request.platform != Platform.current() or request.platform.os != "linux":
            raise Refused(f"apt here has no packages for {request.platform}")
        if why := missing():
            raise Refused(why)

    def get(self, source: Deb, request: Request) -> Artifact:
        """Download the packages with their libraries, verify, unpack."""

        def hear(note: str) -> None:
            key = request.wish.key
            request.tell(Progress(key=key, phase="downloading", source=source.name, note=note))

        locked = request.store.locked("apt", pause=request.stop.wait)
        with locked, _folder(request) as folder:
            apt = Apt(paths.cache() / "apt", request.stop, hear)
            chosen = _downloaded(apt, source, request, folder, hear)
            main = next(one for one in chosen if one.name == source.packages[0])
            _keep_to_lock(main, request)
            artifact = Artifact(
                key=request.wish.key,
                program=request.wish.component.program,
                version=request.wish.version,
                platform=str(request.platform),
                source=source.name,
                url=f"deb:{main.exact}",
                digest=main.sha256,
                size=sum(one.size for one in chosen),
                trust=TRUST,
            )
            request.tell(Progress(key=artifact.key, phase="unpacking", source=source.name))
            files = sorted(folder.glob("*.deb"))
            return request.store.install(artifact, lambda into: _fill(source, request, files, into))

    def look(self, source: Deb, request: Request) -> Look:
        """Look at the lists that are here: getting new ones is no look."""
        apt = Apt(paths.cache() / "apt", request.stop, lambda _: None)
        try:
            self.probe(source, request)
            if not apt.listed:
                return Look(can=True, why="its lists are not here yet", trust=TRUST)
            chosen = _chosen(apt, source, request)
        except Refused as error:
            return Look(can=False, why=str(error), trust=TRUST)
        return Look(can=True, trust=TRUST, size=sum(one.size for one in chosen))


@contextmanager
def _folder(request: Request) -> Iterator[Path]:
    prefix = f"deb-{request.wish.key.replace('/', '_')}-"
    request.downloads.mkdir(parents=True, exist_ok=True)
    for killed in request.downloads.glob(f"{prefix}*"):
        shutil.rmtree(killed, ignore_errors=True)  # the key's lock is ours: nobody is at it
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=request.downloads, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _downloaded(
    apt: Apt, source: Deb, request: Request, folder: Path, hear: Callable[[str], None]
) -> tuple[Package, ...]:
    apt.update()
    try:
        chosen = _chosen(apt, source, request)
        hear(f"{len(chosen)} packages, {sum(one.size for one in chosen) / 1e6:.1f} MB")
        apt.download(chosen, folder)
    except Refused:
        if not apt.update(SOON):
            raise
        return _downloaded(apt, source, request, folder, hear)  # the lists were old
    found = {sha256_of(one) for one in folder.glob("*.deb")}
    for one in chosen:
        if one.sha256 not in found:
            raise VerifyError(
                f'cannot trust "{one.exact}": apt gave another file than its list names',
                reference="digest-mismatch",
                subject=request.wish.key,
                hint="nothing of it was kept",
            )
    return chosen


def _chosen(apt: Apt, source: Deb, request: Request) -> tuple[Package, ...]:
    main, *rest = source.packages
    exact = _exact(source, request, apt)
    beside = [f"{name}={exact}" if exact in apt.versions(name) else name for name in rest]
    return _reached(apt.closure((f"{main}={exact}", *beside)), source.packages)


def _exact(source: Deb, request: Request, apt: Apt) -> str:
    by_version = {one: _upstream(source, one) for one in apt.versions(source.packages[0])}
    fitting = [one for one, upstream in by_version.items() if upstream == request.wish.version]
    if not fitting:
        have = ", ".join(dict.fromkeys(by_version.values())) or "none"
        told = f" ({apt.complaint})" if apt.complaint else ""
        raise Refused(f"apt has {source.packages[0]} {have} only{told}")
    locked = _URL.match(request.locked.url) if request.locked else None
    return locked[2] if locked and locked[2] in fitting else fitting[0]


def _upstream(source: Deb, version: str) -> str:
    found = re.match(source.version_pattern, version)
    return found[1] if found else version


def _reached(closure: Sequence[Package], wanted: Sequence[str]) -> tuple[Package, ...]:
    # what is wanted, and libraries all the way down; but no shell, perl or system of accounts
    known = {name: one for one in closure for name in (*one.provides, one.name)}
    reached: dict[str, Package] = {}
    queue = [known[name] for name in wanted if name in known]
    while queue:
        one = queue.pop()
        if one.name not in reached and one.name not in _SYSTEM:
            reached[one.name] = one
            below = (known[name] for name in one.depends if name in known)
            queue += [each for each in below if each.section in _SECTIONS]
    return tuple(reached[name] for name in sorted(reached))


def _keep_to_lock(main: Package, request: Request) -> None:
    # a suite moves on within a version: its table in the lock follows, but where nothing may
    locked = request.locked
    if locked is None or locked.digest == main.sha256:
        return
    why = f"apt has {main.exact} now, booty.lock says {locked.url.removeprefix('deb:')}"
    if request.keep_to_lock:
        raise Refused(why)
    request.tell(Progress(key=request.wish.key, phase="warning", note=f"{why}: it follows"))


def _fill(source: Deb, request: Request, debs: Sequence[Path], into: Path) -> str:
    for deb in debs:
        _extract(deb, into)
    _keep_inside(into)
    for name in (source.member, *source.also):
        if not (into / name).is_file():
            raise FetchError(
                f'cannot find "{name}" in the packages of {request.wish.key}',
                reference="member-missing",
                subject=request.wish.key,
                hint="the package's layout changed; update the provider",
            )
    executable.check(into / source.member, request.platform)
    libraries = _libraries(into)
    if not libraries:
        return source.member
    for name in (source.member, *source.also):
        _write_script(into, name, libraries)
    return f"{LAUNCH}/{Path(source.member).name}"


def _extract(deb: Path, into: Path) -> None:
    argv = ["dpkg-deb", "--extract", str(deb), str(into)]
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"dpkg-deb took more than {ANSWER:g} s") from error
    if done.returncode:
        full = os.strerror(errno.ENOSPC)
        if full in done.stderr:
            raise OSError(errno.ENOSPC, full)
        raise Refused(f"dpkg-deb: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}")


def _keep_inside(into: Path) -> None:
    # an entry of the store is whole by itself: absolute links become relative, or go
    links = [one for one in into.rglob("*") if one.is_symlink()]
    for path in links:
        target = path.readlink()
        if target.is_absolute():
            path.unlink()
            path.symlink_to(os.path.relpath(into / target.relative_to("/"), path.parent))
    for path in links:
        if not (path.exists() and path.resolve().is_relative_to(into.resolve())):
            path.unlink()


def _libraries(into: Path) -> list[str]:
    globs = ("usr/lib/*-linux-*", "lib/*-linux-*", "usr/lib", "lib")
    folders = [one for glob in globs for one in sorted(into.glob(glob)) if one.is_dir()]
    return [
        str(folder.relative_to(into))
        for folder in folders
        if any(_LIBRARY.search(one.name) for one in folder.iterdir())
    ]


def _write_script(into: Path, program: str, libraries: Sequence[str]) -> None:
    path = into / LAUNCH / Path(program).name
    path.parent.mkdir(exist_ok=True)
    places = ":".join(f'"$here"/{one}' for one in libraries)
    path.write_text(_SCRIPT.format(libraries=places, program=program))
    path.chmod(0o755)
