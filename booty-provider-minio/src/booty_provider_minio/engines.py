"""What the engines can do, and cannot: one S3 interface, four programs. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from booty import Instance, ServiceSpec

__all__ = [
    "DEFAULT",
    "ENGINES",
    "FEATURES",
    "PROVIDER",
    "WAYS",
    "Engine",
    "chosen",
    "having",
    "of",
    "with_way",
]

PROVIDER: Final = "minio"

FEATURES: Final = {
    "versioning": "former versions of objects are kept",
    "conditional-writes": "a write with If-Match or If-None-Match is refused when it must be",
    "metadata": "content types and metadata of objects outlast a restart",
    "tags": "tags of objects and buckets",
    "part-copies": "a part of a multipart upload may be a copy of an object",
    "presign": "addresses that are signed for a time",
    "cors": "rules for browsers, by bucket",
    "users": "keys with rights of their own, one for each consumer",
    "policies": "what a key may do, by bucket and prefix",
    "lifecycle": "objects and former versions go after a time",
    "quotas": "a bucket has a largest size",
    "erasure": "several drives, of which some may be lost",
    "cluster": "several servers, of which some may be lost",
    "metrics": "figures for Prometheus",
}
"""What a stack can ask of an engine, and what each word means."""


@frozen(kw_only=True)
class Engine:
    """One program that speaks S3.

    Attributes:
        name: as ``engine = "…"`` names it; the last part of the component's id.
        has: those of :data:`FEATURES` that it has.
        health: path that answers 200 when it takes work; empty = it has none.
        whole_checksums: whether it sends the checksum of a whole object with a part of it, so that
            a client may check only where it must.
        ways: how its changes are heard of, the best one first: ``nats`` and ``webhook`` (it tells
            itself, in a way that can be relied on), ``listing``.
        dots: whether the name of a bucket may hold a ".".
    """

    name: str
    has: frozenset[str]
    health: str = ""
    whole_checksums: bool = False
    ways: tuple[str, ...] = ("listing",)
    dots: bool = True

    @property
    def component(self) -> str:
        """The id of its component."""
        return f"{PROVIDER}/{self.name}"

    @property
    def tells(self) -> bool:
        """Whether it tells of its changes itself, if it is not asked for another way."""
        return self.ways[0] != "listing"

    @property
    def root(self) -> str:
        """The secret of the server's own user: shared by all where there are no others."""
        return "root" if "users" in self.has else "password"


WAYS: Final = ("nats", "webhook", "listing")
"""How changes can be heard of."""

_ALL: Final = frozenset(FEATURES)
_MINIO: Final = _ALL - {"cors"}
_VERSITYGW: Final = _ALL - {"lifecycle", "quotas", "erasure", "cluster", "metrics"}

ENGINES: Final = {
    one.name: one
    for one in (
        Engine(name="minio", has=_MINIO, health="/minio/health/cluster", ways=WAYS),
        Engine(name="silo", has=_MINIO, health="/minio/health/cluster", ways=WAYS),
        Engine(name="versitygw", has=_VERSITYGW, health="/healthz"),
        Engine(name="rclone", has=frozenset({"presign"}), whole_checksums=True, dots=False),
    )
}
"""The engines by name, the default one first."""

DEFAULT: Final = next(iter(ENGINES))


def of(instance: Instance) -> Engine:
    """Return the engine of an instance."""
    return ENGINES[instance.component.rpartition("/")[2]]


def having(feature: str) -> list[str]:
    """Return the names of the engines that have a feature."""
    return [name for name, one in ENGINES.items() if feature in one.has]


def with_way(way: str) -> list[str]:
    """Return the names of the engines whose changes can be heard of in a way."""
    return [name for name, one in ENGINES.items() if way in one.ways]


def chosen(service: ServiceSpec) -> Engine | None:
    """Return the engine of a service: the one it names, else the default one.

    Returns:
        The engine; ``None`` if there is no such engine or two are named: core says so.
    """
    used = service.use.partition("/")[2]
    name = service.engine or used or DEFAULT
    return ENGINES.get(name) if used in {"", name} else None
