"""The whole test file of a provider."""

from booty.testing import ProviderContract


class TestTally(ProviderContract):
    """Tally keeps the contract."""

    provider = "tally"
