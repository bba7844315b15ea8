"""Real servers of each engine that can be had here, through the front door."""

from __future__ import annotations

from typing import Any

import pytest
from booty.errors import BootyError
from booty_provider_minio.engines import ENGINES
from booty_provider_minio.session import opened
from botocore.exceptions import ClientError

pytestmark = pytest.mark.real
KEY = "a b/é+%.txt"
EACH = pytest.mark.parametrize("engine", list(ENGINES))
WITH_USERS = pytest.mark.parametrize(
    "engine", [name for name, one in ENGINES.items() if "users" in one.has]
)
MAIN = (
    '[services.main]\nuse = "program"\nrun = "sleep 600"\nenv = { U = "${services.files.url}" }\n'
)


@EACH
def test_buckets_are_made_and_kept(stacks: Any, through: Any, engine: str) -> None:
    """Declared buckets are there when the stack is ready; what is in them outlasts a restart."""

    async def put(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key=KEY, Body=b"kept")

    async def get(s3: Any) -> tuple[list[str], bytes]:
        names = [one["Name"] for one in (await s3.list_buckets())["Buckets"]]
        answer = await s3.get_object(Bucket="uploads", Key=KEY)
        return names, await answer["Body"].read()

    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        through(stack, put)
        stack.restart("files")
        names, kept = through(stack, get)
        good = stack.health("files")["files.0"]
        report = stack.down()

    assert "uploads" in names
    assert kept == b"kept"
    assert (good["alive"], good["ready"], good["good"]) == (True, True, True), good
    assert [row["how"] for row in report] == ["clean"], report


@WITH_USERS
def test_each_consumer_has_its_own_rights(stacks: Any, through: Any, engine: str) -> None:
    """A linking service may use the declared buckets, or what its policies say; people may all."""
    text = (
        (
            'buckets = ["uploads", "logs"]\n'
            '[services.files.policies.readers]\nbuckets = ["uploads"]\nprefix = "open/"\n'
            '[services.files.users.narrow]\npolicies = ["readers"]\n'
        )
        + MAIN.replace("main", "narrow")
        + MAIN
    )

    async def put(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key="open/a", Body=b"1")
        await s3.put_object(Bucket="uploads", Key="shut/a", Body=b"1")

    async def narrow(s3: Any) -> list[str]:
        await s3.get_object(Bucket="uploads", Key="open/a")
        found = await s3.list_objects_v2(Bucket="uploads", Prefix="open/")
        assert [one["Key"] for one in found["Contents"]] == ["open/a"]
        return [
            await refusal(s3.list_objects_v2(Bucket="uploads")),
            await refusal(s3.list_objects_v2(Bucket="uploads", Prefix="shut/")),
            await refusal(s3.list_object_versions(Bucket="uploads", Prefix="o")),
            await refusal(s3.put_bucket_policy(Bucket="uploads", Policy="{}")),
            await refusal(s3.get_object(Bucket="uploads", Key="shut/a")),
            await refusal(s3.put_object(Bucket="uploads", Key="open/a", Body=b"2")),
            await refusal(s3.list_objects_v2(Bucket="logs")),
        ]

    async def wide(s3: Any) -> str:
        await s3.put_object(Bucket="logs", Key="b", Body=b"2")
        return await refusal(s3.create_bucket(Bucket="another"))

    with stacks.up(engine, text) as stack:
        through(stack, put)
        assert through(stack, narrow, "narrow") == ["AccessDenied"] * 7
        assert through(stack, wide, "main") == "AccessDenied"


async def refusal(call: Any) -> str:
    """Return what S3 calls its refusal of a call."""
    try:
        await call
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "nothing"


