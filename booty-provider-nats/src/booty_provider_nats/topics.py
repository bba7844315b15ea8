"""The schemes ``nats://`` and ``tls://`` of portable topics: what they take, and who opens them."""

from __future__ import annotations

from typing import Final

from booty import clients

__all__ = ["DRIVER"]


def _topic(location: clients.Location) -> clients.TopicDriver:
    from booty_provider_nats.sending import TopicDriver

    return TopicDriver(location)


def _subscription(location: clients.Location) -> clients.SubscriptionDriver:
    from booty_provider_nats.receiving import SubscriptionDriver

    return SubscriptionDriver(location)


_BOTH: Final = (
    clients.Parameter(
        name="stream", default="", about="The stream; by default the one that keeps the subject."
    ),
    clients.Parameter(
        name="ca",
        default="",
        about="A file with the authority of the servers' certificates; by default NATS_CA.",
    ),
    clients.Parameter(
        name="create",
        kind="flag",
        default=False,
        about="Make the stream, and the consumer, if it is missing.",
    ),
    clients.Parameter(
        name="replicas", kind="number", default=1, about="Copies of a stream that is made."
    ),
    clients.Parameter(
        name="dedupe_window",
        kind="duration",
        about="How long a stream that is made remembers an id; 120s.",
    ),
)
DRIVER: Final = clients.Driver(
    topic=clients.Opener(open=_topic, parameters=_BOTH),
    subscription=clients.Opener(
        open=_subscription,
        parameters=(
            *_BOTH,
            clients.Parameter(
                name="durable", default="default", about="The name of the durable consumer."
            ),
            clients.Parameter(
                name="ack_wait",
                kind="duration",
                about="How long a message may take before it comes again; as the consumer has it,"
                " 30s for one that is made.",
            ),
        ),
    ),
)
