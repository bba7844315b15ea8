"""Pure planning: configuration + components + saved state + what the machine offers -> plan.

Nothing here touches disk, network, processes or the clock. The same input gives the same plan to
the byte.
"""

from __future__ import annotations

from booty.plan.environment import env, variables
from booty.plan.graph import graph
from booty.plan.making import make, resolve
from booty.plan.sheet import digest, from_json, sheet, to_json
from booty.plan.steps import diff, steps

__all__ = [
    "diff",
    "digest",
    "env",
    "from_json",
    "graph",
    "make",
    "resolve",
    "sheet",
    "steps",
    "to_json",
    "variables",
]
