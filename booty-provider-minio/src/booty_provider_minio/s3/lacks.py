"""What each engine can do, and how a server is known by its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from booty import clients

__all__ = ["CAPABILITIES", "LACKING", "Can", "can", "engine_of"]

Can: Final = clients.Capability
CAPABILITIES: Final = frozenset(
    (
        Can.LIST,
        Can.LONG_PARTS,
        Can.RANGE,
        Can.ATTRS,
        Can.METADATA,
        Can.MD5,
        Can.COPY,
        Can.CONDITIONAL,
        Can.IF_MATCH,
        Can.WHOLE,
        Can.PRESIGN,
        Can.MULTIPART,
        Can.SERVER,
        Can.HOOKS,
        Can.NATIVE,
        Can.DURABLE,
    )
)
"""What S3 has."""
LACKING: Final[dict[str, frozenset[clients.Capability]]] = {
    "minio": frozenset((Can.LONG_PARTS,)),
    "silo": frozenset((Can.LONG_PARTS,)),
    "versitygw": frozenset((Can.LONG_PARTS,)),
    "rclone": frozenset((Can.CONDITIONAL, Can.IF_MATCH, Can.LONG_PARTS, Can.WHOLE)),
    "moto": frozenset((Can.PRESIGN, Can.SERVER)),
}
"""What an engine ignores, or does wrongly, so that it must not be asked for."""


def can(engine: str | None) -> frozenset[clients.Capability]:
    """Return what the driver can do with an engine; with one that nobody named, all."""
    return CAPABILITIES - LACKING.get(engine or "", frozenset())


def engine_of(headers: Mapping[str, str]) -> str:
    """Return the engine that answers with these headers; an empty text for one not known."""
    name = headers.get("server", "").partition("/")[0].lower()
    # rclone says that it is AmazonS3; only its library allows strangers' metadata to everybody
    strange = "x-amz-meta-filename" in headers.get("access-control-allow-headers", "").lower()
    return "rclone" if name == "amazons3" and strange else name
