"""The cases of buckets (B), by what they are about; importing this module registers them all."""

from __future__ import annotations

from booty.testing.conformance.buckets import (
    attributes,
    conditions,
    content,
    copying,
    deleting,
    durability,
    listing,
    metadata,
    portable,
    reading,
    signing,
    writing,
)
from booty.testing.conformance.buckets.place import CASES, Place

__all__ = [
    "CASES",
    "Place",
    "attributes",
    "conditions",
    "content",
    "copying",
    "deleting",
    "durability",
    "listing",
    "metadata",
    "portable",
    "reading",
    "signing",
    "writing",
]
