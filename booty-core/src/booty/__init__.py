"""booty: one file describes an environment, one command makes it run.

This module is the public door: everything that providers and embedding programs may import.
Names are loaded when they are first used, so that ``import booty`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty import clients
    from booty.clients.bucket.face import Bucket
    from booty.clients.bucket.opening import open_bucket
    from booty.clients.bucket.sync import SyncBucket
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
    )
    from booty.clients.pubsub.message import Message, Outgoing
    from booty.clients.pubsub.opening import open_subscription, open_topic
    from booty.clients.pubsub.subscription import Subscription
    from booty.clients.pubsub.sync import SyncSubscription, SyncTopic
    from booty.clients.pubsub.topic import Topic
    from booty.errors import (
        BootyError,
        BootyErrors,
        ConfigError,
        ConflictError,
        FetchError,
        HealthError,
        LostError,
        ProviderError,
        RunError,
        StartError,
        StopError,
        VerifyError,
    )
    from booty.hookspecs import API, hookimpl
    from booty.model.component import (
        Component,
        Interface,
        Metrics,
        Need,
        Port,
        Probe,
        Resource,
        SecretNeed,
        Want,
    )
    from booty.model.expand import Role
    from booty.model.instance import (
        Command,
        Consumer,
        Dirs,
        Endpoint,
        File,
        Instance,
        Launch,
        Link,
        Peer,
        Service,
    )
    from booty.model.plan import Artifact, ArtifactWish
    from booty.model.platform import Platform
    from booty.model.problem import Problem
    from booty.model.reference import Secret
    from booty.model.source import Deb, GoInstall, Module, OnPath, Release, Signature, Source, Wheel
    from booty.model.stack import ServiceSpec
    from booty.model.state import Change, Event, Exit, Health, State
    from booty.stack import Stack
    from booty.sync import SyncStack

__all__ = [
    "API",
    "AlreadyExistsError",
    "Artifact",
    "ArtifactWish",
    "BootyError",
    "BootyErrors",
    "Bucket",
    "CanceledError",
    "Change",
    "ClientError",
    "Code",
    "Command",
    "Component",
    "ConfigError",
    "ConflictError",
    "Consumer",
    "DeadlineExceededError",
    "Deb",
    "Dirs",
    "Endpoint",
    "Event",
    "Exit",
    "FailedPreconditionError",
    "FetchError",
    "File",
    "GoInstall",
    "Health",
    "HealthError",
    "Instance",
    "Interface",
    "InternalError",
    "InvalidArgumentError",
    "Launch",
    "Link",
    "LostError",
    "Message",
    "Metrics",
    "Module",
    "Need",
    "NotFoundError",
    "OnPath",
    "Outgoing",
    "Peer",
    "PermissionDeniedError",
    "Platform",
    "Port",
    "Probe",
    "Problem",
    "ProviderError",
    "Release",
    "Resource",
    "ResourceExhaustedError",
    "Role",
    "RunError",
    "Secret",
    "SecretNeed",
    "Service",
    "ServiceSpec",
    "Signature",
    "Source",
    "Stack",
    "StartError",
    "State",
    "StopError",
    "Subscription",
    "SyncBucket",
    "SyncStack",
    "SyncSubscription",
    "SyncTopic",
    "Topic",
    "UnimplementedError",
    "UnknownError",
    "VerifyError",
    "Want",
    "Wheel",
    "__version__",
    "clients",
    "hookimpl",
    "open_bucket",
    "open_subscription",
    "open_topic",
]

__version__: Final = "0.4.0"

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "booty.clients.bucket.face": ("Bucket",),
    "booty.clients.bucket.opening": ("open_bucket",),
    "booty.clients.bucket.sync": ("SyncBucket",),
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
    ),
    "booty.clients.pubsub.message": ("Message", "Outgoing"),
    "booty.clients.pubsub.opening": ("open_subscription", "open_topic"),
    "booty.clients.pubsub.subscription": ("Subscription",),
    "booty.clients.pubsub.sync": ("SyncSubscription", "SyncTopic"),
    "booty.clients.pubsub.topic": ("Topic",),
    "booty.errors": (
        "BootyError",
        "BootyErrors",
        "ConfigError",
        "ConflictError",
        "FetchError",
        "HealthError",
        "LostError",
        "ProviderError",
        "RunError",
        "StartError",
        "StopError",
        "VerifyError",
    ),
    "booty.hookspecs": ("API", "hookimpl"),
    "booty.model.component": (
        "Component",
        "Interface",
        "Metrics",
        "Need",
        "Port",
        "Probe",
        "Resource",
        "SecretNeed",
        "Want",
    ),
    "booty.model.expand": ("Role",),
    "booty.model.instance": (
        "Command",
        "Consumer",
        "Dirs",
        "Endpoint",
        "File",
        "Instance",
        "Launch",
        "Link",
        "Peer",
        "Service",
    ),
    "booty.model.plan": ("Artifact", "ArtifactWish"),
    "booty.model.platform": ("Platform",),
    "booty.model.problem": ("Problem",),
    "booty.model.reference": ("Secret",),
    "booty.model.source": (
        "Deb",
        "GoInstall",
        "Module",
        "OnPath",
        "Release",
        "Signature",
        "Source",
        "Wheel",
    ),
    "booty.model.stack": ("ServiceSpec",),
    "booty.model.state": ("Change", "Event", "Exit", "Health", "State"),
    "booty.stack": ("Stack",),
    "booty.sync": ("SyncStack",),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first asked for."""
    import importlib  # brings its warnings along

    if name == "clients":
        return importlib.import_module("booty.clients")
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
