"""What ``settings`` of a NATS service may hold. Data only."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["Settings"]

_SIZE = {"unit": "size"}
_DURATION = {"unit": "duration"}


@frozen(kw_only=True)
class Settings:
    """Settings of a NATS server; the same for all members of a cluster.

    Attributes:
        domain: JetStream domain, for leaf nodes; empty = none.
        max_payload: largest message, bytes; NATS allows 64 MiB, and advises 8 at most.
        max_connections: clients at one time.
        max_memory: bytes that streams in memory may take; none = three quarters of the RAM.
        max_file: bytes that streams on disk may take; none = three quarters of what is free.
        sync_interval: how often written messages are forced to the disk, a duration such as
            ``2m``, or ``always`` = before each is acknowledged. A killed server loses nothing
            either way; the setting is about power cuts.
        tls: whether clients, members, leaf nodes and web sockets talk TLS, with certificates of the
            stack's own authority.
        lame_duck_grace_period: seconds between telling clients to go elsewhere and sending off.
        lame_duck_duration: seconds over which they are sent off; at least 30, by NATS's own rule.
            With few clients it takes at most a second for each.
        debug: whether the server logs what it does.
        trace: whether it logs every message of the protocol.
    """

    domain: str = ""
    max_payload: int = field(default=1024 * 1024, metadata=_SIZE)
    max_connections: int = 65536
    max_memory: int | None = field(default=None, metadata=_SIZE)
    max_file: int | None = field(default=None, metadata=_SIZE)
    sync_interval: str = field(default="2m", metadata={"others": ("always",)})
    tls: bool = False
    lame_duck_grace_period: float = field(default=1.0, metadata=_DURATION)
    lame_duck_duration: float = field(default=30.0, metadata=_DURATION)
    debug: bool = False
    trace: bool = False
