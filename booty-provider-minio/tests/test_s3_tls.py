"""Servers that talk HTTPS with a certificate of the stack's own authority, and their clients."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import booty
import pytest
from booty_provider_minio.engines import ENGINES

TLS = 'settings = { tls = true }\nbuckets = ["uploads"]\n'
PATIENCE = 30.0
LARGE = 12 << 20


@pytest.mark.real
@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_server_with_tls(stacks: Any, through: Any, engine: str) -> None:
    """It is ready, good and of use to every client that has the authority, and to no other one."""

    async def put(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key="native", Body=b"by hand")

    with stacks.up(engine, TLS) as stack:
        good = stack.health("files")["files.0"]
        through(stack, put)
        known = stack.environment()
        with stack.bucket("files") as bucket:
            bucket.write("k", b"small")
            body = os.urandom(LARGE)
            bucket.write("large", body)
            assert bucket.read("large") == body
            assert bucket.read("native") == b"by hand"
            assert bucket.signed_url("k").startswith("https://127.0.0.1:")
        url = f"{known['FILES_URL']}/uploads?attempts=1"
        with booty.SyncBucket.open(f"{url}&ca={known['FILES_CA']}") as bucket:
            assert bucket.read("k") == b"small"
        with (
            booty.SyncBucket.open(f"{url}&tls=true") as bucket,
            pytest.raises(booty.PermissionDeniedError, match=r"(?i)certificate"),
        ):
            bucket.read("k")
        with booty.SyncBucket.open(url) as bucket, pytest.raises(booty.ClientError):
            bucket.read("k")

    assert (good["alive"], good["ready"], good["good"]) == (True, True, True), good
    assert known["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    assert known["AWS_CA_BUNDLE"] == known["FILES_CA"]
    assert "PRIVATE" not in Path(known["FILES_CA"]).read_text()


@pytest.mark.real
@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_servers_of_one_store_trust_each_other(stacks: Any, engine: str) -> None:
    """Four servers with a drive each find each other over TLS."""
    with stacks.up(engine, f"replicas = 4\n{TLS}") as stack:
        with stack.bucket("files") as bucket:
            bucket.write("k", b"kept")
            assert bucket.read("k") == b"kept"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:  # on a busy machine one may ask for patience at first
            reasons = [one["reason"] for one in stack.health("files").values()]
            if reasons == [None] * 4:
                break

    assert reasons == [None] * 4


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("no certificate", "it is no certificate")]
)
def test_an_authority_that_is_none(tmp_path: Path, content: str | None, why: str) -> None:
    """A file that is missing, or is something else, is named at the first call."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    url = f"s3://KEY:SECRET@127.0.0.1:1/uploads?engine=minio&attempts=1&ca={file}"
    with pytest.raises(booty.InvalidArgumentError, match=why), booty.SyncBucket.open(url) as bucket:
        bucket.read("k")


@pytest.mark.parametrize(
    "url",
    [
        "s3://127.0.0.1:9000/uploads?ca=ca.pem&tls=false",
        "s3://uploads?ca=ca.pem&endpoint=http://127.0.0.1:9000",
    ],
)
def test_an_authority_for_nothing(url: str) -> None:
    """Over plain HTTP nobody shows a certificate."""
    with pytest.raises(booty.InvalidArgumentError, match='cannot use "ca" over plain HTTP'):
        booty.open_bucket(url)
