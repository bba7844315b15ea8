"""Where booty keeps things that belong to a user and not to one stack."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache", "config_file", "registry", "secret_store", "store"]


def _home() -> Path | None:
    # BOOTY_HOME moves store, registry and secrets together
    chosen = os.environ.get("BOOTY_HOME")
    return Path(chosen).absolute() if chosen else None


def store() -> Path:
    """Return the folder of verified programs, shared by all stacks of the user."""
    return (_home() or _users("data")) / "store"


def cache() -> Path:
    """Return the folder of things that may be deleted at any time (half downloads)."""
    home = _home()
    return home / "cache" if home else _users("cache")


def registry() -> Path:
    """Return the folder with one JSON file for each stack of the user, named by its id."""
    return (_home() or _users("state")) / "stacks"


def secret_store() -> Path:
    """Return the folder of the ``file`` secrets backend; one folder below it for each stack id."""
    return (_home() or _users("state")) / "secrets"


def config_file() -> Path:
    """Return the path of the user's own ``config.toml``; it need not exist."""
    return _users("config") / "config.toml"


def _users(kind: str) -> Path:
    import platformdirs

    found: str = getattr(platformdirs, f"user_{kind}_dir")("booty")
    return Path(found)
