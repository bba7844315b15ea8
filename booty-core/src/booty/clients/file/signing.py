"""Signed URLs for ``file://``, for a program that serves the folder itself.

A URL carries what it allows (``key method expires``, and the content type that a PUT must have or
must not have) and a signature over it by HMAC-SHA256 with a secret of the program, all of it in the
query: clients change paths with dots and double slashes. Whoever serves the folder asks
:meth:`Signer.verified` and does what it says.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from booty.clients.bucket.nouns import SignRequest
from booty.clients.errors import InvalidArgumentError, PermissionDeniedError

__all__ = ["Signer"]

_LEAST: Final = 16
"""Bytes that a secret must have."""
_SIGNED: Final = ("key", "method", "expires", "content-type", "no-content-type")


class Signer:
    """Makes signed URLs, and says what one allows.

    Args:
        base: URL of the folder, as clients reach it.
        secret: at least 16 bytes that nobody else knows.
        clock: gives the seconds since 1970.
    """

    def __init__(self, base: str, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._base = base
        self._secret = secret
        self._clock = clock

    @classmethod
    def of(cls, base: str, file: str) -> Self:
        """Return a signer with the secret in a file.

        Raises:
            InvalidArgumentError: the URL is none, or the file cannot be read or is too short.
        """
        if urlsplit(base).scheme not in ("http", "https"):
            told = f'cannot use "{base}" as "base_url": it begins with http:// or https://'
            raise InvalidArgumentError(told, reference="url-value")
        try:
            secret = Path(file).read_bytes().strip()
        except OSError as error:
            told = f'cannot read the secret in "{file}": {error.strerror}'
            raise InvalidArgumentError(told, reference="url-value", native=error) from error
        if len(secret) < _LEAST:
            told = f'cannot use the secret in "{file}": it has fewer than {_LEAST} bytes'
            raise InvalidArgumentError(told, reference="url-value")
        return cls(base, secret)

    def signed(self, key: str, request: SignRequest) -> str:
        """Return a URL that allows one verb on a key for a time."""
        expires = str(math.ceil(self._clock() + request.expiry))
        fields = {"key": key, "method": request.method, "expires": expires}
        if request.content_type:
            fields["content-type"] = request.content_type
        if request.no_content_type:
            fields["no-content-type"] = "1"
        query = urlencode({**fields, "signature": self._signature(fields)})
        return f"{self._base}?{query}"

    def verified(self, url: str, method: str, content_type: str | None) -> str:
        """Return the key that a request may be done on.

        Args:
            url: path and query of the request as it came, or the whole URL.
            method: of the request.
            content_type: header of the request; ``None`` if it has none.

        Raises:
            PermissionDeniedError: it is not signed by us, for something else, or too late.
        """
        fields = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        wanted = self._signature({name: fields[name] for name in _SIGNED if name in fields})
        given = fields.get("signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise PermissionDeniedError("cannot use the URL: its signature is not ours")
        _check(fields, method, content_type, self._clock())
        return fields["key"]

    def _signature(self, fields: dict[str, str]) -> str:
        text = urlencode(sorted(fields.items()))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def _check(fields: dict[str, str], method: str, content_type: str | None, now: float) -> None:
    why = None
    if fields["method"] != method:
        why = f"it is for {fields['method']}"
    elif int(fields["expires"]) < now:
        why = "its time is over"
    elif "content-type" in fields and fields["content-type"] != content_type:
        why = "it is for another content type"
    elif "no-content-type" in fields and content_type is not None:
        why = "it is for no content type"
    if why is not None:
        raise PermissionDeniedError(f"cannot use the URL for this {method}: {why}")
