"""What ``mem://`` and ``file://`` topics have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from booty.clients.capability import Capability
from booty.clients.errors import InvalidArgumentError
from booty.clients.location import Parameter
from booty.clients.pubsub.hooks import call_hook
from booty.clients.pubsub.message import Outgoing

if TYPE_CHECKING:
    from booty.clients.location import Location

__all__ = [
    "CAPABILITIES",
    "check_end",
    "name",
    "send",
    "subscription_parameters",
    "topic_parameters",
]

CAPABILITIES: Final = frozenset(
    (
        Capability.METADATA,
        Capability.HOOKS,
        Capability.FANOUT,
        Capability.NACK,
        Capability.BATCH,
        Capability.REDELIVERY,
        Capability.DEDUPE,
        Capability.DELAY,
        Capability.ORDERING,
        Capability.DEAD_LETTER,
        Capability.EXTEND,
    )
)
DEDUPE_SECONDS: Final = 120.0
PAYLOAD_BYTES: Final = 64 * 2**20
ACK_SECONDS: Final = 30.0


def topic_parameters(*, create: bool) -> tuple[Parameter, ...]:
    """Return the parameters of a topic; ``create``: what is missing is made unless told."""
    return (
        _made(create),
        Parameter(
            name="dedupe_window",
            kind="duration",
            default=DEDUPE_SECONDS,
            about="How long an id is remembered.",
        ),
        Parameter(
            name="max_payload",
            kind="size",
            default=PAYLOAD_BYTES,
            about="The largest body that is taken.",
        ),
    )


def subscription_parameters(*, create: bool) -> tuple[Parameter, ...]:
    """Return the parameters of a subscription; ``create`` as with a topic."""
    return (
        _made(create),
        Parameter(name="durable", default="default", about="The subscription's name."),
        Parameter(
            name="ack_wait",
            kind="duration",
            default=ACK_SECONDS,
            about="How long a message may take before it comes again.",
        ),
    )


SYNC: Final = Parameter(
    name="sync",
    default="full",
    choices=("full", "normal"),
    about="full: what is stored outlives a loss of power; normal: a killed process.",
)
ROOM: Final = Parameter(
    name="max_bytes",
    kind="size",
    default=0,
    about="Nothing more is taken while so much is not acknowledged; 0 = as the disk.",
)
"""What only a topic on disk has."""


def _made(create: bool) -> Parameter:
    about = "Make the topic, and the subscription, if it is missing."
    return Parameter(name="create", kind="flag", default=create, about=about)


async def send(
    messages: Sequence[Outgoing], largest: int, store: Callable[[list[Outgoing]], Awaitable[None]]
) -> list[Exception | None]:
    """Store what is small enough and whose hooks agree, as one.

    Args:
        messages: in order.
        largest: bytes of a body.
        store: stores the good ones, all or none.

    Returns:
        For each message what went wrong.
    """
    faults = [_refused(message, largest) for message in messages]
    good = [one for one, fault in zip(messages, faults, strict=True) if fault is None]
    if good:
        await store(good)
    told = zip(messages, faults, strict=True)
    return [fault or call_hook(message.after_send) for message, fault in told]


def _refused(message: Outgoing, largest: int) -> Exception | None:
    if len(message.body) > largest:
        return InvalidArgumentError(
            f"{len(message.body)} bytes are more than its limit of {largest}",
            reference="payload-too-large",
            hint="put it in a bucket and send its key, or raise max_payload",
        )
    return call_hook(message.before_send)


def check_end(location: Location) -> None:
    """Refuse a last delivery after which a message would be nowhere.

    Raises:
        InvalidArgumentError: there is a number of tries, and no place for what fails.
    """
    given = location.parameters
    if given["max_deliver"] and not given["dead_letter"]:
        raise InvalidArgumentError(
            f'cannot open "{location.shown}": after max_deliver tries a message would be lost',
            reference="url-value",
            subject=location.shown,
            hint="add dead_letter=NAME, or leave out max_deliver",
        )


def name(location: Location) -> str:
    """Return the topic's name of ``mem://NAME``.

    Raises:
        InvalidArgumentError: there is none.
    """
    found = (location.host + location.path).strip("/")
    if not found:
        raise InvalidArgumentError(
            f'cannot open "{location.shown}": it names no topic',
            reference="url-invalid",
            subject=location.shown,
            hint="mem://orders",
        )
    return found
