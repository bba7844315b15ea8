"""Looking at instances until they are good, as long as somebody waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.supervise import living, looking

if TYPE_CHECKING:
    from booty.supervise.supervisor import Supervisor

__all__ = ["Goodness"]


class Goodness:
    """Looks of a supervisor that go on until they please.

    Args:
        sup: the supervisor.
    """

    def __init__(self, sup: Supervisor) -> None:
        self._sup = sup
        self._wanted: set[str] = set()

    def want(self, names: list[str]) -> None:
        """Look at instances again and again until they are good, since somebody waits for that."""
        for name in set(names) - self._wanted:
            self._wanted.add(name)
            self._sup.loop.task(self._until_good(name))

    async def _until_good(self, name: str) -> None:
        try:
            while (unit := self._sup.units.get(name)) is not None and self._sup.wants(name):
                probed = unit.state in {"bootstrapping", "ready"}
                if probed and (await looking.look(self._sup, unit))["good"]:
                    return
                await self._sup.change(living.GOOD_PAUSE)
        finally:
            self._wanted.discard(name)
