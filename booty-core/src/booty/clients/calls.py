"""One call of a portable client: a span around it, errors of ours whatever the driver raises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from booty.clients.errors import ClientError, Code, code_of, error_of

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["calling", "spanning", "traced", "wrapped"]

_TRACER: Final = "booty.clients"
_LOADED: Final = "opentelemetry.trace"


def traced() -> bool:
    """Tell whether spans are made: who wants them has OpenTelemetry set up, and so loaded."""
    return _LOADED in sys.modules


class calling:  # noqa: N801 - used like a function; a generator costs each call 2 microseconds more
    """Do something with a driver; what it raises leaves as one of the eleven errors.

    A span is made if the program has OpenTelemetry loaded (the extra ``otel`` installs it). A
    cancellation passes as it is.

    Args:
        doing: what is done, for the sentence: ``read`` becomes "cannot read "key": …".
        subject: the key or topic that it is done to.
        code: the driver's own view of what its library raises.
        span: the span's name; empty for none.

    Raises:
        ClientError: with the driver's exception as its cause and as ``native``.
    """

    __slots__ = ("_code", "_doing", "_span", "_subject")

    def __init__(
        self,
        doing: str,
        subject: str,
        code: Callable[[Exception], Code] = code_of,
        *,
        span: str = "",
    ) -> None:
        self._doing = doing
        self._subject = subject
        self._code = code
        self._span = spanning(span, subject) if span and traced() else None

    def __enter__(self) -> None:
        if self._span is not None:
            self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fault = error
        if isinstance(error, Exception):
            fault = wrapped(error, self._doing, self._subject, self._code)
        if self._span is not None:
            self._span.__exit__(None if fault is None else type(fault), fault, trace)
        if fault is not error and fault is not None:
            raise fault from error


def wrapped(
    error: Exception, doing: str, subject: str, code: Callable[[Exception], Code] = code_of
) -> ClientError:
    """Return one of the eleven errors for what a driver raised."""
    if isinstance(error, ClientError):
        said, found, native = error.message, error.code, error.native
        hint, reference = error.hint, error.reference
    else:
        said, found, native = str(error) or type(error).__name__, code(error), error
        hint, reference = None, None
    kind = error_of(found)
    message = f'cannot {doing} "{subject}": {said}'
    return kind(message, reference=reference, subject=subject, hint=hint, native=native)


@contextmanager
def spanning(name: str, subject: str) -> Iterator[None]:
    """Make a span around something whose errors are ours already."""
    tracer = sys.modules[_LOADED].get_tracer(_TRACER)
    with tracer.start_as_current_span(name, attributes={"booty.subject": subject}) as span:
        try:
            yield
        except ClientError as error:
            span.set_attribute("error.type", error.code.value)
            raise
