"""What is installed: providers, commands and drivers, found by entry point, nothing imported."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Listed", "commands", "drivers", "installed"]

GROUP: Final = "booty"


@frozen(kw_only=True)
class Listed:
    """A provider as its distribution declares it; nothing has been imported.

    Attributes:
        name: the entry point's name, which users write after ``use``.
        module: the module that implements it.
        distribution: name of the distribution, empty if unknown.
        version: version of the distribution, empty if unknown.
        error: why it cannot be used (two distributions claim the name); ``None`` if nothing is
            known against it.
    """

    name: str
    module: str
    distribution: str = ""
    version: str = ""
    error: str | None = None


def installed() -> dict[str, Listed]:
    """Return every provider of this environment by name, without importing any.

    A name that two distributions claim is listed once, with the error that its use raises.
    """
    claims: dict[str, dict[tuple[str, str], Listed]] = {}
    for point in _points(GROUP):
        listed = _as_listed(point)
        # one distribution may be seen through two entries of sys.path
        claims.setdefault(point.name, {})[listed.distribution, listed.module] = listed
    return {name: _only(list(claims[name].values())) for name in sorted(claims)}


def _as_listed(point: metadata.EntryPoint) -> Listed:
    origin = point.dist
    return Listed(
        name=point.name,
        module=point.value.partition(":")[0].strip(),
        distribution=(origin.name or "") if origin else "",
        version=(origin.version or "") if origin else "",
    )


def _only(claims: Sequence[Listed]) -> Listed:
    if len(claims) == 1:
        return claims[0]
    names = sorted({f'"{one.distribution or one.module}"' for one in claims})
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else f"{names[0]} twice"
    first = claims[0]
    return Listed(name=first.name, module=first.module, error=f"declared by {listed}")


def _points(group: str) -> Iterable[metadata.EntryPoint]:
    try:
        return metadata.entry_points(group=group)
    except Exception:  # noqa: BLE001 - whatever a damaged distribution makes the scan raise
        return _readable_points(group)


def _readable_points(group: str) -> Iterator[metadata.EntryPoint]:
    # slower, distribution by distribution: a damaged one does not take the others along
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            name, points = distribution.name, distribution.entry_points
        except Exception:  # noqa: BLE001, S112 - unreadable: nothing of it can be used
            continue
        if name not in seen:
            seen.add(name)
            yield from points.select(group=group)


def commands() -> dict[str, metadata.EntryPoint]:
    """Return third-party commands (group ``booty.commands``) by name, not imported."""
    return {point.name: point for point in _points("booty.commands")}


def drivers() -> dict[str, tuple[metadata.EntryPoint, ...]]:
    """Return client drivers (group ``booty.drivers``) by URL scheme, not imported.

    A scheme that two distributions claim has two entry points; its use is an error.
    """
    claims: dict[str, dict[tuple[str, str], metadata.EntryPoint]] = {}
    for point in _points("booty.drivers"):
        claims.setdefault(point.name, {})[_as_listed(point).distribution, point.value] = point
    return {scheme: tuple(found.values()) for scheme, found in claims.items()}
