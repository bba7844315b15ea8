"""What running services hold otherwise than they are declared, as their providers see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread

from booty.stack import resolve
from booty.supervise import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.stack.place import Place

__all__ = ["HINT", "drift"]

SECONDS: Final = 20.0
"""How long one service may be looked at."""
HINT: Final = "booty up --replan"
"""What mends it: every ``bootstrap`` is asked again."""
HOOK: Final = "drift"


async def drift(place: Place, services: Iterable[str]) -> list[tuple[str, str]]:
    """Ask the providers that know the hook, about what runs.

    Args:
        place: the stack.
        services: names.

    Returns:
        ``(service, line)`` for each difference; of a service that could not be looked at, why.

    Raises:
        BootyError: a provider cannot be loaded.
    """
    names = await to_thread.run_sync(_askable, place, services)
    return [(name, line) for name in names for line in await _of(place, name)]


def _askable(place: Place, services: Iterable[str]) -> list[str]:
    rows = state.read(place.state)["instances"]
    up = {row["instance"] for row in rows if row.get("pid")}
    known = resolve.plan_data(place)["services"] if up else {}
    return [
        name
        for name in services
        if HOOK in known.get(name, {}).get("hooks", ()) and up.issuperset(known[name]["instances"])
    ]


async def _of(place: Place, name: str) -> list[str]:
    provider, service = await to_thread.run_sync(resolve.whole, place, name, None)
    try:
        async with asyncio.timeout(SECONDS):
            found: Any = await provider.call(HOOK, service=service)
    except TimeoutError:
        return [f"cannot be looked at: no answer within {SECONDS:g} s"]
    except Exception as error:  # noqa: BLE001 - whatever a provider raises: one look among several
        return [f"cannot be looked at: {error}"]
    return [str(line) for line in found or ()]
