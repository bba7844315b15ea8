"""Secret values: where they live, how they are made, how they reach a supervisor.

Values live in one backend; everything else in booty holds references
(:class:`booty.model.reference.Secret`). A value is never in an exception, a ``repr`` or a log.
"""

from __future__ import annotations

from booty.secrets.backend import BACKENDS, Backend, backend
from booty.secrets.handover import to_memfd
from booty.secrets.making import materialise, missing, rotate

__all__ = ["BACKENDS", "Backend", "backend", "materialise", "missing", "rotate", "to_memfd"]
