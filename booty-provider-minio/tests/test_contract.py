"""The contract that every provider keeps, with each engine."""

import pytest
from booty.testing import ProviderContract


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
