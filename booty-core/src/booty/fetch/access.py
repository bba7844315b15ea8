"""What is shown to a host, and how long it is waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from attrs import field, frozen

from booty.errors import FetchError
from booty.fetch.patience import Patience

__all__ = ["OPEN", "Access", "Tokens"]

Tokens = Callable[[str], str]
"""Returns the token for a host (``github.com``, with its port where it is unusual), or nothing."""
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


def _none(_: str) -> str:
    return ""


@frozen(kw_only=True)
class Access:
    """How publishers are asked.

    Attributes:
        tokens: for private releases, by host.
        patience: how long and how often.
        accept: the kind of answer that is asked for; empty = any.
    """

    tokens: Tokens = field(default=_none, repr=False)
    patience: Patience = field(factory=Patience)
    accept: str = ""

    def address(self, target: str, first: str) -> str:
        """Return an address with the user and password that stand in the first one.

        Args:
            target: where a redirect leads.
            first: what was asked for; only the same host is given what stands in it.
        """
        here, there = urlsplit(first), urlsplit(target)
        if here.username and not there.username and _origin(here) == _origin(there):
            user = here.netloc.rpartition("@")[0]
            return there._replace(netloc=f"{user}@{there.netloc}").geturl()
        return target

    def headers(self, target: str) -> dict[str, str]:
        """Return what proves to a host who asks: its own token, else what ``.netrc`` has for it.

        Raises:
            FetchError: a token would go over the net for all to read.
        """
        parts = urlsplit(target)
        kind = {"Accept": self.accept} if self.accept else {}
        if parts.username:
            return kind  # the address has it
        token = self.tokens(parts.netloc)
        if token and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise FetchError(
                f'cannot send the token for "{parts.netloc}": it is asked over {parts.scheme}',
                reference="token-in-clear",
                subject=parts.netloc,
                hint="use https://, or take the host out of tokens",
            )
        if token:
            return {**kind, "Authorization": f"Bearer {token}"}
        return kind

    def identified(self, target: str) -> str:
        """Return an address with the user and password of ``.netrc``, if it names the host."""
        parts = urlsplit(target)
        if parts.username or not parts.hostname or self.tokens(parts.netloc):
            return target
        found = _netrc().get(parts.hostname)
        if not found:
            return target
        user = f"{quote(found[0], safe='')}:{quote(found[1], safe='')}"
        return parts._replace(netloc=f"{user}@{parts.netloc}").geturl()


OPEN: Final = Access()
"""Public releases, the usual patience."""


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _netrc() -> dict[str, tuple[str, str]]:
    import netrc

    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        hosts = netrc.netrc(str(file)).hosts
    except (OSError, netrc.NetrcParseError):
        return {}  # as for all who read it: no file, or not for us
    # not the entry for any host: redirects lead to hosts that nobody thought of
    return {host: (login, password or "") for host, (login, _, password) in hosts.items()
            if host != "default"}  # fmt: skip
