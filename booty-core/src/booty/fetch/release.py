"""``Release``: the publisher's own archive, vouched for by a recorded digest or his sums file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import evolve

from booty.errors import FetchError, VerifyError
from booty.fetch import _http, executable
from booty.fetch.bundle import keep
from booty.fetch.download import Downloaded, download
from booty.fetch.lock import Locked
from booty.fetch.progress import Progress
from booty.fetch.request import Refused, Request, bundled, vouched
from booty.fetch.unpack import unpack
from booty.fetch.unreachable import reachable
from booty.model.plan import Artifact
from booty.model.platform import COMMON, Platform

if TYPE_CHECKING:
    from booty.model.source import Release

__all__ = ["ReleaseDriver", "mirrored"]

LIMIT: Final = 4 << 30
_SUM: Final = re.compile(r"^\\?([0-9a-fA-F]{64})\s+[ *]?(\S.*)$")


class ReleaseDriver:
    """Gets programs from their publishers."""

    def __init__(self) -> None:
        self._sums: dict[str, str] = {}

    def probe(self, source: Release, request: Request) -> None:
        """See that the publisher (or his mirror) answers."""
        if not source.sums and not _recorded(source, request) and request.locked is None:
            raise Refused("nothing vouches for this version: no sums file, no recorded digest")
        if request.bundle:
            bundled(request, self._known(source, request))
            return
        needed = [source.url] if self._known(source, request) else [source.url, source.sums]
        for template in needed:
            url = mirrored(_url(template, source, request), request.mirrors)
            why, remembered = reachable(url, anew=request.anew)
            if why:
                raise Refused(why, remembered=remembered)

    def get(self, source: Release, request: Request) -> Artifact:
        """Download, verify, unpack."""
        digest, trust = self._expected(source, request)
        name = f"{digest[:16]}-{urlsplit(source.url).path.rpartition('/')[2]}"
        target = request.downloads / _url(name, source, request)
        with request.store.locked(f"download-{target.name}"):  # two components may share an archive
            got = self._download(source, request, target, digest)
            if request.keep:
                keep(request.keep, got.path, got.digest)
            artifact = _artifact(source, request, got, trust)
            request.tell(Progress(key=artifact.key, phase="unpacking", source=source.name))
            try:
                return request.store.install(
                    artifact, lambda into: _fill(source, request, got.path, into)
                )
            finally:
                got.path.unlink(missing_ok=True)

    def others(self, source: Release, request: Request) -> dict[str, Locked]:
        """Return the assets for other platforms that are recorded, or in the sums file."""
        found = {}
        for platform in _platforms(source, request):
            asked = evolve(request, platform=platform, locked=None)
            with suppress(FetchError):  # this publisher has none for it
                digest, trust = self._expected(source, asked)
                url = _url(source.url, source, asked)
                found[str(platform)] = Locked(
                    source=source.name, url=url, digest=digest, trust=trust
                )
        return found

    def _download(self, source: Release, request: Request, target: Path, digest: str) -> Downloaded:
        if request.bundle:
            path = request.bundle.take(digest, target)
            return Downloaded(path=path, digest=digest, size=path.stat().st_size)
        return download(
            mirrored(_url(source.url, source, request), request.mirrors),
            target,
            key=request.wish.key,
            source=source.name,
            tell=request.tell,
            expected=digest,
            limit=LIMIT,
        )

    def _known(self, source: Release, request: Request) -> str:
        return vouched(request, _recorded(source, request))

    def _expected(self, source: Release, request: Request) -> tuple[str, str]:
        known = self._known(source, request)
        if known and known == _recorded(source, request):
            return known, "recorded digest"
        if known:
            return known, request.locked.trust if request.locked else ""
        return self._from_sums(source, request), "publisher's sums file"

    def _from_sums(self, source: Release, request: Request) -> str:
        asset = _url(source.url, source, request).rpartition("/")[2]
        url = _url(source.sums, source, request)
        if url not in self._sums:
            self._sums[url] = _http.text(mirrored(url, request.mirrors))
        text = self._sums[url]
        for line in text.splitlines():
            found = _SUM.match(line.strip())
            if found and found[2].strip().rpartition("/")[2] == asset:
                return found[1].lower()
        raise VerifyError(
            f'cannot trust "{asset}": the sums file does not name it',
            reference="not-in-sums",
            subject=request.wish.key,
            hint=f"look at {url}; another version may be published whole",
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
        url=_url(source.url, source, request),
        digest=got.digest,
        size=got.size,
        trust=trust,
    )


def _recorded(source: Release, request: Request) -> str:
    return source.digests.get(f"{request.wish.version}/{request.platform}", source.sha256)


def _url(template: str, source: Release, request: Request) -> str:
    platform = request.platform
    return template.format(
        version=request.wish.version,
        os=source.os.get(platform.os, platform.os),
        arch=source.arch.get(platform.arch, platform.arch),
    )


def mirrored(url: str, mirrors: Mapping[str, str]) -> str:
    """Return a URL with its scheme and host replaced as the user's mirrors say.

    ``{"github.com": "https://mirror/gh"}`` turns ``https://github.com/a/b`` into
    ``https://mirror/gh/a/b``; ``"*"`` is for all other hosts, with the host as first folder.
    """
    parts = urlsplit(url)
    if parts.netloc in mirrors:
        return mirrors[parts.netloc].rstrip("/") + parts.path
    if "*" in mirrors:
        return f"{mirrors['*'].rstrip('/')}/{parts.netloc}{parts.path}"
    return url


def _fill(source: Release, request: Request, archive: Path, into: Path) -> str:
    kind = source.archive or _kind(source.url)
    member = _url(source.member, source, request)
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


def _kind(url: str) -> str:
    if url.endswith(".zip"):
        return "zip"
    tars = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar")
    return "tar" if url.endswith(tars) else "bare"
