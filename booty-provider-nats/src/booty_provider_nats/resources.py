"""What ``bootstrap`` can make inside a NATS service, as it is written in booty.toml. Data only."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

__all__ = ["Bucket", "Consumer", "Objects", "Stream"]

_SIZE = {"unit": "size"}
_DURATION = {"unit": "duration"}


@frozen(kw_only=True)
class Stream:
    """``[services.S.streams.NAME]``; the name is the stream's.

    Attributes:
        subjects: what is stored; none for a mirror or a stream that only has sources.
        description: for people.
        storage: ``file`` or ``memory``.
        retention: ``limits``, ``interest`` or ``workqueue``.
        discard: what gives way at a limit: ``old`` messages or ``new`` ones.
        max_messages: -1 = any number.
        max_messages_per_subject: -1 = any number.
        max_bytes: -1 = as much as the account may have.
        max_age: seconds a message is kept; 0 = for ever.
        max_message_size: bytes; -1 = what the server allows.
        max_consumers: -1 = any number.
        duplicate_window: seconds in which a ``Nats-Msg-Id`` is taken once only.
        replicas: copies; 0 = 3 in a cluster, 1 on a single server.
        compression: ``none`` or ``s2``.
        mirror: name of the stream that this one is a copy of.
        sources: names of streams that flow into this one.
    """

    subjects: tuple[str, ...] = ()
    description: str = ""
    storage: Literal["file", "memory"] = "file"
    retention: Literal["limits", "interest", "workqueue"] = "limits"
    discard: Literal["old", "new"] = "old"
    max_messages: int = -1
    max_messages_per_subject: int = -1
    max_bytes: int = field(default=-1, metadata=_SIZE)
    max_age: float = field(default=0.0, metadata=_DURATION)
    max_message_size: int = field(default=-1, metadata=_SIZE)
    max_consumers: int = -1
    duplicate_window: float = field(default=120.0, metadata=_DURATION)
    replicas: int = 0
    compression: Literal["none", "s2"] = "none"
    mirror: str = ""
    sources: tuple[str, ...] = ()


@frozen(kw_only=True)
class Consumer:
    """``[services.S.consumers.NAME]``: a durable pull consumer of a stream.

    Attributes:
        stream: the stream it reads; a declared one, or one that is there.
        subjects: only messages with these subjects; none = all.
        description: for people.
        deliver: where it begins: ``all``, ``last``, ``last-per-subject`` or ``new``.
        ack: ``explicit``, ``all`` or ``none``.
        ack_wait: seconds after which an unacknowledged message comes again.
        max_deliver: how often a message is tried; -1 = until it is acknowledged.
        max_ack_pending: how many may be unacknowledged at one time.
        replicas: copies of its state; 0 = as the stream.
    """

    stream: str
    subjects: tuple[str, ...] = ()
    description: str = ""
    deliver: Literal["all", "last", "last-per-subject", "new"] = "all"
    ack: Literal["explicit", "all", "none"] = "explicit"
    ack_wait: float = field(default=30.0, metadata=_DURATION)
    max_deliver: int = -1
    max_ack_pending: int = 1000
    replicas: int = 0


@frozen(kw_only=True)
class Bucket:
    """``[services.S.kv.NAME]``: a key-value bucket.

    Attributes:
        description: for people.
        history: values kept of each key, 1 to 64.
        ttl: seconds a value is kept; 0 = for ever.
        max_bytes: -1 = as much as the account may have.
        max_value_size: bytes; -1 = what the server allows.
        storage: ``file`` or ``memory``.
        replicas: copies; 0 = 3 in a cluster, 1 on a single server.
        compression: ``none`` or ``s2``.
    """

    description: str = ""
    history: int = 1
    ttl: float = field(default=0.0, metadata=_DURATION)
    max_bytes: int = field(default=-1, metadata=_SIZE)
    max_value_size: int = field(default=-1, metadata=_SIZE)
    storage: Literal["file", "memory"] = "file"
    replicas: int = 0
    compression: Literal["none", "s2"] = "none"


@frozen(kw_only=True)
class Objects:
    """``[services.S.objects.NAME]``: an object bucket.

    Attributes:
        description: for people.
        ttl: seconds an object is kept; 0 = for ever.
        max_bytes: -1 = as much as the account may have.
        storage: ``file`` or ``memory``.
        replicas: copies; 0 = 3 in a cluster, 1 on a single server.
        compression: ``none`` or ``s2``.
    """

    description: str = ""
    ttl: float = field(default=0.0, metadata=_DURATION)
    max_bytes: int = field(default=-1, metadata=_SIZE)
    storage: Literal["file", "memory"] = "file"
    replicas: int = 0
    compression: Literal["none", "s2"] = "none"
