"""Secret values: where they live, how they are made, how they reach a supervisor.

Values live in one backend; everything else in booty holds references
(:class:`booty.model.reference.Secret`). A value is never in an exception, a ``repr`` or a log.
What makes values is loaded when it is first asked for: a start without secrets does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.secrets.backend import BACKENDS, Backend, backend
from booty.secrets.handover import to_memfd
from booty.secrets.known import known

if TYPE_CHECKING:
    from booty.secrets.making import materialise, missing, rotate

__all__ = [
    "BACKENDS",
    "Backend",
    "backend",
    "known",
    "materialise",
    "missing",
    "rotate",
    "to_memfd",
]

_MAKING: Final = frozenset(("materialise", "missing", "rotate"))


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for."""
    if name not in _MAKING:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from booty.secrets import making

    return getattr(making, name)
