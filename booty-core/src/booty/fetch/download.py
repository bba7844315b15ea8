"""One download: streamed through the hash, resumed if it was cut, never taken for whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field, frozen

from booty.errors import FetchError, VerifyError
from booty.fetch import _http
from booty.fetch.access import OPEN, Access
from booty.fetch.patience import Passing, persist
from booty.fetch.progress import Progress, Tell
from booty.fetch.store import unwritable
from booty.fetch.sums import SHA256, Sum

if TYPE_CHECKING:
    import httpx

__all__ = ["Downloaded", "download"]

OK: Final = 200
PARTIAL: Final = 206
TOLD_EVERY: Final = 1 << 20
BLOCK: Final = 1 << 20


@frozen(kw_only=True)
class Downloaded:
    """A whole file, with what was counted on the way."""

    path: Path
    digest: str
    size: int


def download(
    url: str,
    target: Path,
    *,
    key: str,
    source: str,
    tell: Tell,
    expected: Sum | None = None,
    limit: int,
    access: Access = OPEN,
) -> Downloaded:
    """Download a file.

    Args:
        url: where it is.
        target: path of the file; ``<target>.part`` and ``.etag`` beside it hold an unfinished one.
        key: for progress.
        source: for progress.
        tell: told of progress.
        expected: what its bytes must add up to, ``None`` if it is judged later.
        limit: the most bytes that are accepted.
        access: how the host is asked.

    Raises:
        FetchError: it cannot be had whole, or the disk is full.
        VerifyError: it is another file than expected; nothing of it is left.
    """
    got = _Download(
        url=url,
        part=target.with_name(target.name + ".part"),
        mark=target.with_name(target.name + ".etag"),
        progress=Progress(key=key, phase="downloading", source=source),
        tell=tell,
        limit=limit,
        expected=expected,
        access=access,
    )
    size = got.run()
    if expected and got.digest(expected.algorithm) != expected.digest:
        got.part.unlink(missing_ok=True)
        raise _mismatch(url, key, expected, got.digest(expected.algorithm))
    got.part.replace(target)
    return Downloaded(path=target, digest=got.digest(SHA256), size=size)


def _mismatch(url: str, key: str, expected: Sum, found: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{_http.shown(url)}": its {expected.algorithm} is "{found}", expected '
        f'"{expected.digest}"',
        reference="digest-mismatch",
        subject=key,
        hint="nothing of it was kept; if the publisher replaced the file, ask him why",
    )


@define(kw_only=True)
class _Download:
    """One download under way; what came is in ``part``, the server's word for it in ``mark``."""

    url: str
    part: Path
    mark: Path
    progress: Progress
    tell: Tell
    limit: int
    expected: Sum | None
    access: Access
    _hashes: dict[str, hashlib._Hash] = field(factory=dict, init=False)
    _have: int = field(default=0, init=False)
    _base: int = field(default=0, init=False)

    def digest(self, algorithm: str) -> str:
        """Return what was counted, in hex."""
        return self._hashes[algorithm].hexdigest()

    def _begin(self) -> None:
        wanted = {SHA256, self.expected.algorithm if self.expected else SHA256}
        self._hashes = {name: hashlib.new(name) for name in sorted(wanted)}
        self._have = 0

    def _count(self, data: bytes) -> None:
        for one in self._hashes.values():
            one.update(data)
        self._have += len(data)

    def run(self) -> int:
        """Download it, or what is still missing of it; return its size."""
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True)
            persist(self._try, self.access.patience, told=self._again, moved=self._moved)
        except OSError as error:
            self.part.unlink(missing_ok=True)  # a full disk gets its room back
            raise unwritable(self.part.parent, error) from error
        except FetchError:
            if not self._mark():  # without it nobody can go on there
                self.part.unlink(missing_ok=True)
            raise
        self.mark.unlink(missing_ok=True)
        return self._have

    def _moved(self) -> bool:
        moved = self._have - self._base >= TOLD_EVERY
        self._base = self._have
        return moved

    def _again(self, why: str) -> None:
        self.tell(evolve(self.progress, phase="retrying", note=why))

    def _try(self) -> None:
        headers = self._resume()
        if self._have and self._whole():  # killed before its last step
            return
        with _http.opened(self.url, headers, self.access) as response:
            if response.status_code == OK or _goes_on(response, self._have):
                if response.status_code == OK:
                    self._begin()
                self._receive(response)
                return
            fault = _http.unanswered(self.url, response)
            if not self._have or isinstance(fault, Passing):
                raise fault
        self.mark.unlink(missing_ok=True)  # the unfinished one does not fit any more: begin anew
        self._try()

    def _whole(self) -> bool:
        wanted = self.expected
        return wanted is not None and self.digest(wanted.algorithm) == wanted.digest

    def _resume(self) -> dict[str, str]:
        self._begin()
        mark = self._mark()
        if not mark or mark.get("url") != _http.shown(self.url) or not self.part.is_file():
            return {}
        with self.part.open("rb") as file:
            while block := file.read(BLOCK):
                self._count(block)
        return {"Range": f"bytes={self._have}-", "If-Range": mark["etag"]} if self._have else {}

    def _mark(self) -> dict[str, str]:
        try:
            found = json.loads(self.mark.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("etag") else {}

    def _receive(self, response: httpx.Response) -> None:
        length = int(response.headers.get("content-length", 0))
        total = self._have + length if length else 0
        self._bounded(total)
        etag = response.headers.get("etag", "")
        self.mark.unlink(missing_ok=True)
        if etag and not etag.startswith("W/"):
            self.mark.write_text(json.dumps({"url": _http.shown(self.url), "etag": etag}))
        with self.part.open("ab" if self._have else "wb") as file:
            self._copy(response, file.write, total)
            file.flush()
            os.fsync(file.fileno())
        if total and self._have != total:
            raise self._fault(f"it ended after {self._have} of {total} bytes", "try again")

    def _copy(self, response: httpx.Response, write: Callable[[bytes], int], total: int) -> None:
        told = self._have
        for chunk in _http.chunks(self.url, response, self.access):
            write(chunk)
            self._count(chunk)
            self._bounded(self._have)
            if self._have - told >= TOLD_EVERY:
                told = self._have
                self._tell(total)
        self._tell(total)

    def _bounded(self, size: int) -> None:
        if size > self.limit:
            self.mark.unlink(missing_ok=True)
            raise self._fault(f"it has {size} bytes, more than {self.limit}", "this is no program")

    def _tell(self, total: int) -> None:
        self.tell(evolve(self.progress, bytes=self._have, total=total))

    def _fault(self, why: str, hint: str) -> FetchError:
        return FetchError(
            f'cannot download "{_http.shown(self.url)}": {why}',
            reference="download-failed",
            subject=self.progress.key,
            hint=hint,
        )


def _goes_on(response: httpx.Response, have: int) -> bool:
    wanted = f"bytes {have}-"
    answered = response.headers.get("content-range", "")
    return response.status_code == PARTIAL and have > 0 and answered.startswith(wanted)
