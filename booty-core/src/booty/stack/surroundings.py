"""What every process of a stack gets from the shell of the first ``up``. Standard library alone."""

from __future__ import annotations

import os

__all__ = ["base_environment"]

KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
PATH = "/usr/local/bin:/usr/bin:/bin"


def base_environment() -> dict[str, str]:
    """Return the variables that all processes of a stack get from the shell of the first ``up``."""
    names = (*KEPT, *PROXIES, *(name.upper() for name in PROXIES))
    found = {name: os.environ[name] for name in names if name in os.environ}
    return {"PATH": PATH, "LANG": "C.UTF-8", **found}
