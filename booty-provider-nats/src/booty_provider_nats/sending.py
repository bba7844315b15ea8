"""``nats://`` topics: a subject that a stream keeps; stored once, however often it is sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from booty import clients

from booty_provider_nats import faults, headers, places
from booty_provider_nats.api import ApiError, accepted
from booty_provider_nats.link import Address, Link, Question

if TYPE_CHECKING:
    from nats.aio.msg import Msg

__all__ = ["CAPABILITIES", "OURS", "TopicDriver"]

BATCH: Final = 1000
OURS: Final = "booty-"
"""What an id begins with that was made here: it is for the server alone."""
STREAM: Final = "Nats-Expected-Stream"
_NO_RESPONDERS: Final = "503"
_FAULT: Final = b'"error"'
CAPABILITIES: Final = frozenset(
    (
        clients.Capability.METADATA,
        clients.Capability.SERVER,
        clients.Capability.HOOKS,
        clients.Capability.NATIVE,
        clients.Capability.FANOUT,
        clients.Capability.NACK,
        clients.Capability.BATCH,
        clients.Capability.REDELIVERY,
        clients.Capability.DEDUPE,
        clients.Capability.DURABLE,
        clients.Capability.DELAY,
        clients.Capability.ORDERING,
        clients.Capability.DEAD_LETTER,
        clients.Capability.EXTEND,
    )
)


class TopicDriver:
    """The driver.

    Args:
        location: ``nats://[USER:PASSWORD@]HOST[:PORT][,HOST…]/SUBJECT?…``.
    """

    capabilities = CAPABILITIES
    max_batch = BATCH

    def __init__(self, location: clients.Location) -> None:
        self._subject = places.subject_of(location, pattern=False)
        self._given = location.parameters
        self._link = Link(Address.of(location), f"topic {self._subject}")
        self._looked = not self._given["create"]
        self._stream: str = self._given["stream"]
        self._prefix = f"{OURS}{uuid.uuid4().hex[:16]}-"

    def code(self, error: Exception) -> clients.Code:
        """Judge what NATS or its library says."""
        return faults.code_of(error)

    def retryable(self, error: Exception) -> bool:
        """Tell whether a later try may go well."""
        return faults.retryable(error)

    def native(self) -> tuple[object, ...]:
        """Give the connection, and its JetStream, once there is one."""
        connection = self._link.connection
        return () if connection is None else (connection, connection.jetstream())

    async def close(self) -> None:
        """Let go."""
        await self._link.close()

    async def send(
        self, messages: Sequence[clients.Outgoing], numbers: Sequence[int]
    ) -> Sequence[Exception | None]:
        """Publish, and wait until the stream has stored it."""
        if not self._looked:
            await places.stream(await self._link.ready(), self._subject, self._given)
            self._looked = True
        if len(messages) == 1 and messages[0].before_send is None is messages[0].after_send:
            return [await self._alone(messages[0], numbers[0])]
        questions = [self._question(*one) for one in zip(messages, numbers, strict=True)]
        answers = iter(await self._link.ask([q for q in questions if isinstance(q, Question)]))
        found = [q if isinstance(q, Exception) else _fault(next(answers)) for q in questions]
        if any(isinstance(one, _SilenceError) for one in found):
            found = await self._explained(found)
        told = zip(messages, found, strict=True)
        return [fault or clients.call_hook(message.after_send) for message, fault in told]

    async def _alone(self, message: clients.Outgoing, number: int) -> Exception | None:
        question = self._question(message, number)
        fault = (
            _fault(await self._link.ask_one(question))
            if isinstance(question, Question)
            else question
        )
        return (await self._explained([fault]))[0] if isinstance(fault, _SilenceError) else fault

    def _question(self, message: clients.Outgoing, number: int) -> Question | Exception:
        given = headers.encoded(message.metadata) if message.metadata else {}
        name = headers.value_of(message.id) if message.id else f"{self._prefix}{number}"
        given[headers.ID] = name
        if message.key:
            given[headers.KEY] = headers.value_of(message.key)
        if self._stream:
            given[STREAM] = self._stream
        question = Question(self._subject, bytes(message.body), given)
        return question if message.before_send is None else _hooked(message, question)

    async def _explained(self, found: list[Exception | None]) -> list[Exception | None]:
        # nobody listens to the subject: there is no stream, or it has no leader at this moment
        fault: Exception = faults.LostError("the stream has no leader")
        try:
            await places.stream(await self._link.ready(), self._subject, self._given)
        except ApiError as error:
            fault = error
        return [fault if isinstance(one, _SilenceError) else one for one in found]


class _SilenceError(Exception):
    """Nobody listens to a subject."""


def _hooked(message: clients.Outgoing, question: Question) -> Question | Exception:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    native = Msg(Client(), question.subject, "", question.body, question.headers)
    raised = clients.call_hook(message.before_send, native)
    return raised or Question(native.subject, native.data, native.headers)


def _fault(answer: Msg | Exception) -> Exception | None:
    if isinstance(answer, Exception):
        return answer
    if _FAULT not in answer.data and answer.data:
        return None
    if not answer.data and (answer.headers or {}).get("Status") == _NO_RESPONDERS:
        return _SilenceError()
    try:
        accepted(json.loads(answer.data or b"{}"))
    except ApiError as error:
        return error
    return None
