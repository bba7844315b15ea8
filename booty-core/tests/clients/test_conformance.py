"""The conformance suite, for the drivers of core and for the portable type."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import anyio
import pytest
from booty.clients import Capability
from booty.clients.bucket.face import Bucket
from booty.clients.bucket.opening import open_bucket
from booty.clients.file.bucket import FileBucket
from booty.clients.memory.bucket import MemoryBucket
from booty.testing.conformance import BucketConformance, BucketHarness
from booty.testing.conformance.buckets import CASES
from booty.testing.conformance.suite import Outcomes
from conftest_serving import Serving

OUTCOMES = Path(__file__).parents[3] / "docs" / "reference" / "conformance"


class Memory(BucketHarness):
    """``mem://``."""

    driver = "mem"
    in_memory = True
    capabilities = MemoryBucket.capabilities

    async def make(self) -> Bucket:
        """Return a new bucket."""
        return open_bucket("mem://")

    async def make_missing(self) -> Bucket:
        """Return what cannot be: memory is always there."""
        return Bucket(Absent(), "mem://")


class Absent(MemoryBucket):
    """Memory cannot be missing; this one says so."""

    async def accessible(self) -> bool:
        """Say no."""
        return False


class Portable(Memory):
    """The portable type, whose cases need no driver."""

    driver = "portable"
    capabilities = frozenset[Capability]()


class TestMemory(BucketConformance):
    """All cases with ``mem://``."""

    harness = Memory


class TestPortable(BucketConformance):
    """The cases of the portable type."""

    harness = Portable


class Folder(BucketHarness):
    """``file://``, served by a small program that asks the signer."""

    driver = "file"
    capabilities = FileBucket.capabilities | {Capability.PRESIGN, Capability.PRESIGN_NO_TYPE}

    def start(self) -> None:
        """Serve folders by signed URLs."""
        self._home = Path(tempfile.mkdtemp(prefix="booty-conformance-"))
        (self._home / "secret").write_text("a secret of at least sixteen bytes")
        self._server = Serving(self._home / "secret")
        self._number = 0

    def stop(self) -> None:
        """Stop serving, remove everything."""
        self._server.stop()
        shutil.rmtree(self._home)

    async def make(self) -> Bucket:
        """Return a new folder."""
        self._number += 1
        self._folder = self._home / str(self._number)
        self._server.folder = self._folder
        return open_bucket(self.url())

    async def make_missing(self) -> Bucket:
        """Return a folder that does not exist."""
        return open_bucket((self._home / "missing").as_uri())

    def url(self) -> str:
        """Return the URL of the folder."""
        signed = {"base_url": self._server.url, "secret_file": self._home / "secret"}
        return f"{self._folder.as_uri()}?{urlencode({'create': 'true', **signed})}"

    def leftovers(self) -> list[str]:
        """Return temporary files."""
        return sorted(one.name for one in self._folder.rglob("%tmp-*"))


class TestFile(BucketConformance):
    """All cases with ``file://``."""

    harness = Folder


@pytest.mark.parametrize("harness", [Portable, Memory, Folder])
def test_the_matrix_is_that_of_a_run(harness: type[BucketHarness]) -> None:
    """What the page shows follows from what the driver declares, and what it declares passes."""
    file = OUTCOMES / f"buckets-{harness.driver}.json"
    capabilities = harness().capabilities
    portable = harness.driver == "portable"
    wanted = {
        case.id: case.skipped(capabilities) or "pass" for case in CASES if case.portable == portable
    }

    assert json.loads(file.read_text())["cases"] == wanted


def test_the_matrix_is_made_of_whole_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that left a case out, or in which one failed, changes nothing."""
    monkeypatch.setenv("BOOTY_CONFORMANCE", str(tmp_path))

    def run(*fine: str, broken: str = "") -> list[str]:
        outcomes = Outcomes("buckets", "any", ("B01", "B02"))
        for case in fine:
            with outcomes.noting(case):
                pass
        with suppress(LookupError), outcomes.noting(broken or fine[0]):
            if broken:
                raise LookupError
        outcomes.write()
        return [one.name for one in tmp_path.iterdir()]

    assert run("B01") == []
    assert run("B01", "B02", broken="B02") == []
    assert run("B01", "B02") == ["buckets-any.json"]


def test_a_harness_without_what_it_declares_says_so() -> None:
    """Not a bare exception: which method is missing."""
    with pytest.raises(NotImplementedError, match=r'Memory declares "server".*"restart"'):
        anyio.run(Memory().restart)


def test_a_case_is_skipped_only_by_what_is_declared() -> None:
    """The reason names the capability."""
    case = next(one for one in CASES if one.id == "B80")

    assert case.skipped(frozenset()) == "not declared: conditional"
    assert case.skipped(frozenset({Capability.CONDITIONAL})) is None
