"""Buckets out to a folder and back in, compared."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from booty.errors import BootyError
from booty.stack import resolve
from booty_provider_minio import saving
from booty_provider_minio.commands import s3 as s3_commands
from booty_provider_minio.engines import ENGINES
from click.testing import CliRunner

pytestmark = pytest.mark.real
LONG = "ä" * 100 + "/" + "x" * 200
KEYS = ("plain", "a b/é+%.txt", LONG, "deep/er/still", "deep/er.txt")
BIG = bytes(range(256)) * 4096 * 20
"""20 MiB: more than one part."""


async def fill(s3: Any) -> None:
    """Put what a backup has to carry."""
    for key in KEYS:
        await s3.put_object(
            Bucket="uploads", Key=key, Body=key.encode(), ContentType="text/x", Metadata={"n": "1"}
        )
    await s3.put_object(Bucket="uploads", Key="big", Body=BIG)
    await s3.put_object(Bucket="uploads", Key="empty", Body=b"")


async def content(s3: Any) -> dict[str, Any]:
    """Return everything that is in the bucket, with its type and metadata."""
    found = {}
    for one in (await s3.list_objects_v2(Bucket="uploads")).get("Contents", []):
        answer = await s3.get_object(Bucket="uploads", Key=one["Key"])
        body = await answer["Body"].read()
        found[one["Key"]] = (body, answer["ContentType"], answer["Metadata"])
    return found


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_restore_is_what_was_saved(stacks: Any, through: Any, tmp_path: Any, engine: str) -> None:
    """Bodies, keys, types and metadata come back into an empty server, and only into that."""
    out = tmp_path / "saved"
    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        through(stack, fill)
        before = through(stack, content)
        head = stack.backup("files", out)
        with pytest.raises(BootyError, match="there are objects in it"):
            stack.restore("files", out)
        with pytest.raises(BootyError, match="something is there"):
            stack.backup("files", out)
        stack.down()
    stacks.forget()
    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        stack.restore("files", out)
        after = through(stack, content)

    assert set(before) == {*KEYS, "big", "empty"}
    assert after == before
    assert head["component"] == f"minio/{engine}"


@pytest.mark.parametrize("engine", ["minio", "silo", "versitygw"])
def test_versions_and_markers_come_back(
    stacks: Any, through: Any, tmp_path: Any, engine: str
) -> None:
    """Former versions and delete markers come back in their order, with tags."""

    async def put(s3: Any) -> None:
        for body in (b"1", b"2", b"3"):
            await s3.put_object(Bucket="uploads", Key="a", Body=body, Tagging=f"n={body.decode()}")
        await s3.put_object(Bucket="uploads", Key="b", Body=b"gone")
        await s3.delete_object(Bucket="uploads", Key="b")

    async def look(s3: Any) -> list[Any]:
        found = await s3.list_object_versions(Bucket="uploads")
        rows: list[Any] = [(one["Key"], one["IsLatest"], "gone") for one in found["DeleteMarkers"]]
        for one in found["Versions"]:
            about = {"Bucket": "uploads", "Key": one["Key"], "VersionId": one["VersionId"]}
            body = await (await s3.get_object(**about))["Body"].read()
            tags = (await s3.get_object_tagging(**about))["TagSet"]
            rows.append((one["Key"], one["IsLatest"], body, tags))
        return rows

    text, out = "[services.files.buckets.uploads]\nversioning = true\n", tmp_path / "saved"
    with stacks.up(engine, text) as stack:
        through(stack, put)
        before = through(stack, look)
        stack.backup("files", out)
        stack.down()
    stacks.forget()
    with stacks.up(engine, text) as stack:
        stack.restore("files", out)
        after = through(stack, look)

    assert [row[2] for row in before] == ["gone", b"3", b"2", b"1", b"gone"]
    assert after == before


def test_a_damaged_backup_touches_nothing(stacks: Any, through: Any, tmp_path: Any) -> None:
    """A body that is not what was saved is found before anything is put back."""
    out = tmp_path / "saved"
    with stacks.up("rclone", 'buckets = ["uploads"]') as stack:
        through(stack, fill)
        stack.backup("files", out)
        stack.down()
    (out / "data" / "uploads" / "1").write_bytes(b"other")
    stacks.forget()
    with stacks.up("rclone", 'buckets = ["uploads"]') as stack:
        with pytest.raises(BootyError, match="its backup is damaged"):
            stack.restore("files", out)
        after = through(stack, content)

    assert after == {}


def test_a_backup_goes_to_another_engine(stacks: Any, through: Any, tmp_path: Any) -> None:
    """What was kept with versions comes into an engine without, as it was last."""

    async def put(s3: Any) -> None:
        for body in (b"1", b"2"):
            await s3.put_object(Bucket="uploads", Key="a", Body=body)
        await s3.put_object(Bucket="uploads", Key="b", Body=b"gone")
        await s3.delete_object(Bucket="uploads", Key="b")

    out = tmp_path / "saved"
    with stacks.up("versitygw", "[services.files.buckets.uploads]\nversioning = true\n") as stack:
        through(stack, put)
        stack.backup("files", out)
        stack.down()
    stacks.forget()
    with stacks.up("rclone", 'buckets = ["uploads"]') as stack:
        stack.restore("files", out)
        after = through(stack, content)

    assert {key: body for key, (body, *_) in after.items()} == {"a": b"2"}


class Vanishing:
    """A client whose object ``b`` is removed by somebody just before it is read."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def get_object(self, **about: Any) -> Any:
        """Read, too late."""
        if about["Key"] == "b":
            await self._client.delete_object(Bucket=about["Bucket"], Key="b")
        return await self._client.get_object(**about)


