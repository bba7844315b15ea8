"""The conformance suite of buckets, for ``s3://`` on every engine that can be had, and on moto."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import anyio
import booty
import pytest
from aiobotocore.client import AioBaseClient
from anyio.from_thread import start_blocking_portal
from booty.clients import Bucket, open_bucket
from booty.testing.conformance import BucketConformance, BucketHarness
from booty.testing.conformance.buckets import CASES
from booty_provider_minio.s3.lacks import can

STORE: list[Path] = []
"""Where programs are kept between runs."""
HERE: list[Callable[[str, Path], str]] = []
"""Gives the lines of booty.toml that run an engine, or skips."""


@pytest.fixture(scope="module", autouse=True)
def store(programs: Path, here: Callable[[str, Path], str]) -> Iterator[None]:
    """Keep programs where other tests keep them."""
    STORE.append(programs)
    HERE.append(here)
    yield
    STORE.clear()
    HERE.clear()


OUTCOMES = Path(__file__).parents[2] / "docs" / "reference" / "conformance"


class S3(BucketHarness):
    """``s3://`` with a bucket for each case.

    Attributes:
        server: URL of the server, with credentials.
        query: what stands behind the ``?``.
    """

    server: str
    query = ""
    engine: ClassVar[str]

    @property
    def capabilities(self) -> frozenset[booty.clients.Capability]:
        """What the driver declares with this engine."""
        return can(self.engine)

    def connect(self) -> None:
        """Open one client for what cases need done beside their own."""
        self._stack = ExitStack()
        portal = self._stack.enter_context(start_blocking_portal())
        bucket = self.there("nobodys-bucket")
        self._stack.enter_context(portal.wrap_async_context_manager(bucket))
        found = bucket.native(AioBaseClient)
        assert found is not None
        self._client, self._portal = found, portal

    def disconnect(self) -> None:
        """Close it."""
        self._stack.close()

    def ask(self, call: str, **fields: Any) -> Any:
        """Call S3 beside the case."""
        return self._portal.call(partial(getattr(self._client, call), **fields))

    async def make(self) -> Bucket:
        """Return a new bucket."""
        self.name = f"case-{uuid.uuid4().hex[:12]}"
        self.ask("create_bucket", Bucket=self.name)
        return self.there(self.name)

    async def make_missing(self) -> Bucket:
        """Return a bucket that nobody made."""
        self.name = ""
        return self.there(f"case-{uuid.uuid4().hex[:12]}")

    def there(self, name: str) -> Bucket:
        """Return the bucket of a name."""
        return open_bucket(f"{self.server}/{name}{self.query}")

    def url(self) -> str:
        """Return the URL of the bucket that was made last."""
        return f"{self.server}/{self.name}{self.query}"

    def leftovers(self) -> list[str]:
        """Return parts of uploads that nobody ended."""
        return [one["Key"] for one in self.uploads()]

    def uploads(self) -> list[dict[str, str]]:
        """Return the uploads in parts that nobody ended."""
        try:
            found: list[dict[str, str]] = self.ask("list_multipart_uploads", Bucket=self.name).get(
                "Uploads", []
            )
        except self._client.exceptions.NoSuchUpload:  # rclone's way to say that there is none
            return []
        return found

    async def cleanup(self) -> None:
        """Empty the bucket and remove it: what a case leaves must not be in the way."""
        if not self.name:
            return
        for one in self.uploads():
            named = {"Key": one["Key"], "UploadId": one["UploadId"]}
            with suppress(self._client.exceptions.NoSuchUpload):  # rclone lists what it dropped
                self.ask("abort_multipart_upload", Bucket=self.name, **named)
        for _ in range(3):  # rclone may go on listing what ten writers at once left
            found = self.ask("list_objects_v2", Bucket=self.name).get("Contents", [])
            for one in found:
                self.ask("delete_object", Bucket=self.name, Key=one["Key"])
        self.removed()

    def removed(self) -> None:
        """Remove the empty bucket."""
        self.ask("delete_bucket", Bucket=self.name)


class Moto(S3):
    """moto's server, in a thread of this process."""

    driver = "s3 on moto"
    in_memory = True
    engine = "moto"
    query = "?engine=moto"

    def start(self) -> None:
        """Start it on a free port."""
        from moto.server import ThreadedMotoServer

        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._moto.start()
        host, port = self._moto.get_host_and_port()
        self.server = f"s3://key:secret@{host}:{port}"
        self.connect()

    def stop(self) -> None:
        """Stop it."""
        self.disconnect()
        self._moto.stop()


