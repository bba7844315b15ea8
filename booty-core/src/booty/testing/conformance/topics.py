"""Cases P: what every driver of topics and subscriptions must do.

.. code-block:: python

    class TestMine(TopicConformance):
        @pytest.fixture
        def harness(self) -> TopicHarness:
            return MyHarness()

Cases of the portable types alone (P24 to P41) speak to no driver, so they are not here.
"""

from __future__ import annotations

from booty.testing.conformance.topics_basic import Basic
from booty.testing.conformance.topics_native import Native
from booty.testing.conformance.topics_promised import Promised
from booty.testing.conformance.topics_settled import Settling

__all__ = ["TopicConformance"]


class TopicConformance(Basic, Settling, Native, Promised):
    """Inherit, give a fixture ``harness``, and run pytest."""
