"""``bootstrap``: what is declared is made, what was changed is changed, the rest is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty import ConfigError, StartError

from booty_provider_minio.session import Refused, Unreachable, as_root, ask

if TYPE_CHECKING:
    from booty import Instance, Service

    from booty_provider_minio.resources import Bucket

__all__ = ["make_all"]


async def make_all(service: Service) -> None:
    """Make or change every declared resource; what is no longer declared is kept.

    Raises:
        ConfigError: something cannot become what is declared; the server's reason is told.
        StartError: the server did not answer.
    """
    instance = service.instances[0]
    buckets = instance.resources.get("buckets", {})
    if not buckets:
        return
    try:
        async with as_root(instance) as client:
            for name, bucket in buckets.items():
                await _make(client, instance, name, bucket)
    except Unreachable as error:
        raise StartError(
            f'cannot make the buckets of "{service.name}": {error}',
            reference="minio-unavailable",
            subject=service.name,
            hint=f"booty health {service.name}",
        ) from error


async def _make(client: Any, instance: Instance, name: str, _bucket: Bucket) -> None:
    try:
        if not await _exists(client, name):
            await ask(client.create_bucket(Bucket=name))
    except Refused as error:
        path = f"services.{instance.service}.buckets.{name}"
        raise ConfigError(
            f'cannot make bucket "{name}": {error}',
            reference="minio-cannot-make",
            subject=path,
            hint=f"change {path} in booty.toml",
        ) from error


async def _exists(client: Any, name: str) -> bool:
    try:
        await ask(client.head_bucket(Bucket=name))
    except Refused as error:
        if error.missing:
            return False
        raise
    return True
