"""Derived forms of a value, for programs that want it hashed, encoded or escaped."""

from __future__ import annotations

import base64
import json
from typing import Final
from urllib.parse import quote, urlsplit

from booty.errors import ConfigError, ProviderError

__all__ = ["derive"]

BCRYPT_COST: Final = 4
"""The least there is: see docs/explanation/decisions/0003."""
_PORTS: Final = {"http": 80, "https": 443, "nats": 4222, "mysql": 3306, "postgresql": 5432}


def derive(value: str, form: str) -> str:
    """Return a value in another form.

    Args:
        value: the secret; for ``bcrypt`` a generated one: the cost is the least there is, because
            nobody can guess 32 random characters at any speed, and a server pays it at each
            connection.
        form: ``bcrypt`` (prefix ``$2a$``, which every server takes), ``base64``, ``url`` (percent
            quoted), ``json`` (escaped, without quotes), ``address`` (host:port of a URL).

    Raises:
        ProviderError: there is no such form.
        ConfigError: an ``address`` of something that is no URL.
    """
    match form:
        case "bcrypt":
            return _bcrypt(value)
        case "base64":
            return base64.b64encode(value.encode()).decode()
        case "url":
            return quote(value, safe="")
        case "json":
            return json.dumps(value)[1:-1]
        case "address":
            return _address(value)
    raise ProviderError(
        f'cannot derive a secret as "{form}": there is no such form',
        reference="secret-form",
        subject=form,
        hint="forms: bcrypt base64 url json address",
    )


def _bcrypt(value: str) -> str:
    import bcrypt

    salt = bcrypt.gensalt(BCRYPT_COST, prefix=b"2a")
    return bcrypt.hashpw(value.encode(), salt).decode()


def _address(value: str) -> str:
    host, port = _host_and_port(value)
    if not host or not port:
        # the value is a secret: it is not shown
        raise ConfigError(
            "cannot find host and port in the URL of an external service",
            reference="external-url",
            hint="booty secrets set NAME with a URL such as mysql://user:password@host:3306/db",
        )
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0  # told outside of here: this exception quotes the URL, which is secret
