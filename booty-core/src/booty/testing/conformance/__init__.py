"""The conformance suite: what every driver of a portable client must do, as tests to inherit."""
