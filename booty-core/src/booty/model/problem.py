"""What ``doctor`` and ``preflight`` find on a machine."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Problem"]


@frozen(kw_only=True)
class Problem:
    """One finding.

    Attributes:
        id: stable kebab-case word (``low-nofile``).
        level: ``ok``, ``info``, ``warning`` or ``error`` (keeps ``up`` from starting).
        message: what was found, one sentence.
        fix: what to type or do; empty for ``ok``.
    """

    id: str
    level: str
    message: str
    fix: str = ""
