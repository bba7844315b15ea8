from booty.testing import ProviderContract

class TestTally(ProviderContract):
    provider = "tally"
