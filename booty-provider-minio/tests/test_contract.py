"""The contract that every provider keeps, with each engine."""

import os
import shutil

import pytest
from booty.testing import ProviderContract


class TestMinio(ProviderContract):
    """MinIO, with a stand-in for the server."""

    provider = "minio"


class TestMinioCluster(ProviderContract):
    """Four servers of MinIO that know each other, with stand-ins."""

    provider = "minio"
    service = 'engine = "minio"\nreplicas = 4\nports = { api = 9000, console = 9100 }'


class TestSilo(ProviderContract):
    """Silo, with a stand-in for the server."""

    provider = "minio"
    service = 'engine = "silo"'


class TestVersitygw(ProviderContract):
    """versitygw, with a stand-in for the server."""

    provider = "minio"
    service = 'engine = "versitygw"'


class TestRclone(ProviderContract):
    """rclone, with a stand-in for the server."""

    provider = "minio"
    service = 'engine = "rclone"'


@pytest.mark.real
class TestRcloneItself(ProviderContract):
    """The same with the real server, and what only that can show."""

    provider = "minio"
    service = 'engine = "rclone"\nbuckets = ["uploads"]'
    real = True


BUS = """
[services.bus]
use = "external"
offers = "nats/jetstream"
url = "nats://127.0.0.1:4222"
ready = { exec = ["true"] }
"""


class TestMinioEvents(ProviderContract):
    """MinIO with a feed, both with stand-ins."""

    provider = "minio"
    service = 'events = "bus"'
    more = BUS


class TestMinioWebhook(ProviderContract):
    """MinIO that tells its feed by HTTP, both with stand-ins."""

    provider = "minio"
    service = 'events = "bus"\nsettings = { events-way = "webhook" }'
    more = BUS


class TestRcloneEvents(ProviderContract):
    """rclone with a feed, both with stand-ins."""

    provider = "minio"
    service = 'engine = "rclone"\nevents = "bus"'
    more = BUS


def program(name: str) -> str:
    """Return the lines that run a program which is here; empty if it is not."""
    found = os.environ.get(f"BOOTY_TEST_{name.upper()}") or shutil.which(name)
    return f'engine = "{name}"\nbinary = "{found}"\nbuckets = ["uploads"]' if found else ""


@pytest.mark.real
@pytest.mark.skipif(not program("minio"), reason="minio is not here: BOOTY_TEST_MINIO or PATH")
class TestMinioItself(ProviderContract):
    """The same with the real server."""

    provider = "minio"
    service = program("minio")
    real = True


@pytest.mark.real
@pytest.mark.skipif(not program("versitygw"), reason="versitygw is not here: BOOTY_TEST_VERSITYGW")
class TestVersitygwItself(ProviderContract):
    """The same with the real server."""

    provider = "minio"
    service = program("versitygw")
    real = True
