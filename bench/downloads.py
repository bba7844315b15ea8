"""What a download costs, hashed and on disk, beside ``curl | sha256sum``, which keeps nothing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from booty.fetch import Progress
from booty.fetch.download import download
from booty.fetch.sums import Sum
from measure import Case, timed

LARGE = 300
SMALL = 15
COUNT = 20
AT_ONCE = 4


class Served:
    """A file of random bytes, and who serves it.

    Args:
        folder: where it is kept.
        size: in MB.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        file = folder / f"{size}.bin"
        with file.open("wb") as out:
            block = os.urandom(1_000_000)
            for number in range(size):
                out.write(block[number:] + block[:number])
        with file.open("rb") as opened:
            self.sum = Sum(digest=hashlib.file_digest(opened, "sha256").hexdigest())
        argv = [sys.executable, str(Path(__file__).parent / "serving.py"), str(file)]
        self._server = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._server.stdout is not None
        self.url = f"http://127.0.0.1:{self._server.stdout.readline().strip()}"

    def get(self, number: int = 0) -> None:
        """Download it as a program is downloaded."""
        got = download(
            f"{self.url}/{number}",
            self.folder / f"got-{number}",
            key="tool@1",
            source="release",
            tell=_silent,
            expected=self.sum,
            limit=1 << 40,
        )
        got.path.unlink()

    def curl(self, number: int = 0) -> None:
        """Download and hash it as a person does."""
        line = f"curl -s {self.url}/{number} | sha256sum"
        subprocess.run(line, shell=True, stdout=subprocess.DEVNULL, check=True)


def _silent(_: Progress) -> None:
    """Tell nobody."""


def _many(act: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, range(COUNT)))


def cases(home: Path) -> list[Case]:
    """One large file, and twenty side by side."""
    large, small = Served(home / "downloads", LARGE), Served(home / "downloads", SMALL)
    return [
        Case(
            f"download of {LARGE} MB from loopback, hashed and on disk",
            "at most 1.11x",
            lambda: timed(large.get),
            lambda: timed(large.curl),
            "curl, sha256sum; nothing written",
        ),
        Case(
            f"{COUNT} downloads of {SMALL} MB, {AT_ONCE} at once",
            "at most 1.11x",
            lambda: timed(lambda: _many(small.get)),
            lambda: timed(lambda: _many(small.curl)),
            "the same by curl, sha256sum",
        ),
    ]
