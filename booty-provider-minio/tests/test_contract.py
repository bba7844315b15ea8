"""The contract that every provider keeps, with each engine."""

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
