"""The cases of topics as tests to inherit: a driver's test file names its harness and no more.

.. code-block:: python

    class TestMine(TopicConformance):
        harness = MyHarness
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import anyio
import pytest

from booty.testing.conformance.case import Case
from booty.testing.conformance.suite import Outcomes
from booty.testing.conformance.topics import CASES, TopicHarness

__all__ = ["TopicConformance"]


class TopicConformance:
    """All cases of topics for one driver; inherit, and name the harness.

    Attributes:
        harness: made once for all cases.
    """

    harness: ClassVar[type[TopicHarness]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the test every case."""
        if "case" in metafunc.fixturenames and metafunc.cls is not None:
            portable = metafunc.cls.harness.driver == "portable"
            own = [pytest.param(one, id=one.id) for one in CASES if one.portable == portable]
            metafunc.parametrize("case", own)

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> TopicHarness:
        """Make the harness; a driver that needs more for that has a fixture of this name."""
        return cls.harness()

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls, place: TopicHarness) -> Iterator[tuple[TopicHarness, Outcomes]]:
        """Start the driver's server, stop it at the end, write down how the cases ended."""
        ids = (one.id for one in CASES if one.portable == (place.driver == "portable"))
        outcomes = Outcomes("topics", place.driver, ids)
        place.start()
        try:
            yield place, outcomes
        finally:
            place.stop()
        outcomes.write()

    def test_case(self, case: Case[TopicHarness], running: tuple[TopicHarness, Outcomes]) -> None:
        """Run one case, or skip it because of what the driver declares."""
        harness, outcomes = running
        reason = case.skipped(harness.capabilities)
        if reason is not None:
            outcomes.note(case.id, reason)
            pytest.skip(reason)
        with outcomes.noting(case.id):
            anyio.run(_run, case, harness)


async def _run(case: Case[TopicHarness], harness: TopicHarness) -> Any:
    with anyio.fail_after(harness.deadline):
        await case.run(harness)
