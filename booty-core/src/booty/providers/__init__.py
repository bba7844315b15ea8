"""Providers: found by entry point, loaded one at a time, asked one verb at a time.

The owner stands in the id: ``tidb/pd`` belongs to ``tidb``. A verb goes to that provider, and only
that one is imported; a broken one fails alone, with a sentence that says what to do.
"""

from __future__ import annotations

from booty.providers.answers import checked, hook_failed
from booty.providers.installed import Listed, commands, drivers, installed
from booty.providers.loading import VERBS, Provider, component, load

__all__ = [
    "VERBS",
    "Listed",
    "Provider",
    "checked",
    "commands",
    "component",
    "drivers",
    "hook_failed",
    "installed",
    "load",
]
