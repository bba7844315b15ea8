"""What somebody changed by hand on a real server is told, and mended."""

from __future__ import annotations

from typing import Any

import pytest
from booty.stack import resolve
from booty.stack.drift import drift
from booty_provider_minio.admin import admin_of
from booty_provider_minio.engines import ENGINES
from booty_provider_minio.session import as_root

pytestmark = pytest.mark.real
TEXT = """[services.files.buckets.uploads]
versioning = true
[services.files.buckets.logs]
[services.main]
use = "program"
run = "sleep 600"
env = { U = "${services.files.url}" }
"""
OF_MINIO = """[services.files.buckets.limited]
quota = "1MiB"
[services.files.buckets.limited.lifecycle.old]
expire-after = "7d"
"""
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}],
}


def told(stack: Any) -> list[str]:
    """Return the lines about the service."""
    found = stack._portal.call(drift, stack._stack.place, ["files"])
    return [line for _, line in found]


def changed(stack: Any, change: Any) -> None:
    """Let somebody change the server by hand."""

    async def run() -> None:
        _, service = resolve.whole(stack._stack.place, "files")
        instance = service.instances[0]
        async with as_root(instance) as client, admin_of(instance) as admin:
            await change(client, admin)

    stack._portal.call(run)


def told_and_mended(stack: Any, change: Any) -> list[str]:
    """Return what is told after a change by hand: nothing before it, nothing after a replan."""
    assert told(stack) == []
    changed(stack, change)
    found = told(stack)
    stack.up(replan=True)
    assert told(stack) == []
    return found


@pytest.mark.parametrize("engine", [name for name, one in ENGINES.items() if "users" in one.has])
def test_buckets_changed_by_hand(stacks: Any, engine: str) -> None:
    """A bucket that is gone, and versions that are kept or not as nobody declared."""

    async def change(client: Any, _: Any) -> None:
        await client.put_bucket_versioning(
            Bucket="uploads", VersioningConfiguration={"Status": "Suspended"}
        )
        await client.delete_bucket(Bucket="logs")

    with stacks.up(engine, TEXT) as stack:
        found = told_and_mended(stack, change)

    assert found == [
        "buckets.logs is not there",
        "buckets.uploads.versioning is suspended, declared enabled",
    ]


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_rights_and_limits_changed_by_hand(stacks: Any, engine: str) -> None:
    """Quotas, rules, keys and policies are compared too."""

    async def change(client: Any, admin: Any) -> None:
        await admin.put_quota("limited", 5)
        await client.delete_bucket_lifecycle(Bucket="limited")
        await admin.put_policy("booty-main", EVERYTHING)
        await admin.attach("readonly", "booty-user")

    with stacks.up(engine, TEXT + OF_MINIO) as stack:
        found = told_and_mended(stack, change)

    assert found == [
        "buckets.limited.quota is 5, declared 1048576",
        "buckets.limited.lifecycle is not what is declared",
        "policy booty-main is not what is declared",
        "key booty-user may do something else than is declared",
    ]


def test_a_bucket_opened_by_hand(stacks: Any) -> None:
    """On versitygw a bucket says who may use it."""

    async def change(client: Any, _: Any) -> None:
        await client.delete_bucket_policy(Bucket="uploads")

    with stacks.up("versitygw", TEXT) as stack:
        changed(stack, change)
        found = told(stack)
        stack.up(replan=True)
        after = told(stack)

    assert found == ["buckets.uploads is open to others than is declared"]
    assert after == []
