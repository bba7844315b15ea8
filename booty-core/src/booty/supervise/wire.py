"""Frames on a stream socket: four bytes of length, then one JSON object in UTF-8."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["LIMIT", "PROTOCOLS", "ControlError", "Feed", "WireError", "pack"]

LIMIT: Final = 4 * 1024 * 1024
"""Bytes of the largest frame, without its length."""

PROTOCOLS: Final = (1,)
"""Protocol numbers that this booty speaks, the best first."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_LENGTH: Final = struct.Struct(">I")


class WireError(Exception):
    """The other side sent something that is not a frame."""


class ControlError(Exception):
    """A fault told by, or on the way to, the supervisor.

    Floors above turn it into their own exceptions by ``booty.errors.from_data(error.data)``.

    Args:
        data: ``message reference status`` and optionally ``subject hint``, and what else belongs to
            the fault (``lines`` of a log; ``faults``, all of several).
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(str(data["message"]))
        self.data = {"status": 1, "subject": None, "hint": None, **data}

    @classmethod
    def of(
        cls,
        message: str,
        *,
        reference: str,
        status: int = 1,
        subject: str | None = None,
        hint: str | None = None,
        **more: Any,
    ) -> ControlError:
        """Return a fault from its parts; see :class:`booty.errors.BootyError` for their meaning."""
        return cls(
            {
                "status": status,
                "reference": reference,
                "message": message,
                "subject": subject,
                "hint": hint,
                **more,
            }
        )

    @classmethod
    def several(cls, faults: Sequence[ControlError]) -> ControlError:
        """Return faults that are told together: the first, with ``faults`` if there are more."""
        if len(faults) == 1:
            return faults[0]
        return cls({**faults[0].data, "faults": [fault.data for fault in faults]})

    @property
    def status(self) -> int:
        """Exit status of the branch of the exception tree."""
        return int(self.data["status"])

    @property
    def reference(self) -> str:
        """Stable kebab-case word for this kind of fault."""
        return str(self.data["reference"])

    @property
    def message(self) -> str:
        """One lower-case sentence."""
        return str(self.data["message"])


def pack(message: Mapping[str, Any]) -> bytes:
    """Return a message as one frame.

    Raises:
        WireError: the message is larger than :data:`LIMIT`.
    """
    return framed(_ENCODER.encode(message).encode())


def framed(body: bytes) -> bytes:
    """Return JSON as one frame.

    Raises:
        WireError: it is larger than :data:`LIMIT`.
    """
    if len(body) > LIMIT:
        raise WireError(f"cannot send a frame of {len(body)} bytes: the limit is {LIMIT}")
    return _LENGTH.pack(len(body)) + body


class Feed:
    """Cuts a stream of bytes into messages.

    Args:
        limit: bytes of the largest frame that is taken.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def half(self) -> bool:
        """Whether the beginning of a frame waits for its rest."""
        return bool(self._buffer)

    def add(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take bytes as they come and yield the messages that are complete.

        Raises:
            WireError: a frame is too long, or is not a JSON object.
        """
        self._buffer += data
        while (body := self._cut()) is not None:
            yield _decode(body)

    def _cut(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._limit:
            raise WireError(f"cannot read a frame of {length} bytes: the limit is {self._limit}")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return body


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"cannot read a frame: {error}") from error
    if not isinstance(message, dict):
        raise WireError("cannot read a frame: it is not a JSON object")
    return message
