"""``bootstrap``: what is declared is made, what was changed is changed, the rest is left alone."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from booty import ConfigError, StartError

from booty_provider_minio import engines, events, grants, lifecycle
from booty_provider_minio.admin import admin_of
from booty_provider_minio.component import KEY
from booty_provider_minio.feed.choice import choose
from booty_provider_minio.feed.rules import rule
from booty_provider_minio.session import (
    BUCKET,
    Refused,
    Unreachable,
    as_root,
    ask,
    create,
    exists,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booty import Instance, Service

    from booty_provider_minio.admin import Admin
    from booty_provider_minio.feed.choice import Choice
    from booty_provider_minio.resources import Bucket

__all__ = ["make_all"]


async def make_all(service: Service) -> None:
    """Make or change every declared resource; what is no longer declared is kept, but keys.

    Raises:
        ConfigError: something cannot become what is declared; the server's reason is told.
        StartError: the server did not answer.
    """
    instance = next(one for one in service.instances if not one.role)
    engine = engines.of(instance)
    has = engine.has
    try:
        async with as_root(instance) as client, admin_of(instance) as admin:
            async with _told(instance, f"buckets.{BUCKET}"):
                if not await exists(client, BUCKET):
                    await create(client, BUCKET)
            for name, bucket in instance.resources.get("buckets", {}).items():
                async with _told(instance, f"buckets.{name}"):
                    await _make(client, name, bucket, has)
                    await _limit(admin, name, bucket, has)
                    if engine.tells:
                        await _told_of(client, name, events.arn(instance), choose(bucket))
            if "users" in has:
                await _make_users(client, admin, instance)
    except Unreachable as error:
        raise StartError(
            f'cannot make what "{service.name}" declares: {error}',
            reference="minio-unavailable",
            subject=service.name,
            hint=f"booty health {service.name}",
        ) from error


@asynccontextmanager
async def _told(instance: Instance, path: str) -> AsyncIterator[None]:
    """Say what could not be made, and where it is declared."""
    try:
        yield
    except Refused as error:
        kind, _, name = path.partition(".")
        raise ConfigError(
            f'cannot make "{name}" of {kind}: {error}',
            reference="minio-cannot-make",
            subject=f"services.{instance.service}.{path}",
            hint=f"change {path} of [services.{instance.service}]",
        ) from error


async def _make(client: Any, name: str, bucket: Bucket, has: frozenset[str]) -> None:
    if not await exists(client, name):
        await create(client, name)
    if "versioning" in has:
        await _version(client, name, kept=bucket.versioning)
    if "lifecycle" in has:
        await _let_go(client, name, bucket)


async def _version(client: Any, name: str, *, kept: bool) -> None:
    found = (await ask(client.get_bucket_versioning(Bucket=name))).get("Status", "")
    # what was never on is not suspended: the two differ
    if (found == "Enabled") != kept:
        status = {"Status": "Enabled" if kept else "Suspended"}
        await ask(client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status))


async def _let_go(client: Any, name: str, bucket: Bucket) -> None:
    if rules := lifecycle.rules(bucket):
        await ask(
            client.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": rules}
            )
        )
    else:
        await ask(client.delete_bucket_lifecycle(Bucket=name))


async def _limit(admin: Admin, name: str, bucket: Bucket, has: frozenset[str]) -> None:
    if "quotas" in has and await admin.quota(name) != (bucket.quota or 0):
        await admin.put_quota(name, bucket.quota or 0)


async def _told_of(client: Any, name: str, arn: str, choice: Choice | None) -> None:
    # refused if MinIO does not know the target: a wrong setting of it does not stop the server
    wanted = {"QueueConfigurations": [rule(arn, choice)]} if arn and choice else {}
    await ask(
        client.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    )


async def _make_users(client: Any, admin: Admin, instance: Instance) -> None:
    if instance.component == "minio/versitygw":
        # its users stand in a file; what they may do is said by the buckets
        for bucket, document in grants.bucket_policies(instance).items():
            async with _told(instance, f"buckets.{bucket}"):
                await _open_to(client, bucket, document)
        return
    accounts = grants.all_accounts(instance)
    for account in accounts:
        async with _told(instance, f"users.{account.name}"):
            await admin.put_user(account.key, account.secret)
            await admin.put_policy(account.key, grants.policy_document(account))
            await admin.attach(account.key, account.key)
    # each key has a policy of its name: whoever is declared no more is let in no more
    for name in {*await admin.policies()} - {account.key for account in accounts}:
        if name.startswith(KEY.format(user="")):
            await admin.remove_user(name)
            await admin.remove_policy(name)


async def _open_to(client: Any, bucket: str, document: dict[str, Any] | None) -> None:
    if document is None:
        await ask(client.delete_bucket_policy(Bucket=bucket))
    else:
        await ask(client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document)))
