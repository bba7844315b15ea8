"""A feed that has lost what it remembers: it goes on, and tells nothing twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
COUNT = 40
BUCKETS = "buckets.uploads = { versioning = true }\nbuckets.my-files = {}\n"
PLAIN = "buckets = ['uploads', 'my-files']\n"


async def put(s3: Any, first: int, last: int) -> None:
    """Write objects, one after the other."""
    for number in range(first, last):
        await s3.put_object(Bucket="my-files", Key=f"k{number:03}", Body=b"1")


async def change(s3: Any) -> None:
    """Let some come and go, so that there are graves and markers."""
    for key in ("doc", "doc", "went"):
        await s3.put_object(Bucket="uploads", Key=key, Body=b"1")
    await s3.delete_object(Bucket="my-files", Key="k000")


def damage(database: Path, how: str) -> None:
    """Write over the database of a feed that is held, as a disk does that fails."""
    if how == "middle":
        size = database.stat().st_size
        with database.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
    elif how == "begin":
        database.write_bytes(b"no database at all " * 1000)
    else:
        database.unlink()
    for end in ("-wal", "-shm"):
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)


@pytest.mark.parametrize("how", ["begin", "middle", "removed"])
@pytest.mark.parametrize("engine", ["rclone", "versitygw", "minio"])
def test_a_damaged_memory(told: Any, engine: str, how: str) -> None:
    """It is kept beside, and said; what was told is not told again, what was not told is."""
    with told(engine, PLAIN if engine == "rclone" else BUCKETS) as stack:
        folder = Path(stack.stack._stack.place.state) / "data/files.feed.0"
        stack.s3(lambda s3: put(s3, 0, COUNT))
        stack.until(lambda found: len(found) >= COUNT)
        stack.s3(change)
        stack.until(lambda found: any(one["type"].endswith("removed") for one in found))
        stack.stack.stop("files.feed.0")
        damage(folder / "cursor.db", how)
        stack.s3(lambda s3: put(s3, COUNT, COUNT + 5))
        stack.s3(lambda s3: s3.delete_object(Bucket="my-files", Key="k001"))
        stack.stack.start("files.feed.0")
        stack.s3(lambda s3: put(s3, COUNT + 5, COUNT + 6))
        last = f"my-files/k{COUNT + 5:03}"
        found = stack.until(
            lambda found: {last, "my-files/k001"} <= {one["subject"] for one in found[COUNT + 4 :]}
        )
        kept = sorted(one.name for one in folder.iterdir() if ".corrupt" in one.name)
        log = (folder.parent.parent / "logs/files.feed.0.log").read_text()

    told_keys = Counter(one["subject"] for one in found if one["type"].endswith("created"))
    wanted = {f"my-files/k{number:03}": 1 for number in range(COUNT + 6)}
    assert {key: n for key, n in told_keys.items() if key.startswith("my-files/")} == wanted
    removed = Counter(one["subject"] for one in found if one["type"].endswith("removed"))
    assert removed == {"my-files/k000": 1, "my-files/k001": 1}
    assert not any(one["data"]["late"] for one in found)
    assert kept == ([] if how == "removed" else ["cursor.db.corrupt"])
    assert ("is damaged, and kept as" in log) == (how != "removed")
    assert "changes were told before, as the bus knows" in log
