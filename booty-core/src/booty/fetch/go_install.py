"""``GoInstall``: the publisher's own module, built here, judged by what the toolchain wrote."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import evolve

from booty.fetch import _http, executable, go_judging, toolchain
from booty.fetch.go_build import Build, TooOld, proxies
from booty.fetch.lock import Locked
from booty.fetch.look import looked
from booty.fetch.progress import Progress
from booty.fetch.request import Look, Refused, Request, vouched
from booty.fetch.unreachable import reachable
from booty.model.plan import Artifact
from booty.model.platform import Platform

if TYPE_CHECKING:
    from booty.fetch.go_judging import BuildInfo
    from booty.model.source import GoInstall

__all__ = ["GoInstallDriver"]

PLATFORMS: Final = ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64")
DATABASE: Final = "Go checksum database"
RECORDED: Final = "recorded module sums"
OK: Final = 200
_URL: Final = re.compile(r"go:(\S+)@(\S+)")
_DAY: Final = re.compile(rb'"Time":\s*"(\d{4}-\d\d-\d\d)T')


class GoInstallDriver:
    """Builds programs out of Go modules."""

    def probe(self, source: GoInstall, request: Request) -> None:
        """See that there is a toolchain, something that vouches, and a proxy that answers."""
        if source.cgo:
            _compiles_c(request)
        settings = toolchain.settings(toolchain.outlook(source))
        _vouched_for(source, request, settings)
        first = _proxies(settings, request)[0]
        if first == "off":
            raise Refused("GOPROXY is off")
        if urlsplit(first).scheme in {"http", "https"}:
            why, remembered = reachable(first, anew=request.anew, note=not request.looks)
            if why:
                raise Refused(why, remembered=remembered)

    def look(self, source: GoInstall, request: Request) -> Look:
        """Ask the module proxy whether it has the version, and of which day it is."""
        trust = RECORDED if _recorded(source, request) else DATABASE
        try:
            self.probe(source, request)
            proxy, *others = _proxies(toolchain.settings(toolchain.outlook(source)), request)
            if urlsplit(proxy).scheme not in {"http", "https"}:
                return Look(can=True, trust=trust)
            path = re.sub("[A-Z]", lambda one: f"!{one[0].lower()}", source.module)
            seen = looked(f"{proxy}/{path}/@v/{_release(source, request)}.info", get=True)
        except (Refused, _http.Unreachable) as error:
            return Look(can=False, why=str(error), trust=trust)
        if seen.status != OK and not others:
            why = f"the module proxy says {seen.status}"
            return Look(can=False, why=why, trust=trust, gone=True)
        day = _DAY.search(seen.body)
        return Look(can=True, trust=trust, date=day[1].decode() if day else "")

    def get(self, source: GoInstall, request: Request) -> Artifact:
        """Build it, judge it, put it into the store."""

        def waits() -> None:
            note = "another program is built"
            request.tell(Progress(key=request.wish.key, phase="waiting", note=note))

        # one at a time: each takes every processor and up to some gigabytes of memory
        locked = request.store.locked("go-build", waits, request.stop.wait)
        with locked, _folder(request) as folder:
            request.stop.check()
            build = _built(source, request, folder)
            artifact = _artifact(build, go_judging.judged(build))
            return request.store.install(artifact, lambda into: _fill(build, into))

    def others(self, source: GoInstall, request: Request) -> Mapping[str, Locked]:
        """Say that the same modules make the program of every platform, but where C is compiled."""
        found = request.store.find(request.wish.key, str(request.platform), source=source.name)
        if source.cgo or found is None:
            return {}
        entry = Locked(
            source=source.name,
            url=found.url,
            digest=found.digest,
            trust=found.trust,
            module=found.module,
            h1=found.h1,
            toolchain=found.toolchain,
        )
        return dict.fromkeys(set(PLATFORMS) - {str(request.platform)}, entry)


def _release(source: GoInstall, request: Request) -> str:
    # as with wheels: a newer provider may know a newer build of the same program
    locked = _URL.match(request.locked.url) if request.locked else None
    if locked and locked[1] == source.module:
        return locked[2]
    version = request.wish.version
    return source.releases.get(version) or source.tag.format(version=version)


def _recorded(source: GoInstall, request: Request) -> str:
    return source.sums.get(f"{source.module} {_release(source, request)}", "")


def _vouched_for(source: GoInstall, request: Request, settings: Mapping[str, str]) -> None:
    recorded = _recorded(source, request)
    vouched(request, go_judging.Dependency(source.module, "", recorded).digest)
    why = toolchain.unvouched(settings, source.module)
    if why and not recorded:
        raise Refused(f"nothing would vouch for it: {why}")


def _proxies(settings: Mapping[str, str], request: Request) -> list[str]:
    mirrored = proxies(settings["GOPROXY"], request.mirrors)
    return [one.strip().rstrip("/") for one in re.split(r"[,|]", mirrored)]


def _compiles_c(request: Request) -> None:
    if request.platform != Platform.current():
        raise Refused(f"it needs a C compiler for {request.platform}")
    if not shutil.which(os.environ.get("CC", "cc")):
        raise Refused("it needs a C compiler, and there is none on PATH")


@contextmanager
def _folder(request: Request) -> Iterator[Path]:
    prefix = f"go-{request.wish.key.replace('/', '_')}-"
    request.downloads.mkdir(parents=True, exist_ok=True)
    for killed in request.downloads.glob(f"{prefix}*"):
        _remove(killed)  # the key's lock is ours: nobody is at it
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=request.downloads))
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    # a toolchain that the go command got by itself may be read-only
    for path, _, _ in os.walk(folder):
        with suppress(OSError):
            Path(path).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _built(source: GoInstall, request: Request, folder: Path) -> Build:
    build = _begin(source, request, folder)
    try:
        build.run()
    except TooOld as error:  # than its modules say: the declaration did not know
        newer = evolve(source, needs=error.needs)
        build = evolve(_begin(newer, request, folder), ends=build.ends)
        build.run()
    return build


def _begin(source: GoInstall, request: Request, folder: Path) -> Build:
    found = toolchain.find(source, request, folder / "toolchain")
    build = Build(
        source=source,
        request=request,
        release=_release(source, request),
        toolchain=found,
        exact=source.toolchain,
        folder=folder,
        ends=time.monotonic() + source.deadline,
    )
    build = build if source.toolchain else _as_locked(build)
    note = f"{source.module} {build.release} with {build.exact or found.version}"
    request.tell(Progress(key=request.wish.key, phase="building", source=source.name, note=note))
    return build


def _as_locked(build: Build) -> Build:
    # the same toolchain gives the same bytes: what others have locked is what we take, if we can
    locked = build.request.locked.toolchain if build.request.locked else ""
    if locked in {"", build.toolchain.version} or os.environ.get("GOTOOLCHAIN") == "local":
        return build
    exact = evolve(build, exact=locked)
    try:
        exact.go(("version",), lambda _: None)
    except Refused:
        own = build.toolchain.version
        note = f"{locked} of booty.lock cannot be had: {own} gives other bytes of the same source"
        request = build.request
        request.tell(Progress(key=request.wish.key, phase="warning", note=note))
        return build
    return exact


def _artifact(build: Build, info: BuildInfo) -> Artifact:
    request, source, main = build.request, build.source, info.main
    recorded = f"{main.path} {main.version}" in source.sums
    return Artifact(
        key=request.wish.key,
        program=request.wish.component.program,
        version=request.wish.version,
        platform=str(request.platform),
        source=source.name,
        url=f"go:{main.path}@{main.version}",
        digest=main.digest,
        size=sum(
            one.stat().st_size for one in build.folder.glob("modules/cache/download/**/*.zip")
        ),
        trust=RECORDED if recorded else DATABASE,
        module=f"{main.path} {main.version}",
        h1=main.total,
        toolchain=info.toolchain,
    )


def _fill(build: Build, into: Path) -> str:
    for one in sorted(build.out.iterdir()):
        shutil.copy(one, into / one.name)
        (into / one.name).chmod(0o755)
    program = build.program
    executable.check(into / program, build.request.platform)
    return program