@WITH_USERS
def test_somebody_outside_has_a_key(
    stacks: Any, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """A user that is no service has the secret that a variable holds, and its policies."""
    monkeypatch.setenv("PARTNER", "a-secret-of-theirs")
    text = (
        'buckets = ["uploads", "logs"]\n'
        '[services.files.policies.all]\nbuckets = ["uploads"]\naccess = "read-write"\n'
        '[services.files.users.partner]\npolicies = ["all"]\npassword = "${env.PARTNER}"\n'
    )

    async def work(url: str) -> list[str]:
        async with opened(url, "booty-partner", "a-secret-of-theirs") as s3:
            await s3.put_object(Bucket="uploads", Key="a", Body=b"1")
            denied = await refusal(s3.put_object(Bucket="logs", Key="a", Body=b"1"))
        async with opened(url, "booty-partner", "another-secret") as s3:
            return [denied, await refusal(s3.get_object(Bucket="uploads", Key="a"))]

    with stacks.up(engine, text) as stack:
        (row,) = stack.ps()
        told = stack._portal.call(work, row["urls"]["api"])

    assert told == ["AccessDenied", "SignatureDoesNotMatch"]
    assert "a-secret-of-theirs" not in "".join(
        file.read_text() for file in stacks.root.glob(".booty/plans/*.json")
    )


@WITH_USERS
def test_whoever_is_declared_no_more_is_let_in_no_more(
    stacks: Any, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """A user that is taken out of the file, and a consumer that is gone, lose their keys."""
    monkeypatch.setenv("PARTNER", "a-secret-of-theirs")
    user = (
        '[services.files.policies.all]\nbuckets = ["uploads"]\naccess = "read-write"\n'
        '[services.files.users.partner]\npolicies = ["all"]\npassword = "${env.PARTNER}"\n'
    )

    async def work(url: str, key: str, secret: str) -> str:
        async with opened(url, key, secret) as s3:
            return await refusal(s3.put_object(Bucket="uploads", Key="a", Body=b"1"))

    with stacks.up(engine, f'buckets = ["uploads"]\n{user}{MAIN}') as stack:
        (url,) = (row["urls"]["api"] for row in stack.ps() if row["name"] == "files")
        main = stack.environment("main")["FILES_PASSWORD"]
        keys = (("booty-partner", "a-secret-of-theirs"), ("booty-main", main))
        before = [stack._portal.call(work, url, *key) for key in keys]
        stacks.change(engine, 'buckets = ["uploads"]')
        stack.up()
        after = [stack._portal.call(work, url, *key) for key in keys]

    assert before == ["nothing", "nothing"]
    assert after == ["InvalidAccessKeyId", "InvalidAccessKeyId"]


@WITH_USERS
def test_a_newcomer_gets_its_key(stacks: Any, through: Any, engine: str) -> None:
    """A service that begins to use the server costs nobody a restart, and is let in."""

    async def put(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key="b", Body=b"2")

    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        before = stack.ps()[0]["pid"]
        stacks.change(engine, f'buckets = ["uploads"]\n{MAIN}')
        stack.up()
        rows = {row["instance"]: row for row in stack.ps()}
        through(stack, put, "main")

    assert rows["files.0"]["pid"] == before


@pytest.mark.parametrize("engine", ["minio", "silo", "versitygw"])
def test_versions_are_kept(stacks: Any, through: Any, engine: str) -> None:
    """Versioning is turned on by a change of the file, and off again; former versions stay."""

    async def put(s3: Any) -> None:
        for body in (b"1", b"2"):
            await s3.put_object(Bucket="uploads", Key="a", Body=body)

    async def look(s3: Any) -> tuple[str, int]:
        status = await s3.get_bucket_versioning(Bucket="uploads")
        found = await s3.list_object_versions(Bucket="uploads")
        return status.get("Status", ""), len(found.get("Versions", []))

    with stacks.up(engine, "[services.files.buckets.uploads]\nversioning = true\n") as stack:
        through(stack, put)
        first = through(stack, look)
        stacks.change(engine, 'buckets = ["uploads"]')
        stack.up()
        second = through(stack, look)

    assert first == ("Enabled", 2)
    assert second == ("Suspended", 2)


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_quota_and_lifecycle(stacks: Any, through: Any, engine: str) -> None:
    """A quota is kept, rules are there, and both go when the file has them no more."""
    text = (
        '[services.files.buckets.uploads]\nquota = "1MiB"\n'
        "[services.files.buckets.uploads.lifecycle.old]\n"
        'prefix = "tmp/"\nexpire-after = "7d"\nexpire-versions-after = "3d"\n'
    )

    async def look(s3: Any) -> list[Any]:
        refused = await refusal(
            s3.put_object(Bucket="uploads", Key="big", Body=bytes(2 * 1024 * 1024))
        )
        try:
            found = await s3.get_bucket_lifecycle_configuration(Bucket="uploads")
        except ClientError as error:
            return [refused, error.response["Error"]["Code"]]
        return [refused, found["Rules"]]

    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 7},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
    }
    with stacks.up(engine, text) as stack:
        first = through(stack, look)
        stacks.change(engine, 'buckets = ["uploads"]')
        stack.up()
        second = through(stack, look)

    assert first == ["XMinioAdminBucketQuotaExceeded", [rule]]
    assert second == ["nothing", "NoSuchLifecycleConfiguration"]


@pytest.mark.parametrize("engine", ["minio", "silo", "versitygw", "rclone"])
def test_a_mistyped_drive_is_refused(stacks: Any, engine: str) -> None:
    """A folder that is not there is named before anything starts, and is not made."""
    drive = stacks.root / "disk" / "one"
    text = f'settings = {{ paths = ["{drive}"] }}\n'
    with pytest.raises(BootyError, match="is no folder that is there"), stacks.up(engine, text):
        pass
    assert not drive.parent.exists()

    drive.mkdir(parents=True)
    with stacks.up(engine, f'{text}buckets = ["uploads"]') as stack:
        stack.down()
    assert (drive / "uploads").is_dir()


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_other_drives_are_refused(stacks: Any, engine: str) -> None:
    """A store that holds objects is not spread over other drives quietly; it goes on as it was."""
    with stacks.up(engine, 'buckets = ["uploads"]') as stack:
        stacks.change(engine, 'settings = { drives = 4 }\nbuckets = ["uploads"]')
        with pytest.raises(BootyError) as told:
            stack.up()
        rows = stack.ps()

    assert told.value.reference == "minio-drives"
    assert "booty backup files OUT" in told.value.hint
    assert [row["state"] for row in rows] == ["ready"]


def test_another_engine_is_refused_on_the_data(stacks: Any) -> None:
    """The engine is part of the data: another one would show an empty store."""
    with stacks.up("rclone", 'buckets = ["uploads"]') as stack:
        stack.down()
    with pytest.raises(BootyError) as told, stacks.up("versitygw", 'buckets = ["uploads"]'):
        pass

    assert told.value.reference == "data-of-another"
