"""The twelve codes, and one exception for each that is an error.

A program acts on the code (or the class), never on the text; what a driver's own library raised is
the cause, and can be had as ``native``. The codes are those of the Go CDK, so a program that knows
them from there finds its way.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Final

from booty.errors import BootyError

__all__ = [
    "AlreadyExistsError",
    "CanceledError",
    "ClientError",
    "Code",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "UnimplementedError",
    "UnknownError",
    "code_of",
    "error_of",
    "os_code",
    "raise_arguments",
]


class Code(StrEnum):
    """How a call ended, whatever the driver."""

    OK = "ok"
    UNKNOWN = "unknown"
    NOT_FOUND = "not-found"
    ALREADY_EXISTS = "already-exists"
    INVALID_ARGUMENT = "invalid-argument"
    INTERNAL = "internal"
    UNIMPLEMENTED = "unimplemented"
    FAILED_PRECONDITION = "failed-precondition"
    PERMISSION_DENIED = "permission-denied"
    RESOURCE_EXHAUSTED = "resource-exhausted"
    CANCELED = "canceled"
    DEADLINE_EXCEEDED = "deadline-exceeded"


class ClientError(BootyError):
    """A call of a portable client that did not end well; its subclasses are the eleven codes.

    Args:
        message: one sentence, "cannot … "key"", without a period.
        reference: stable kebab-case word for this kind of fault; the code's own word if not given.
        subject: the key, topic or URL that the call was about.
        hint: what to do next; ``None`` where nothing can be done.
        native: what the driver's own library raised; ``None`` if the fault is ours.
        faults: each fault alone, where several were found in one go.
    """

    code: ClassVar[Code] = Code.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        reference: str | None = None,
        subject: str | None = None,
        hint: str | None = None,
        native: BaseException | None = None,
        faults: Sequence[ClientError] = (),
    ) -> None:
        reference = self.code.value if reference is None else reference
        super().__init__(message, reference=reference, subject=subject, hint=hint)
        self.native = native
        self.faults = tuple(faults)

    def to_data(self) -> dict[str, Any]:
        """Return the fault as JSON data, with its ``code`` and, of several, ``faults``."""
        data = {**super().to_data(), "code": self.code.value}
        return {**data, "faults": [one.to_data() for one in self.faults]} if self.faults else data


class UnknownError(ClientError):
    """None of the other codes fits: a lost connection, an answer that nobody foresaw."""


class NotFoundError(ClientError):
    """The object, bucket, topic or subscription does not exist."""

    code = Code.NOT_FOUND


class AlreadyExistsError(ClientError):
    """What was to be made is there already."""

    code = Code.ALREADY_EXISTS


class InvalidArgumentError(ClientError):
    """What was asked is wrong, whatever the state of the server."""

    code = Code.INVALID_ARGUMENT


class InternalError(ClientError):
    """The server broke, or a driver's answer contradicts itself."""

    code = Code.INTERNAL


class UnimplementedError(ClientError):
    """The driver, or the engine behind it, cannot do this."""

    code = Code.UNIMPLEMENTED


class FailedPreconditionError(ClientError):
    """The state does not allow it: a condition that does not hold, a client that is closed."""

    code = Code.FAILED_PRECONDITION


class PermissionDeniedError(ClientError):
    """The credentials are wrong, expired, or do not allow it."""

    code = Code.PERMISSION_DENIED


class ResourceExhaustedError(ClientError):
    """A disk, a quota or a server has no room or time left."""

    code = Code.RESOURCE_EXHAUSTED


class CanceledError(ClientError):
    """The call was cancelled; said only where a cancellation is reported as an error."""

    code = Code.CANCELED


class DeadlineExceededError(ClientError):
    """A time limit of ours passed."""

    code = Code.DEADLINE_EXCEEDED


_CLASSES: Final[dict[Code, type[ClientError]]] = {
    kind.code: kind
    for kind in (
        UnknownError,
        NotFoundError,
        AlreadyExistsError,
        InvalidArgumentError,
        InternalError,
        UnimplementedError,
        FailedPreconditionError,
        PermissionDeniedError,
        ResourceExhaustedError,
        CanceledError,
        DeadlineExceededError,
    )
}
_OS: Final[dict[int | None, Code]] = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.ENOTDIR: Code.NOT_FOUND,
    errno.EEXIST: Code.ALREADY_EXISTS,
    errno.EISDIR: Code.FAILED_PRECONDITION,
    errno.ENOTEMPTY: Code.FAILED_PRECONDITION,
    errno.ENAMETOOLONG: Code.INVALID_ARGUMENT,
    errno.EACCES: Code.PERMISSION_DENIED,
    errno.EPERM: Code.PERMISSION_DENIED,
    errno.EROFS: Code.PERMISSION_DENIED,
    errno.ENOSPC: Code.RESOURCE_EXHAUSTED,
    errno.EDQUOT: Code.RESOURCE_EXHAUSTED,
    errno.EFBIG: Code.RESOURCE_EXHAUSTED,
    errno.EMFILE: Code.RESOURCE_EXHAUSTED,
    errno.ENFILE: Code.RESOURCE_EXHAUSTED,
    errno.ENOMEM: Code.RESOURCE_EXHAUSTED,
    errno.ETIMEDOUT: Code.DEADLINE_EXCEEDED,
}


def error_of(code: Code) -> type[ClientError]:
    """Return the exception of a code; :class:`UnknownError` for ``OK``, which is none."""
    return _CLASSES.get(code, UnknownError)


def os_code(error: OSError) -> Code:
    """Return the code of what the operating system refused."""
    return _OS.get(error.errno, Code.UNKNOWN)


def code_of(error: BaseException | None) -> Code:
    """Return the code of any exception, ours or not.

    Args:
        error: what was raised; ``None`` for a call that went well.

    Returns:
        The code; ``UNKNOWN`` for what says nothing about itself.
    """
    if error is None:
        return Code.OK
    if isinstance(error, ClientError):
        return error.code
    if isinstance(error, TimeoutError):
        return Code.DEADLINE_EXCEEDED
    if isinstance(error, OSError):
        return os_code(error)
    return Code.CANCELED if _cancelled(error) else Code.UNKNOWN


def _cancelled(error: BaseException) -> bool:
    from asyncio import CancelledError  # only where somebody runs a loop already

    return isinstance(error, CancelledError)


def raise_arguments(message: str, faults: Sequence[ClientError], subject: str | None) -> None:
    """Raise what was wrong with one call: nothing for none, the fault for one, else all in one.

    Args:
        message: the sentence over several faults, "cannot … "value"".
        faults: what was found, in the order in which it is told.
        subject: what the call was about.

    Raises:
        InvalidArgumentError: with ``faults``, if there are two or more.
        ClientError: the only fault.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        words = "; ".join(one.message for one in faults)
        hints = "; ".join(dict.fromkeys(one.hint for one in faults if one.hint)) or None
        text = f"{message}: {words}"
        raise InvalidArgumentError(text, subject=subject, hint=hints, faults=faults)
