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
from booty.testing.conformance.topics import CASES, TopicHarness

__all__ = ["TopicConformance"]


class TopicConformance:
    """All cases of topics for one driver; inherit, and name the harness.

    Attributes:
        harness: made once for all cases.
    """

    harness: ClassVar[type[TopicHarness]]

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[TopicHarness]:
        """Start the driver's server, and stop it at the end."""
        harness = cls.harness()
        harness.start()
        try:
            yield harness
        finally:
            harness.stop()

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
    def test_case(self, case: Case[TopicHarness], running: TopicHarness) -> None:
        """Run one case, or skip it because of what the driver declares."""
        reason = case.skipped(running.capabilities)
        if reason is not None:
            pytest.skip(reason)
        anyio.run(_run, case, running)


async def _run(case: Case[TopicHarness], harness: TopicHarness) -> Any:
    with anyio.fail_after(harness.deadline):
        await case.run(harness)
