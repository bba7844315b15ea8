"""One call of a portable client: a span around it, errors of ours whatever the driver raises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from booty.clients.errors import ClientError, Code, code_of, error_of

__all__ = ["calling", "wrapped"]

_TRACER: Final = "booty.clients"


@contextmanager
def calling(
    doing: str, subject: str, code: Callable[[Exception], Code] = code_of, *, span: str = ""
) -> Iterator[None]:
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
    with _span(span, subject):
        try:
            yield
        except Exception as error:
            raise wrapped(error, doing, subject, code) from error


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
def _span(name: str, subject: str) -> Iterator[None]:
    tracer = _tracer() if name else None
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(name, attributes={"booty.subject": subject}) as span:
        try:
            yield
        except ClientError as error:
            span.set_attribute("error.type", error.code.value)
            raise


def _tracer() -> Any:
    # who wants spans has set OpenTelemetry up, and so has it loaded; others pay nothing
    trace = sys.modules.get("opentelemetry.trace")
    return None if trace is None else trace.get_tracer(_TRACER)
