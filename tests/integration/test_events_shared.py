"""Several S3 services that tell their changes on one bus."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from file_stack import BUCKETS, lines

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


def other(engine: str) -> str:
    """Return a second service of an engine, with a bucket of the same name."""
    return (
        f"{BUCKETS}[services.other]\n{lines(engine)}events = 'bus'\nbuckets = ['uploads']\n"
        "settings = { events-interval = '200ms' }\n"
    )


@pytest.mark.parametrize("engine", ["rclone", "minio"])
def test_two_services_share_a_bus(told: Any, engine: str) -> None:
    """Buckets of one name, keys and bodies alike: both are told, and who of them is said."""

    async def put(s3: Any) -> None:
        for number in range(20):
            await s3.put_object(Bucket="uploads", Key=f"k{number}", Body=b"1")

    with told(engine, other(engine)) as stack:
        stack.s3(put)
        stack.s3(put, "other")
        found = stack.until(lambda found: len(found) >= 40)

    sources = ("booty:shop/files", "booty:shop/other")
    assert Counter((one["source"], one["data"]["key"]) for one in found) == {
        (source, f"k{number}"): 1 for source in sources for number in range(20)
    }
    assert {one["on"] for one in found} == {"minio.bucket.uploads.created"}
