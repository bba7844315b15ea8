"""The contract that every provider keeps."""

import pytest
from booty.testing import ProviderContract


class TestNats(ProviderContract):
    """NATS, with a stand-in for the server."""

    provider = "nats"


@pytest.mark.real
class TestNatsItself(ProviderContract):
    """The same with the real server, and what only that can show."""

    provider = "nats"
    real = True