@pytest.mark.parametrize("engine", ["minio", "versitygw", "rclone"])
def test_what_goes_meanwhile_is_not_saved(
    stacks: Any, through: Any, tmp_path: Any, engine: str
) -> None:
    """An object that is removed while a backup is made is not in it, and does not end it."""

    async def work(s3: Any) -> None:
        for key in ("a", "b", "c"):
            await s3.put_object(Bucket="uploads", Key=key, Body=b"1")
        await saving._save_bucket(Vanishing(s3), "uploads", tmp_path / "saved", ENGINES[engine])

    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        through(stack, work)

    assert [entry["key"] for entry in saving._read(tmp_path / "saved")] == ["a", "c"]


@pytest.mark.parametrize("engine", ["minio", "versitygw"])
def test_a_restore_that_was_killed(stacks: Any, through: Any, tmp_path: Any, engine: str) -> None:
    """What half of a restore has left is told, former versions too, and is removed by a command."""
    text, out = "[services.files.buckets.uploads]\nversioning = true\n", tmp_path / "saved"

    async def put(s3: Any) -> None:
        for body in range(100):
            await s3.put_object(Bucket="uploads", Key=f"{body % 10}", Body=b"%d" % body)

    async def versions(s3: Any) -> list[tuple[str, bool]]:
        found = await s3.list_object_versions(Bucket="uploads")
        return [(one["Key"], one["IsLatest"]) for one in found.get("Versions", [])]

    async def begun(s3: Any) -> None:
        while not await versions(s3):
            pass

    def removed(*more: str) -> int:
        _, instance = resolve.instance(stack._stack.place, "files")
        words = ["rm", "-r", "--yes", *more, "uploads"]
        return CliRunner().invoke(s3_commands, words, obj=instance).exit_code

    with stacks.up(engine, text) as stack:
        through(stack, put)
        before = through(stack, versions)
        stack.backup("files", out)
        assert removed("--versions") == 0
        assert through(stack, versions) == []
        words = [sys.executable, "-m", "booty", "restore", "files", str(out)]
        with subprocess.Popen(words, cwd=stacks.root) as restoring:
            through(stack, begun)
            restoring.kill()
        assert removed() == 0  # nothing is seen, and former versions are there
        with pytest.raises(BootyError, match="there are objects in it") as told:
            stack.restore("files", out)
        assert "booty client files rm -r --versions uploads" in told.value.hint
        assert removed("--versions") == 0
        stack.restore("files", out)
        after = through(stack, versions)

    assert len(before) == 100
    assert after == before
