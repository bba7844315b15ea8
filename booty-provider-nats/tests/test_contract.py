"""The contract that every provider keeps."""

from booty.testing import ProviderContract


class TestNats(ProviderContract):
    """NATS, with a stand-in for the server."""

    provider = "nats"
