"""Pure planning: configuration + components + saved state + what the machine offers -> plan.

Nothing here touches disk, network, processes or the clock. The same input gives the same plan to
the byte.
"""

from __future__ import annotations

from booty.plan.environment import env, variables
from booty.plan.graph import graph
from booty.plan.making import Deciding, make, once
from booty.plan.programs import resolve, tools, unfetched
from booty.plan.sheet import digest, from_json, sheet, to_json
from booty.plan.steps import diff, steps

__all__ = [
    "Deciding",
    "diff",
    "digest",
    "env",
    "from_json",
    "graph",
    "make",
    "once",
    "resolve",
    "sheet",
    "steps",
    "to_json",
    "tools",
    "unfetched",
    "variables",
]
