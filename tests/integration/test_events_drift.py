"""Rules by which a server tells of its buckets, changed by hand: that is seen, and mended."""

from __future__ import annotations

from typing import Any

import pytest
from booty.stack.drift import drift

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
CHOSEN = """[services.files.buckets.uploads]
events = { prefix = "in/", suffix = ".csv" }
[services.files.buckets.my-files]
[services.files.buckets.quiet]
events = false
"""


def told_of(stack: Any) -> list[str]:
    """Return the lines about the service that has files."""
    found = stack.stack._portal.call(drift, stack.stack._stack.place, ["files"])
    return [line for _, line in found]


def test_rules_changed_by_hand(told: Any) -> None:
    """A rule that is gone, one that says less, one that nobody declared; then none of them."""

    async def change(s3: Any) -> None:
        async def rules(bucket: str) -> list[dict[str, Any]]:
            found = await s3.get_bucket_notification_configuration(Bucket=bucket)
            return list(found.get("QueueConfigurations", ()))

        async def write(bucket: str, *wanted: dict[str, Any]) -> None:
            await s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": list(wanted)}
            )

        (chosen,), (whole,) = await rules("uploads"), await rules("my-files")
        await write("uploads", chosen | {"Events": ["s3:ObjectCreated:*"]})
        await write("quiet", whole)
        await write("my-files")

    with told("minio", CHOSEN) as stack:
        before = told_of(stack)
        stack.s3(change)
        found = told_of(stack)
        stack.stack.up(replan=True)
        after = told_of(stack)

    words = "its changes are not told as is declared"
    assert before == []
    assert found == [f"buckets.{name}: {words}" for name in ("my-files", "quiet", "uploads")]
    assert after == []
