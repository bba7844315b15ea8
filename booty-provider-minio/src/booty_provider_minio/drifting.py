"""What a running server holds otherwise than it is declared. Looks, and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio import engines, events, grants, lifecycle
from booty_provider_minio.admin import admin_of
from booty_provider_minio.feed.choice import choose
from booty_provider_minio.feed.rules import rule
from booty_provider_minio.session import Refused, as_root, ask, exists

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booty import Instance, Service

    from booty_provider_minio.admin import Admin
    from booty_provider_minio.feed.choice import Choice
    from booty_provider_minio.resources import Bucket

__all__ = ["differences"]

_SERVERS_OWN: Final = ("NoSuchLifecycleConfiguration", "NoSuchBucketPolicy")


async def differences(service: Service) -> list[str]:
    """Return a line for each declared thing that is missing, or otherwise.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    instance = next(one for one in service.instances if not one.role)
    has = engines.of(instance).has
    async with as_root(instance) as client, admin_of(instance) as admin:
        found = [
            line
            for name, bucket in instance.resources.get("buckets", {}).items()
            async for line in _of_bucket(client, admin, instance, name, bucket)
        ]
        if "users" in has and instance.component != "minio/versitygw":
            found += [line async for line in _of_users(admin, instance)]
    return found


async def _of_bucket(
    client: Any, admin: Admin, instance: Instance, name: str, bucket: Bucket
) -> AsyncIterator[str]:
    path, has = f"buckets.{name}", engines.of(instance).has
    if not await exists(client, name):
        yield f"{path} is not there"
        return
    if "versioning" in has:
        status = (await ask(client.get_bucket_versioning(Bucket=name))).get("Status", "Off")
        if (status == "Enabled") != bucket.versioning:
            declared = "enabled" if bucket.versioning else "off"
            yield f"{path}.versioning is {status.lower()}, declared {declared}"
    if "quotas" in has and (quota := await admin.quota(name)) != (bucket.quota or 0):
        yield f"{path}.quota is {quota or 'none'}, declared {bucket.quota or 'none'}"
    if "lifecycle" in has and await _rules(client, name) != _declared(bucket):
        yield f"{path}.lifecycle is not what is declared"
    target = events.arn(instance)
    if target and not await _is_told(client, name, target, choose(bucket)):
        yield f"{path}: its changes are not told as is declared"
    if instance.component == "minio/versitygw":
        wanted = grants.bucket_policies(instance)[name]
        if _plain(await _policy(client, name)) != _plain(wanted):
            yield f"{path} is open to others than is declared"


async def _is_told(client: Any, name: str, target: str, choice: Choice | None) -> bool:
    """Tell whether a server tells its target of what is declared, and of nothing else."""
    found = await ask(client.get_bucket_notification_configuration(Bucket=name))
    there = [one for one in found.get("QueueConfigurations", ()) if one["QueueArn"] == target]
    wanted = [rule(target, choice)] if choice else []
    return [_rule(one) for one in there] == [_rule(one) for one in wanted]


def _rule(one: dict[str, Any]) -> Any:
    """Return what a rule says; the server gives it a name, and writes names as it likes."""
    filters = one.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    keys = sorted((each["Name"].lower(), each["Value"]) for each in filters)
    return sorted(one["Events"]), keys


async def _rules(client: Any, name: str) -> dict[str, Any]:
    found = await _answer(client.get_bucket_lifecycle_configuration(Bucket=name))
    return {one["ID"]: one for one in found.get("Rules", ())}


def _declared(bucket: Bucket) -> dict[str, Any]:
    return {one["ID"]: one for one in lifecycle.rules(bucket)}


async def _policy(client: Any, name: str) -> dict[str, Any] | None:
    found = await _answer(client.get_bucket_policy(Bucket=name))
    return json.loads(found["Policy"]) if found else None


async def _answer(call: Any) -> dict[str, Any]:
    """Return an answer; nothing where the server says that nothing was ever put there."""
    try:
        return dict(await ask(call))
    except Refused as error:
        if error.code in _SERVERS_OWN:
            return {}
        raise


async def _of_users(admin: Admin, instance: Instance) -> AsyncIterator[str]:
    there = await admin.policies()
    for account in grants.all_accounts(instance):
        about = await admin.user(account.key)
        if about is None:
            yield f"key {account.key} is not there"
        elif about["status"] != "enabled" or about.get("policyName") != account.key:
            yield f"key {account.key} may do something else than is declared"
        elif _plain(there.get(account.key)) != _plain(grants.policy_document(account)):
            yield f"policy {account.key} is not what is declared"


def _plain(document: dict[str, Any] | None) -> Any:
    # the server sorts what is in lists, and writes one that holds a single word as it likes
    statements = (document or {}).get("Statement", ())
    return sorted(json.dumps(_sorted(one), sort_keys=True) for one in statements)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    return sorted(value) if isinstance(value, list) else value
