"""Portable clients: one type for buckets, topics and subscriptions each, and a driver a scheme.

This module is what a driver is written against (``from booty import clients``); programs find what
they need in :mod:`booty` itself. Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.clients.blocking import Blocking, portal
    from booty.clients.bucket.checks import LONGEST_KEY
    from booty.clients.bucket.driver import BucketDriver, ObjectReader, ObjectWriter, call_before
    from booty.clients.bucket.face import Bucket
    from booty.clients.bucket.listing import paged
    from booty.clients.bucket.nouns import (
        Attributes,
        Before,
        Listed,
        ListRequest,
        Page,
        SignRequest,
        WriteRequest,
    )
    from booty.clients.bucket.opening import open_bucket
    from booty.clients.bucket.reader import Reader
    from booty.clients.bucket.sync import SyncBucket
    from booty.clients.bucket.writer import Writer
    from booty.clients.calls import calling, wrapped
    from booty.clients.capability import Capability
    from booty.clients.drivers import Driver, Opener, find, schemes
    from booty.clients.errors import (
        AlreadyExistsError,
        CanceledError,
        ClientError,
        Code,
        DeadlineExceededError,
        FailedPreconditionError,
        InternalError,
        InvalidArgumentError,
        NotFoundError,
        PermissionDeniedError,
        ResourceExhaustedError,
        UnimplementedError,
        UnknownError,
        code_of,
        error_of,
        os_code,
        raise_arguments,
    )
    from booty.clients.file.signing import Signer
    from booty.clients.location import Location, Parameter
    from booty.clients.pubsub.driver import SubscriptionDriver, TopicDriver
    from booty.clients.pubsub.hooks import call_hook
    from booty.clients.pubsub.message import Delivery, Outgoing

__all__ = [
    "LONGEST_KEY",
    "AlreadyExistsError",
    "Attributes",
    "Before",
    "Blocking",
    "Bucket",
    "BucketDriver",
    "CanceledError",
    "Capability",
    "ClientError",
    "Code",
    "DeadlineExceededError",
    "Delivery",
    "Driver",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "ListRequest",
    "Listed",
    "Location",
    "NotFoundError",
    "ObjectReader",
    "ObjectWriter",
    "Opener",
    "Outgoing",
    "Page",
    "Parameter",
    "PermissionDeniedError",
    "Reader",
    "ResourceExhaustedError",
    "SignRequest",
    "Signer",
    "SubscriptionDriver",
    "SyncBucket",
    "TopicDriver",
    "UnimplementedError",
    "UnknownError",
    "WriteRequest",
    "Writer",
    "call_before",
    "call_hook",
    "calling",
    "code_of",
    "error_of",
    "find",
    "open_bucket",
    "os_code",
    "paged",
    "portal",
    "raise_arguments",
    "schemes",
    "wrapped",
]

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "booty.clients.bucket.checks": ("LONGEST_KEY",),
    "booty.clients.bucket.driver": ("BucketDriver", "ObjectReader", "ObjectWriter", "call_before"),
    "booty.clients.bucket.face": ("Bucket",),
    "booty.clients.bucket.listing": ("paged",),
    "booty.clients.bucket.nouns": (
        "Attributes",
        "Before",
        "Listed",
        "ListRequest",
        "Page",
        "SignRequest",
        "WriteRequest",
    ),
    "booty.clients.bucket.opening": ("open_bucket",),
    "booty.clients.bucket.reader": ("Reader",),
    "booty.clients.bucket.sync": ("SyncBucket",),
    "booty.clients.bucket.writer": ("Writer",),
    "booty.clients.file.signing": ("Signer",),
    "booty.clients.blocking": ("Blocking", "portal"),
    "booty.clients.calls": ("calling", "wrapped"),
    "booty.clients.capability": ("Capability",),
    "booty.clients.errors": (
        "AlreadyExistsError",
        "CanceledError",
        "ClientError",
        "Code",
        "DeadlineExceededError",
        "FailedPreconditionError",
        "InternalError",
        "InvalidArgumentError",
        "NotFoundError",
        "PermissionDeniedError",
        "ResourceExhaustedError",
        "UnimplementedError",
        "UnknownError",
        "code_of",
        "error_of",
        "os_code",
        "raise_arguments",
    ),
    "booty.clients.location": ("Location", "Parameter"),
    "booty.clients.pubsub.driver": ("SubscriptionDriver", "TopicDriver"),
    "booty.clients.pubsub.hooks": ("call_hook",),
    "booty.clients.pubsub.message": ("Delivery", "Outgoing"),
    "booty.clients.drivers": ("Driver", "Opener", "find", "schemes"),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first asked for."""
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
