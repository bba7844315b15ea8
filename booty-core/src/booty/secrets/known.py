"""The values of a plan whose secrets are all made: read, without what makes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.secrets.backend import Backend

__all__ = ["ABOUT", "BUNDLE", "PARTS", "fits", "known"]

PARTS: Final = ("key", "cert", "ca")
ABOUT: Final = "about"
"""Beside a certificate, not secret: its hosts and its end, so that looking at it costs nothing."""
BUNDLE: Final = "pem-bundle"
GENERATED: Final = frozenset(("password", "key"))
DAY: Final = 86_400
RENEW_DAYS: Final = 30
"""A certificate with fewer days left is issued anew."""


def known(needs: Iterable[Mapping[str, Any]], kept: Backend, now: float) -> dict[str, str] | None:
    """Return the value of every reference that a plan holds, if none has to be made or given.

    What makes values takes a command longer to import than all the rest of a start.

    Args:
        needs: ``Plan.secrets``.
        kept: the stack's backend.
        now: seconds since the epoch.

    Returns:
        Values by reference, as :func:`booty.secrets.making.materialise`; ``None`` if one is
        missing, has to be renewed, or comes from elsewhere.

    Raises:
        BootyError: the backend cannot be read.
    """
    found: dict[str, str] = {}
    for need in needs:
        own = _of(need, kept, now)
        if own is None:
            return None
        found |= own
    return found


def _of(need: Mapping[str, Any], kept: Backend, now: float) -> dict[str, str] | None:
    name = f"{need['name']}#{int(need['number'])}"
    if need["kind"] == "certificate":
        return _certificate(name, need, kept, now)
    if need["kind"] not in GENERATED:
        return None
    return _all(kept, [name, *(f"{name}:{form}" for form in need["forms"])])


def _certificate(
    name: str, need: Mapping[str, Any], kept: Backend, now: float
) -> dict[str, str] | None:
    about = kept.get(f"{name}:{ABOUT}")
    found = _all(kept, [f"{name}:{part}" for part in PARTS])
    more = {*need["forms"]} - {*PARTS}
    if not about or not found or more - {BUNDLE} or not fits(about, need["hosts"], now):
        return None
    cert, key = found[f"{name}:cert"], found[f"{name}:key"]
    return {name: cert, **found, **({f"{name}:{BUNDLE}": cert + key} if more else {})}


def _all(kept: Backend, keys: Iterable[str]) -> dict[str, str] | None:
    found = {key: kept.get(key) or "" for key in keys}
    return found if all(found.values()) else None


def fits(about: str, hosts: Iterable[str], now: float) -> bool:
    """Tell whether a certificate is valid for long enough, and for all of its hosts.

    Args:
        about: what is kept beside it.
        hosts: addresses and names that it is to be valid for.
        now: seconds since the epoch.
    """
    data = json.loads(about)
    return bool(data["until"] - now > RENEW_DAYS * DAY and {*hosts} <= {*data["hosts"]})
