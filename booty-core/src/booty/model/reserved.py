"""Names that belong to core, wherever somebody else may name something."""

from __future__ import annotations

from typing import Final

__all__ = ["CHANGE_PATHS", "SECRET_FORMS", "SECRET_KINDS", "SECRET_OWNERS", "SERVICE_KEYS"]

SERVICE_KEYS: Final = frozenset(
    ("backoff", "bind", "binary", "config", "critical", "cwd", "enabled", "engine", "env",
     "env-file", "exit-codes", "grace", "kind", "labels", "limits", "live", "log", "needs",
     "offers", "pass-env", "ports", "ready", "ready-timeout", "reload", "replicas", "restart",
     "roles", "run", "secrets", "secrets-as", "settings", "source", "stdin", "stop-signal",
     "umask", "url", "use", "version", "watch")
)  # fmt: skip
"""Core's keys of a service in booty.toml: no link and no resource may be called so."""
CHANGE_PATHS: Final = frozenset(
    ("bind", "config", "consumers", "env", "kind", "links", "peers", "ports", "replicas",
     "resources", "run", "secrets", "secrets-as", "settings", "stdin", "version")
)  # fmt: skip
"""First parts of the paths by which a plan names what has changed in an instance."""
SECRET_KINDS: Final = frozenset(("password", "key", "certificate"))
SECRET_OWNERS: Final = frozenset(("service", "instance", "consumer"))
SECRET_FORMS: Final = frozenset(("bcrypt", "base64", "url", "json", "address", "pem-bundle"))
