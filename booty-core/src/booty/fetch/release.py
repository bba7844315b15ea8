"""``Release``: the publisher's own archive, vouched for by what he signs or sums."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

from booty.errors import FetchError, VerifyError
from booty.fetch import _http, executable, github
from booty.fetch.address import asset, filled
from booty.fetch.bundle import keep
from booty.fetch.download import Downloaded, download
from booty.fetch.lock import Locked
from booty.fetch.look import day, looked
from booty.fetch.progress import Progress
from booty.fetch.proof import Proof, Proofs, known, promise
from booty.fetch.request import Look, Refused, Request, bundled
from booty.fetch.sums import SHA256
from booty.fetch.unpack import kind_of, unpack
from booty.fetch.unreachable import missing, reachable
from booty.model.plan import Artifact
from booty.model.platform import COMMON, Platform

if TYPE_CHECKING:
    from booty.model.source import Release

__all__ = ["ReleaseDriver"]

GONE: Final = frozenset((404, 410))
"""What a server says of a file that is not there, or not any more."""
LIMIT: Final = 4 << 30
"""Bytes of the largest archive that is taken for a program, where nothing says its size."""


class ReleaseDriver:
    """Gets programs from their publishers."""

    def __init__(self) -> None:
        self._proofs = Proofs()

    def probe(self, source: Release, request: Request) -> None:
        """See that the publisher (or his mirror) answers, and that something vouches for it."""
        digest = known(source, request)
        if request.bundle:
            bundled(request, digest)
            return
        needed = [source.url]
        if not digest:
            needed += [source.sums, source.signature.url if source.signature else ""]
        for template in filter(None, needed):
            url = github.asked(filled(template, source, request), request)
            why, remembered = reachable(url, anew=request.anew, note=not request.looks)
            if why:
                raise Refused(why, remembered=remembered)

    def get(self, source: Release, request: Request) -> Artifact:
        """Download, verify, unpack."""
        try:
            return self._get(source, request)
        except FetchError as error:
            missing(error)
            raise

    def _get(self, source: Release, request: Request) -> Artifact:
        proof = self._proofs.of(source, request)
        target = request.downloads / f"{_stem(source, request, proof)}-{asset(source, request)}"
        with request.store.locked(f"download-{target.name}"):  # two components may share an archive
            got = _download(source, request, target, proof)
            try:
                trust = self._proofs.check(proof, source, request, got.path)
                if request.keep:
                    keep(request.keep, got.path, got.digest)
                artifact = _artifact(source, request, got, trust)
                request.tell(Progress(key=artifact.key, phase="unpacking", source=source.name))
                return request.store.install(
                    artifact, lambda into: _fill(source, request, got.path, into)
                )
            finally:
                got.path.unlink(missing_ok=True)

    def look(self, source: Release, request: Request) -> Look:
        """Ask the publisher for size and date of the asset."""
        try:
            trust = promise(source, request)
            url, access = github.located(filled(source.url, source, request), request)
            seen = looked(url, access=access)
        except Refused as error:
            return Look(can=False, why=str(error))
        except _http.Unreachable as error:
            return Look(can=False, why=str(error), trust=trust)
        except VerifyError:
            raise
        except FetchError as error:
            gone = error.reference == "not-published"
            return Look(can=False, why=error.message, trust=trust, gone=gone)
        if seen.status in GONE:
            why = f"the server says {seen.status}"
            return Look(can=False, why=why, trust=trust, gone=True)
        size = seen.headers.get("content-length", "")
        return Look(
            can=True,
            trust=trust,
            size=int(size) if size.isdecimal() else 0,
            date=day(seen.headers.get("last-modified", "")),
        )

    def others(self, source: Release, request: Request) -> dict[str, Locked]:
        """Return the assets for other platforms that are recorded, or in the sums file."""
        found = {}
        for platform in _platforms(source, request):
            asked = evolve(request, platform=platform, locked=None)
            with suppress(FetchError, Refused):  # this publisher has none for it
                proof = self._proofs.of(source, asked)
                # what only the whole file tells is known when it was downloaded there
                if proof.sum and proof.sum.algorithm == SHA256 and not proof.signature:
                    found[str(platform)] = Locked(
                        source=source.name,
                        url=filled(source.url, source, asked),
                        digest=proof.sum.digest,
                        trust=proof.trust,
                    )
        return found


def _stem(source: Release, request: Request, proof: Proof) -> str:
    return proof.sum.digest[:16] if proof.sum else f"{source.name}-{request.wish.version}"


def _download(source: Release, request: Request, target: Path, proof: Proof) -> Downloaded:
    if request.bundle and proof.sum:
        path = request.bundle.take(proof.sum.digest, target)
        return Downloaded(path=path, digest=proof.sum.digest, size=path.stat().st_size)
    url, access = github.located(filled(source.url, source, request), request)
    return download(
        url,
        target,
        key=request.wish.key,
        source=source.name,
        tell=request.tell,
        expected=proof.sum,
        access=access,
        limit=(request.locked.size if request.locked else 0) or LIMIT,
    )


def _platforms(source: Release, request: Request) -> list[Platform]:
    if source.url == source.url.replace("{os}", "").replace("{arch}", ""):
        return []  # one asset, for one platform or for all: nobody can tell
    keys = (key.partition("/") for key in source.digests)
    recorded = {platform for version, _, platform in keys if version == request.wish.version}
    # without a sums file nobody says anything of the rest
    common = {str(one) for one in COMMON} if source.sums else set()
    return [Platform.parse(one) for one in sorted((recorded | common) - {str(request.platform)})]


def _artifact(source: Release, request: Request, got: Downloaded, trust: str) -> Artifact:
    return Artifact(
        key=request.wish.key,
        program=request.wish.component.program,
        version=request.wish.version,
        platform=str(request.platform),
        source=source.name,
        url=filled(source.url, source, request),
        digest=got.digest,
        size=got.size,
        trust=trust,
    )


def _fill(source: Release, request: Request, archive: Path, into: Path) -> str:
    kind = source.archive or kind_of(source.url)
    member = filled(source.member, source, request)
    unpack(archive, into, kind, name=member)
    path = into / member
    if not path.is_file():
        raise FetchError(
            f'cannot find "{member}" in the archive of {request.wish.key}',
            reference="member-missing",
            subject=request.wish.key,
            hint="the publisher changed the archive's layout; update the provider",
        )
    path.chmod(0o755)
    executable.check(path, request.platform)
    return member
