"""Schemes: found by entry point (group ``booty.drivers``), loaded when a URL first asks for one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from typing import Any, Final, Generic, Literal, TypeVar

from attrs import frozen

from booty.clients.errors import InvalidArgumentError, raise_arguments
from booty.clients.location import Location, Parameter, locate, near, shown
from booty.errors import ProviderError

__all__ = ["Driver", "Kind", "Opener", "find", "opener", "schemes"]

T = TypeVar("T")
Kind = Literal["bucket", "topic", "subscription"]
_PREFIXES: Final[dict[Kind, tuple[str, ...]]] = {
    "bucket": ("blob+bucket+", "blob+"),
    "topic": ("pubsub+topic+", "pubsub+"),
    "subscription": ("pubsub+subscription+", "pubsub+"),
}


@frozen(kw_only=True)
class Opener(Generic[T]):
    """How a scheme opens one kind of client.

    Attributes:
        open: makes the driver for a location; connects to nothing yet, and imports what it needs
            inside.
        parameters: what may stand behind the ``?`` of its URL.
    """

    open: Callable[[Location], T]
    parameters: tuple[Parameter, ...] = ()


@frozen(kw_only=True)
class Driver:
    """What a scheme can open: the object that an entry point of ``booty.drivers`` names.

    Attributes:
        bucket: for :func:`booty.open_bucket`; ``None`` if the scheme has no buckets.
        topic: for ``open_topic``; ``None`` if the scheme has no topics.
        subscription: for ``open_subscription``; ``None`` if the scheme has no subscriptions.
    """

    bucket: Opener[Any] | None = None
    topic: Opener[Any] | None = None
    subscription: Opener[Any] | None = None


def find(kind: Kind, url: str, common: Sequence[Parameter] = ()) -> tuple[Location, Any]:
    """Return a URL, read, and the driver that its scheme made for it.

    Args:
        kind: what is to be opened.
        url: as the user wrote it.
        common: parameters that the portable type takes itself, whatever the scheme.

    Raises:
        InvalidArgumentError: an unknown scheme (the known ones are listed), or what is wrong with
            the URL, all at once.
        ProviderError: the distribution that has the scheme is broken, or two have it.
    """
    found = opener(kind, url)
    location, faults = locate(url, _scheme(kind, url), (*common, *found.parameters))
    try:
        driver = found.open(location)
    except InvalidArgumentError as error:
        if not faults:
            raise
        faults += [one for one in error.faults if isinstance(one, InvalidArgumentError)] or [error]
    except Exception:  # a driver's own: it may follow from what is wrong with the URL, told below
        if not faults:
            raise
    raise_arguments(f'cannot open "{location.shown}"', faults, location.shown)
    return location, driver


def schemes(kind: Kind) -> tuple[str, ...]:
    """Return the schemes that open this kind of client; a driver that is broken has none."""
    return tuple(one for one in sorted(_points()) if _opens(one, kind))


def _opens(scheme: str, kind: Kind) -> bool:
    try:
        return getattr(_load(scheme), kind) is not None
    except ProviderError:  # told to who uses that scheme
        return False


def _scheme(kind: Kind, url: str) -> str:
    word = url.partition(":")[0].lower() if ":" in url else ""
    prefix = next((one for one in _PREFIXES[kind] if word.startswith(one)), "")
    return word[len(prefix) :]


def opener(kind: Kind, url: str) -> Opener[Any]:
    """Return how the scheme of a URL opens this kind of client.

    Raises:
        InvalidArgumentError: no scheme of this name opens one; the known ones are listed.
        ProviderError: as :func:`find`.
    """
    scheme = _scheme(kind, url)
    found = getattr(_load(scheme), kind) if scheme in _points() else None
    if found is None:
        known = schemes(kind)
        listed = ", ".join(f'"{one}://"' for one in known)
        hint = near(scheme, known)
        raise InvalidArgumentError(
            f'cannot open "{shown(url)}" as a {kind}: {_why(kind, scheme)}',
            reference="url-scheme-unknown",
            subject=shown(url),
            hint=f"{hint} there is {listed}" if hint.startswith("did") else f"there is {listed}",
        )
    known_one: Opener[Any] = found
    return known_one


def _why(kind: Kind, scheme: str) -> str:
    if not scheme:
        return "it is no URL, which begins with a scheme"
    if scheme in _points():
        return f'"{scheme}://" has no {kind}s'
    return f'there is no such scheme as "{scheme}"'


def _points() -> dict[str, tuple[EntryPoint, ...]]:
    return _installed(tuple(sys.path))


@functools.lru_cache(maxsize=1)
def _installed(
    path: tuple[str, ...],  # noqa: ARG001 - what is installed may be another thing on another path
) -> dict[str, tuple[EntryPoint, ...]]:
    from booty.providers.installed import drivers

    return drivers()


def _load(scheme: str) -> Driver:
    points = _points()[scheme]
    if len(points) > 1:
        names = " and ".join(f'"{one.dist.name if one.dist else one.value}"' for one in points)
        raise ProviderError(
            f'cannot use the scheme "{scheme}": declared by {names}',
            reference="driver-twice",
            subject=scheme,
            hint="uninstall one of them",
        )
    try:
        found = points[0].load()
    except Exception as error:
        raise _broken(points[0], f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Driver):
        raise _broken(points[0], f"{points[0].value} is no booty.clients.Driver")
    return found


def _broken(point: EntryPoint, why: str) -> ProviderError:
    name = point.dist.name if point.dist else point.value
    return ProviderError(
        f'cannot use the driver of "{point.name}": {why}',
        reference="driver-broken",
        subject=point.name,
        hint=f"pip install --force-reinstall {name}",
    )
