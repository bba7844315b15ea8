"""Which bucket of a service is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.errors import ConfigError

if TYPE_CHECKING:
    from booty.stack.place import Place

__all__ = ["chosen"]


def chosen(place: Place, name: str, bucket: str | None) -> str:
    """Return the name of the bucket that is meant: the one that was named, or the only one.

    Raises:
        ConfigError: none was named, and the service does not declare exactly one.
    """
    if bucket is not None:
        return bucket
    from booty.stack import resolve

    declared = sorted((resolve.service(place, name).get("resources") or {}).get("buckets") or {})
    if len(declared) == 1:
        return str(declared[0])
    told = ", ".join(f'"{one}"' for one in declared) or "none"
    raise ConfigError(
        f'cannot tell which bucket of "{name}" is meant: it declares {told}',
        reference="bucket-unclear",
        subject=name,
        hint=f'stack.bucket("{name}", "{declared[0] if declared else "uploads"}")',
    )