class OnStack(S3):
    """An engine as a service of a stack."""

    def start(self) -> None:
        """Bring the stack up; skips where the engine cannot be had."""
        lines = HERE[0](self.engine, STORE[0])
        self._root = Path(tempfile.mkdtemp(prefix="booty-conformance-"))
        self._exit = ExitStack()
        self._exit.callback(shutil.rmtree, self._root)
        home = self._root / "home"
        home.mkdir()
        (home / "store").symlink_to(STORE[0])
        self._exit.callback(_restored, os.environ.get("BOOTY_HOME"))
        os.environ["BOOTY_HOME"] = str(home)
        file = self._root / "booty.toml"
        file.write_text(f'[stack]\nformat = 1\nname = "files"\n[services.files]\n{lines}')
        self._files = self._exit.enter_context(booty.SyncStack.open(file))
        self._files.up()
        self.server = self._files.url("files")
        self.connect()

    def stop(self) -> None:
        """End the stack."""
        self.disconnect()
        self._exit.close()

    async def restart(self) -> None:
        """Restart the service."""
        await anyio.to_thread.run_sync(self._files.restart, "files")


def _restored(home: str | None) -> None:
    if home is None:
        del os.environ["BOOTY_HOME"]
    else:
        os.environ["BOOTY_HOME"] = home


class Minio(OnStack):
    """MinIO."""

    driver = "s3 on minio"
    engine = "minio"


class Versitygw(OnStack):
    """Versity S3 Gateway, on plain files."""

    driver = "s3 on versitygw"
    engine = "versitygw"


class Rclone(OnStack):
    """``rclone serve s3``."""

    driver = "s3 on rclone"
    engine = "rclone"

    def removed(self) -> None:
        """Leave the bucket: a folder of parts that were given up stays in it."""


class Real:
    """What only a server that checks signatures can show; beside the cases."""

    @pytest.mark.parametrize("who", ["wrong secret", "unknown key", "nobody"])
    def test_credentials_that_are_none(self, running: tuple[S3, object], who: str) -> None:
        """Reads, writes and listings are denied, and nothing is stored."""
        harness, _ = running
        bucket = anyio.run(harness.make)
        key, secret = re.findall(r"//(.*?):(.*?)@", harness.server)[0]
        there = harness.server.rpartition("@")[2]
        url = {
            "wrong secret": f"s3://{key}:{secret[:-1]}x@{there}/{harness.name}",
            "unknown key": f"s3://nobody:{secret}@{there}/{harness.name}",
            "nobody": f"s3://{there}/{harness.name}?anonymous=true",
        }[who]

        with booty.SyncBucket.open(f"{url}{'&' if '?' in url else '?'}attempts=1") as wrong:
            for call in (
                lambda: wrong.write("k", b"x"),
                lambda: wrong.read("k"),
                lambda: wrong.attributes("k"),
                lambda: list(wrong.list()),
            ):
                with pytest.raises(booty.ClientError) as caught:
                    call()
                assert caught.value.code in self.denied, caught.value
        assert harness.ask("list_objects_v2", Bucket=harness.name).get("Contents", []) == []
        assert bucket.name.endswith(harness.name)
        anyio.run(harness.cleanup)

    denied: ClassVar[tuple[booty.Code, ...]] = (booty.Code.PERMISSION_DENIED,)


class TestMoto(BucketConformance):
    """All cases with ``s3://`` on moto."""

    harness = Moto


@pytest.mark.real
class TestMinio(Real, BucketConformance):
    """All cases with ``s3://`` on MinIO."""

    harness = Minio


@pytest.mark.real
class TestVersitygw(Real, BucketConformance):
    """All cases with ``s3://`` on versitygw."""

    harness = Versitygw


@pytest.mark.real
class TestRclone(Real, BucketConformance):
    """All cases with ``s3://`` on rclone."""

    harness = Rclone
    # what is not signed it answers with 400, and to a HEAD without a word
    denied = (booty.Code.PERMISSION_DENIED, booty.Code.INVALID_ARGUMENT)


@pytest.mark.parametrize("harness", [Moto, Minio, Versitygw, Rclone])
def test_the_matrix_is_that_of_a_run(harness: type[S3]) -> None:
    """What the page shows follows from what the driver declares, and what it declares passes."""
    file = OUTCOMES / f"buckets-{harness.driver.replace(' ', '-')}.json"
    capabilities = harness().capabilities
    wanted = {case.id: case.skipped(capabilities) or "pass" for case in CASES if not case.portable}

    assert json.loads(file.read_text())["cases"] == wanted
