"""Where booty keeps things that belong to a user and not to one stack."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cache", "config_file", "registry", "secret_store", "store", "store_name"]

XDG: Final = {
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}
"""Variable and usual place below the home of each kind of folder (XDG Base Directory 0.8)."""


def store() -> Path:
    """Return the folder of verified programs, shared by all stacks of the user."""
    return _path(store_name())


def store_name() -> str:
    """Return the same as text, for a start that does without pathlib."""
    return f"{_home() or _users('data')}/store"


def cache() -> Path:
    """Return the folder of things that may be deleted at any time (half downloads)."""
    home = _home()
    return _path(f"{home}/cache" if home else _users("cache"))


def registry() -> Path:
    """Return the folder with one JSON file for each stack of the user, named by its id."""
    return _path(f"{_home() or _users('state')}/stacks")


def secret_store() -> Path:
    """Return the folder of the ``file`` secrets backend; one folder below it for each stack id."""
    return _path(f"{_home() or _users('state')}/secrets")


def config_file() -> Path:
    """Return the path of the user's own ``config.toml``; it need not exist."""
    return _path(f"{_users('config')}/config.toml")


def _path(name: str) -> Path:
    from pathlib import Path

    return Path(name)


def _home() -> str:
    # BOOTY_HOME moves store, registry and secrets together
    chosen = os.environ.get("BOOTY_HOME")
    return os.path.join(os.getcwd(), chosen) if chosen else ""  # noqa: PTH109, PTH118 - no pathlib


def _users(kind: str) -> str:
    home = os.environ.get("HOME", "")
    if sys.platform == "linux" and os.path.isabs(home):  # noqa: PTH117 - no pathlib
        # platformdirs says the same, but its import would come before everything that is started
        variable, usual = XDG[kind]
        chosen = os.environ.get(variable, "")
        absolute = os.path.isabs(chosen)  # noqa: PTH117 - no pathlib
        return (chosen if absolute else f"{home.rstrip('/')}/{usual}") + "/booty"
    import platformdirs

    found: str = getattr(platformdirs, f"user_{kind}_dir")("booty")
    return found
