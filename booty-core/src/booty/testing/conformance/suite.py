"""The suite as tests to inherit: a driver's test file names its harness and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from booty.testing.conformance.buckets import CASES, Place
from booty.testing.conformance.case import Case
from booty.testing.conformance.harness import BucketHarness

__all__ = ["BucketConformance", "Outcomes"]


class Outcomes:
    """How each case ended, for the matrix; written where ``BOOTY_CONFORMANCE`` says.

    Args:
        kind: ``buckets``.
        driver: what the matrix calls it.
        cases: ids of all that the driver is run through.
    """

    def __init__(self, kind: str, driver: str, cases: Iterable[str]) -> None:
        self._found: dict[str, str] = {}
        self._cases = frozenset(cases)
        self._kind = kind
        self._driver = driver

    def note(self, case: str, outcome: str) -> None:
        """Note that a case passed or why it was skipped; the worst of its runs is kept."""
        if self._found.get(case, "pass") == "pass":
            self._found[case] = outcome

    @contextmanager
    def noting(self, case: str) -> Iterator[None]:
        """Note how a run of a case ends; one that skips itself ends without a word."""
        try:
            yield
        except Exception:  # whatever it was: the case failed, and pytest tells why
            self.note(case, "failed")
            raise
        self.note(case, "pass")

    def write(self) -> None:
        """Write the file of the driver, if anybody wants it and each case ended well.

        The matrix is made of whole runs: one in which a case failed, or was left out by who ran
        it, changes nothing.
        """
        folder = os.environ.get("BOOTY_CONFORMANCE")
        whole = self._cases <= self._found.keys() and "failed" not in self._found.values()
        if folder and whole:
            file = Path(folder) / f"{self._kind}-{self._driver.replace(' ', '-')}.json"
            data = {"kind": self._kind, "driver": self._driver, "cases": self._found}
            file.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")


def _runs(*, portable: bool) -> list[Any]:
    return [
        pytest.param(case, through, id=f"{case.id}-{through}")
        for case in CASES
        if case.portable == portable
        for through in (("bucket",) if portable else ("bucket", "prefix"))
    ]


class BucketConformance:
    """All cases of buckets for one driver; inherit, and name the harness.

    Attributes:
        harness: made once for all cases.
    """

    harness: ClassVar[type[BucketHarness]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the test every case, directly and through a prefix."""
        if "case" in metafunc.fixturenames and metafunc.cls is not None:
            portable = metafunc.cls.harness.driver == "portable"
            metafunc.parametrize(("case", "through"), _runs(portable=portable))

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[tuple[BucketHarness, Outcomes]]:
        """Start the driver's server, stop it at the end, write down how the cases ended."""
        harness = cls.harness()
        ids = (one.id for one in CASES if one.portable == (harness.driver == "portable"))
        outcomes = Outcomes("buckets", harness.driver, ids)
        harness.start()
        try:
            yield harness, outcomes
        finally:
            harness.stop()
        outcomes.write()

    def test_case(
        self, case: Case[Place], through: str, running: tuple[BucketHarness, Outcomes]
    ) -> None:
        """Run one case, or skip it because of what the driver declares."""
        harness, outcomes = running
        reason = case.skipped(harness.capabilities)
        if reason is not None:
            outcomes.note(case.id, reason)
            pytest.skip(reason)
        with outcomes.noting(case.id):
            anyio.run(_run, case, through, harness)


async def _run(case: Case[Place], through: str, harness: BucketHarness) -> None:
    with anyio.fail_after(harness.deadline):
        async with AsyncExitStack() as stack:
            stack.push_async_callback(harness.cleanup)
            await case.run(Place(harness, through, stack))
