"""Whose certificates are believed: the machine's, or what the environment names."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

from booty.errors import FetchError

__all__ = ["context"]

OWN: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that OpenSSL reads by itself."""
OTHERS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables of tools that people have set up already; a file or a folder."""


def context() -> ssl.SSLContext:
    """Return a context that believes the machine's authorities, or those of the environment.

    Raises:
        FetchError: a variable names what is not there.
    """
    named = {name: Path(os.environ[name]) for name in (*OWN, *OTHERS) if os.environ.get(name)}
    for name, path in named.items():
        if not path.exists():
            raise _unreadable(name, path, "there is no such file")
    made = ssl.create_default_context()
    if not set(named) & set(OWN):
        _load_others(made, named)
    if not named and not made.cert_store_stats()["x509_ca"]:  # a machine without a list
        import certifi

        made.load_verify_locations(certifi.where())
    return made


def _load_others(made: ssl.SSLContext, named: dict[str, Path]) -> None:
    for name, path in named.items():
        try:
            if path.is_dir():
                made.load_verify_locations(capath=path)
            else:
                made.load_verify_locations(path)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable(name, path, error.strerror or str(error)) from error


def _unreadable(name: str, path: Path, why: str) -> FetchError:
    return FetchError(
        f'cannot read the certificates "{path}" of {name}: {why}',
        reference="authorities-unreadable",
        subject=name,
        hint=f"correct {name}, or unset it",
    )
