"""One download: streamed through the hash, resumed if it was cut, never taken for whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.errors import FetchError, VerifyError
from booty.fetch import _http
from booty.fetch.progress import Progress, Tell
from booty.fetch.store import unwritable
from booty.fetch.sums import SHA256, Sum

if TYPE_CHECKING:
    import httpx

__all__ = ["Downloaded", "download"]

OK: Final = 200
PARTIAL: Final = 206
NOT_THERE: Final = "is the version right? booty providers lists those that were tested"
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

    Raises:
        FetchError: it cannot be had whole, or the disk is full.
        VerifyError: it is another file than expected; nothing of it is left.
    """
    progress = Progress(key=key, phase="downloading", source=source)
    got = _Download(url, target, progress, tell, limit=limit, expected=expected)
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


class _Download:
    """One download under way."""

    def __init__(
        self,
        url: str,
        target: Path,
        progress: Progress,
        tell: Tell,
        *,
        limit: int,
        expected: Sum | None,
    ) -> None:
        self.url = url
        self.part = target.with_name(target.name + ".part")
        self.mark = target.with_name(target.name + ".etag")
        self.progress = progress
        self.tell = tell
        self.limit = limit
        self.expected = expected
        self._hashes = self._fresh()

    def digest(self, algorithm: str) -> str:
        """Return what was counted, in hex."""
        return self._hashes[algorithm].hexdigest()

    def _fresh(self) -> dict[str, hashlib._Hash]:
        wanted = {SHA256, self.expected.algorithm if self.expected else SHA256}
        return {name: hashlib.new(name) for name in sorted(wanted)}

    def _count(self, data: bytes) -> None:
        for one in self._hashes.values():
            one.update(data)

    def run(self) -> int:
        """Download it, or what is still missing of it; return its size."""
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True)
            have, headers = self._resume()
            done = bool(have) and self._whole()  # killed before its last step
            size = have if done else self._run(have, headers)
        except OSError as error:
            raise unwritable(self.part.parent, error) from error
        self.mark.unlink(missing_ok=True)
        return size

    def _whole(self) -> bool:
        wanted = self.expected
        return wanted is not None and self.digest(wanted.algorithm) == wanted.digest

    def _run(self, have: int, headers: dict[str, str]) -> int:
        with _http.opened(self.url, headers) as response:
            if response.status_code == OK or _goes_on(response, have):
                if response.status_code == OK:
                    have, self._hashes = 0, self._fresh()
                return self._receive(response, have)
            if not have:
                raise self._fault(f"the server says {response.status_code}", NOT_THERE)
        self._hashes = self._fresh()  # the unfinished one does not fit any more: begin anew
        return self._run(0, {})

    def _resume(self) -> tuple[int, dict[str, str]]:
        mark = self._mark()
        if not mark or mark.get("url") != _http.shown(self.url) or not self.part.is_file():
            return 0, {}
        with self.part.open("rb") as file:
            while block := file.read(BLOCK):
                self._count(block)
            have = file.tell()
        return have, {"Range": f"bytes={have}-", "If-Range": mark["etag"]} if have else {}

    def _mark(self) -> dict[str, str]:
        try:
            found = json.loads(self.mark.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("etag") else {}

    def _receive(self, response: httpx.Response, have: int) -> int:
        length = int(response.headers.get("content-length", 0))
        total = have + length if length else 0
        if total > self.limit:
            raise self._fault(f"it has {total} bytes, more than {self.limit}", "this is no program")
        etag = response.headers.get("etag", "")
        if etag and not etag.startswith("W/"):
            self.mark.write_text(json.dumps({"url": _http.shown(self.url), "etag": etag}))
        with self.part.open("ab" if have else "wb") as file:
            have = self._copy(response, file.write, have, total)
            file.flush()
            os.fsync(file.fileno())
        if total and have != total:
            raise self._fault(
                f"it ended after {have} of {total} bytes", "try again; it goes on there"
            )
        return have

    def _copy(
        self, response: httpx.Response, write: Callable[[bytes], int], have: int, total: int
    ) -> int:
        told = have
        for chunk in response.iter_raw():
            write(chunk)
            self._count(chunk)
            have += len(chunk)
            if have > self.limit:
                raise self._fault(f"it has more than {self.limit} bytes", "this is no program")
            if have - told >= TOLD_EVERY:
                told = have
                self._tell(have, total)
        self._tell(have, total)
        return have

    def _tell(self, have: int, total: int) -> None:
        now = self.progress
        self.tell(
            Progress(key=now.key, phase=now.phase, source=now.source, bytes=have, total=total)
        )

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
