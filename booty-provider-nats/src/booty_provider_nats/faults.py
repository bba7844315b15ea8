"""Which of the twelve codes a fault of NATS is."""

from __future__ import annotations

from typing import Final

from booty import clients

from booty_provider_nats.api import NOT_FOUND, ApiError

__all__ = ["LostError", "code_of", "retryable"]

_CODES: Final = {
    10071: clients.Code.FAILED_PRECONDITION,  # wrong last sequence
    10060: clients.Code.FAILED_PRECONDITION,  # another stream than expected
    10013: clients.Code.FAILED_PRECONDITION,  # the consumer is there, and is another
    10148: clients.Code.FAILED_PRECONDITION,  # likewise, since 2.10
    10058: clients.Code.FAILED_PRECONDITION,  # likewise a stream
    10065: clients.Code.FAILED_PRECONDITION,  # its subjects belong to another stream
    10054: clients.Code.INVALID_ARGUMENT,  # larger than the stream takes
    10077: clients.Code.RESOURCE_EXHAUSTED,  # the stream is full and takes nothing new
    10002: clients.Code.RESOURCE_EXHAUSTED,  # the account's limits
    10023: clients.Code.RESOURCE_EXHAUSTED,
    10028: clients.Code.RESOURCE_EXHAUSTED,
    10047: clients.Code.RESOURCE_EXHAUSTED,
    10035: clients.Code.NOT_FOUND,  # JetStream is not on
    10039: clients.Code.NOT_FOUND,  # likewise for this account
}
"""By NATS's own numbers."""
_STATUS: Final = {
    400: clients.Code.INVALID_ARGUMENT,
    403: clients.Code.PERMISSION_DENIED,
    404: clients.Code.NOT_FOUND,
    429: clients.Code.RESOURCE_EXHAUSTED,
}
_DENIED: Final = ("authorization", "permissions violation", "authentication")


class LostError(Exception):
    """The connection went away, or an answer did not come: nobody knows what was done."""


def code_of(error: Exception) -> clients.Code:
    """Return the code of what nats-py raised, or NATS answered."""
    from nats import errors

    if isinstance(error, ApiError):
        return _of_answer(error)
    if isinstance(error, errors.AuthorizationError) or _denied(str(error)):
        return clients.Code.PERMISSION_DENIED
    if isinstance(error, errors.MaxPayloadError | errors.BadSubjectError | errors.BadHeaderError):
        return clients.Code.INVALID_ARGUMENT
    return clients.code_of(error)


def _of_answer(error: ApiError) -> clients.Code:
    if error.number in NOT_FOUND:
        return clients.Code.NOT_FOUND
    return _CODES.get(error.number) or _STATUS.get(error.code, clients.Code.UNKNOWN)


def _denied(text: str) -> bool:
    return any(word in text.lower() for word in _DENIED)


def retryable(error: Exception) -> bool:
    """Tell whether a later try may go well: each has the same id, so nothing is stored twice."""
    if isinstance(error, ApiError):
        passing = error.code == 503 and error.number not in _CODES  # noqa: PLR2004 - as in HTTP
        return passing or error.code == 429  # noqa: PLR2004 - likewise
    return isinstance(error, LostError)
