"""The conformance suite of portable clients: every case that a driver must pass.

.. code-block:: python

    from booty.testing.conformance import BucketConformance, BucketHarness


    class Mine(BucketHarness):
        driver = "mine"
        ...


    class TestMine(BucketConformance):
        harness = Mine

A case is skipped only because of what the driver declares, with that as the reason; with
``BOOTY_CONFORMANCE=folder`` the outcomes are written there, for the matrix. Needs pytest
(``pip install booty-core[testing]``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.testing.conformance.harness import BucketHarness
    from booty.testing.conformance.suite import BucketConformance
    from booty.testing.conformance.topics.harness import TopicHarness
    from booty.testing.conformance.topics.suite import TopicConformance

__all__ = ["BucketConformance", "BucketHarness", "TopicConformance", "TopicHarness"]


def __getattr__(name: str) -> Any:
    """Load what is asked for: pytest is not there in a program that only has the matrix read."""
    if name == "BucketConformance":
        from booty.testing.conformance.suite import BucketConformance

        return BucketConformance
    if name == "BucketHarness":
        from booty.testing.conformance.harness import BucketHarness

        return BucketHarness
    if name == "TopicConformance":
        from booty.testing.conformance.topics.suite import TopicConformance

        return TopicConformance
    if name == "TopicHarness":
        from booty.testing.conformance.topics.harness import TopicHarness

        return TopicHarness
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
