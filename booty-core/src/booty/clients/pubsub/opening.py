"""``open_topic`` and ``open_subscription``: a URL becomes a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode

from booty.clients import drivers
from booty.clients.errors import InvalidArgumentError
from booty.clients.location import Parameter
from booty.clients.pubsub.dead import DeadLetters
from booty.clients.pubsub.intake import Flow
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic

if TYPE_CHECKING:
    from booty.clients.location import Location

__all__ = ["SUBSCRIPTION_PARAMETERS", "TOPIC_PARAMETERS", "open_subscription", "open_topic"]

TOPIC_PARAMETERS: Final = (
    Parameter(
        name="batch", kind="number", default=0, about="Messages sent together; 0 = by the driver."
    ),
)
SUBSCRIPTION_PARAMETERS: Final = (
    Parameter(
        name="batch",
        kind="number",
        default=0,
        about="Messages fetched, or acknowledged, together; 0 = by the driver.",
    ),
    Parameter(
        name="max_outstanding",
        kind="number",
        default=1000,
        about="Messages held and not settled; beyond that nothing is fetched.",
    ),
    Parameter(
        name="max_outstanding_bytes",
        kind="size",
        default=64 * 2**20,
        about="The bytes of their bodies.",
    ),
    Parameter(
        name="max_deliver",
        kind="number",
        default=0,
        about="How often a message is tried; 0 = until it is acknowledged.",
    ),
    Parameter(
        name="dead_letter",
        default="",
        about="Where a message goes then: a topic beside this one, or a whole URL.",
    ),
)
"""What the portable types take themselves, whatever the scheme."""
_OF_THE_TOPIC: Final = frozenset(("stream", "max_bytes"))
"""Parameters of a topic that say nothing about the one for dead letters beside it."""


def open_topic(url: str) -> Topic:
    """Open a topic: ``async with booty.open_topic("file:///var/lib/shop/orders") as topic``.

    Nothing is connected and nothing looked at yet: a topic that is missing is told by the first
    send.

    Args:
        url: its scheme names the driver: ``mem``, ``file``, or one that an installed distribution
            has (``nats``).

    Raises:
        InvalidArgumentError: an unknown scheme or parameter, a value that cannot be read; all at
            once.
    """
    location, driver = drivers.find("topic", url, TOPIC_PARAMETERS)
    return Topic(driver, location.shown, max_batch=location.parameters["batch"] or None)


def open_subscription(url: str) -> Subscription:
    """Open a subscription to a topic; as :func:`open_topic`.

    Args:
        url: of the topic; ``durable=`` names the subscription.

    Raises:
        InvalidArgumentError: as :func:`open_topic`.
    """
    location, driver = drivers.find("subscription", url, SUBSCRIPTION_PARAMETERS)
    given = location.parameters
    flow = Flow(
        messages=max(given["max_outstanding"], 1),
        bytes=max(given["max_outstanding_bytes"], 1),
        batch=given["batch"] or None,
    )
    return Subscription(driver, location.shown, flow=flow, dead=_dead(url, location))


def _dead(url: str, location: Location) -> DeadLetters | None:
    given = location.parameters
    if not given["dead_letter"]:
        return None
    if not given["max_deliver"]:
        raise InvalidArgumentError(
            f'cannot open "{location.shown}": dead_letter says where to, max_deliver not when',
            reference="url-value",
            subject=location.shown,
            hint="add max_deliver=5",
        )
    return DeadLetters(
        topic=open_topic(_beside(url, given["dead_letter"])),
        deliveries=given["max_deliver"],
        subscription=str(given.get("durable", "")),
    )


def _beside(url: str, target: str) -> str:
    if "://" in target:
        return target
    bare, _, query = url.partition("?")
    head, slash, _ = bare.rpartition("/")
    # how to get there is the same; what is asked of the topic is not
    known = {one.name for one in drivers.opener("topic", url).parameters} - _OF_THE_TOPIC
    kept = [(name, value) for name, value in parse_qsl(query, True) if name in known]
    return f"{head}{slash}{quote(target)}?{urlencode(kept)}"
