"""Fetching with trust: sources, verification, unpacking, store, lock."""

from __future__ import annotations

from booty.fetch.getting import ensure, stored
from booty.fetch.lock import Lock, Locked
from booty.fetch.progress import Progress, Tell, silent
from booty.fetch.store import Store

__all__ = ["Lock", "Locked", "Progress", "Store", "Tell", "ensure", "silent", "stored"]
