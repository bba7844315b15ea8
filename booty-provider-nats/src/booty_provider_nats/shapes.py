"""Declared resources as JetStream's own configurations. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty import Instance

    from booty_provider_nats.resources import Bucket, Consumer, Objects, Stream

__all__ = ["consumer", "streams"]

COPIES: Final = 3
"""Copies of a stream in a cluster: outlives one server; five copies only cost more."""
_DUPLICATES: Final = 120.0


def streams(instance: Instance) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the stream behind each declared stream and bucket, with its path in booty.toml."""
    path, declared = f"services.{instance.service}", instance.resources
    for name, stream in declared.get("streams", {}).items():
        yield f"{path}.streams.{name}", _stream(name, stream, instance.replicas)
    for name, bucket in declared.get("kv", {}).items():
        yield f"{path}.kv.{name}", _bucket(name, bucket, instance.replicas)
    for name, objects in declared.get("objects", {}).items():
        yield f"{path}.objects.{name}", _objects(name, objects, instance.replicas)


def consumer(name: str, declared: Consumer) -> dict[str, Any]:
    """Return the configuration of a durable pull consumer."""
    return {
        "name": name,
        "durable_name": name,
        "description": declared.description,
        "filter_subjects": list(declared.subjects),
        "deliver_policy": declared.deliver.replace("-", "_"),
        "ack_policy": declared.ack,
        "ack_wait": _nanoseconds(declared.ack_wait),
        "max_deliver": declared.max_deliver,
        "max_ack_pending": declared.max_ack_pending,
        "num_replicas": declared.replicas,
    }


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1000) * 1_000_000


def _copies(asked: int, servers: int) -> int:
    return asked or min(COPIES, servers)


def _stream(name: str, declared: Stream, servers: int) -> dict[str, Any]:
    mirror = {"mirror": {"name": declared.mirror}} if declared.mirror else {}
    sources = {"sources": [{"name": one} for one in declared.sources]} if declared.sources else {}
    return {
        "name": name,
        "description": declared.description,
        "subjects": list(declared.subjects),
        "storage": declared.storage,
        "retention": declared.retention,
        "discard": declared.discard,
        "max_msgs": declared.max_messages,
        "max_msgs_per_subject": declared.max_messages_per_subject,
        "max_bytes": declared.max_bytes,
        "max_age": _nanoseconds(declared.max_age),
        "max_msg_size": declared.max_message_size,
        "max_consumers": declared.max_consumers,
        "duplicate_window": _window(declared.duplicate_window, declared.max_age),
        "num_replicas": _copies(declared.replicas, servers),
        "compression": declared.compression,
        "allow_direct": True,
        **mirror,
        **sources,
    }


def _window(asked: float, age: float) -> int:
    # NATS refuses a window that is longer than messages live
    return _nanoseconds(min(asked, age) if age else asked)


def _bucket(name: str, declared: Bucket, servers: int) -> dict[str, Any]:
    # as every NATS client makes a key-value bucket (ADR-8)
    return {
        "name": f"KV_{name}",
        "description": declared.description,
        "subjects": [f"$KV.{name}.>"],
        "storage": declared.storage,
        "discard": "new",
        "max_msgs_per_subject": declared.history,
        "max_bytes": declared.max_bytes,
        "max_age": _nanoseconds(declared.ttl),
        "max_msg_size": declared.max_value_size,
        "duplicate_window": _window(_DUPLICATES, declared.ttl),
        "num_replicas": _copies(declared.replicas, servers),
        "compression": declared.compression,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
    }


def _objects(name: str, declared: Objects, servers: int) -> dict[str, Any]:
    # as every NATS client makes an object bucket (ADR-20)
    return {
        "name": f"OBJ_{name}",
        "description": declared.description,
        "subjects": [f"$O.{name}.C.>", f"$O.{name}.M.>"],
        "storage": declared.storage,
        "discard": "new",
        "max_bytes": declared.max_bytes,
        "max_age": _nanoseconds(declared.ttl),
        "duplicate_window": _window(_DUPLICATES, declared.ttl),
        "num_replicas": _copies(declared.replicas, servers),
        "compression": declared.compression,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }
