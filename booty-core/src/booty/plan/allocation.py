"""Port numbers: kept if saved, else the wish plus an offset at which the whole stack is free."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from booty.errors import BootyError, ConfigError, ConflictError
from booty.supervise.change import UP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from booty.model.plan import Machine, Saved
    from booty.plan.ports import Wish

__all__ = ["allocate", "in_ephemeral"]

STEP: Final = 100
"""The offset of a stack is a multiple of this."""
ASIDE: Final = 10
"""Two rows of one stack that wish for the same numbers: the later one moves on by this."""
TOP: Final = 65535
ANY: Final = (20000, 29999)
"""Where a port without a wish is looked for: below the usual ephemeral ranges."""


def allocate(
    asked: Iterable[Wish], saved: Saved, machine: Machine, faults: list[BootyError]
) -> dict[str, int]:
    """Give every wish a number.

    Exact and saved numbers stay where they are. What is new gets its wish plus the offset of the
    stack, those named in the file first, row by row so that instance n has the row's first + n.

    Args:
        asked: every port of the stack, in a fixed order.
        saved: numbers of before, and the plan that runs.
        machine: what is busy, reserved or ephemeral.
        faults: conflicts are added here.

    Returns:
        Numbers by ``<instance>/<port>``.
    """
    return _Allocation([*asked], saved, machine, faults).run()


def in_ephemeral(given: Mapping[str, int], machine: Machine) -> tuple[str, ...]:
    """Return a warning for each port from which the kernel may serve other programs by chance."""
    low, high = machine.ephemeral
    return tuple(
        f"port {number} of {key} is in the kernel's range {low} to {high} for outgoing connections:"
        " another program may hold it by chance"
        for key, number in given.items()
        if low <= number <= high
    )


class _Allocation:
    """One allocation under way."""

    def __init__(
        self, asked: list[Wish], saved: Saved, machine: Machine, faults: list[BootyError]
    ) -> None:
        self.asked = asked
        self.saved = saved
        self.machine = machine
        self.faults = faults
        self.taken: dict[int, str] = {}
        self.given: dict[str, int] = {}
        self.told: set[int] = set()

    def run(self) -> dict[str, int]:
        self._refuse_twice()
        for wish in self.asked:
            if wish.exact:
                self._settle(wish, wish.number)
        for wish in self.asked:
            if (number := self._kept(wish)) is not None:
                self._settle(wish, number)
        rest = [wish for wish in self.asked if wish.key not in self.given and not wish.exact]
        rest = [wish for wish in rest if self._kept(wish) is None]
        rows = [*_rows(wish for wish in rest if wish.number)]
        offset = self._offset(rows)
        for row in sorted(rows, key=lambda row: not row[0].explicit):
            self._place(row, offset)
        for wish in rest:
            if not wish.number:
                self._give(wish, self._any(wish))
        return {wish.key: self.given[wish.key] for wish in self.asked if wish.key in self.given}

    def _kept(self, wish: Wish) -> int | None:
        number = self.saved.ports.get(wish.key)
        if number is None or wish.exact or self._given_up(wish):
            return None
        before = self._wished_before(wish)
        if before is not None:
            return number if before == wish.number else None
        # nobody knows what was wished for: a number that the wish could have led to is kept
        moved = number - wish.number
        return number if not wish.number or (moved >= 0 and moved % ASIDE == 0) else None

    def _given_up(self, wish: Wish) -> bool:
        # asked for by name only; what runs, and what data holds, stays where it is
        if not self.saved.reallocate or (wish.fixed and wish.instance in self.saved.data):
            return False
        running = (self.saved.running or {}).get(wish.instance, {})
        return running.get("state") not in UP

    def _wished_before(self, wish: Wish) -> int | None:
        services = (self.saved.plan or {}).get("services", {})
        name = wish.instance.partition(".")[0]
        found: int | None = services.get(name, {}).get("wishes", {}).get(wish.key)
        return found

    def _settle(self, wish: Wish, number: int) -> None:
        # an exact or a saved number does not move: whoever holds it is named
        if not 1 <= number <= TOP:
            self.faults.append(_outside(wish, number))
        elif number in self.taken:
            if number not in self.told:
                self.faults.append(_twice(wish, number, self.taken[number]))
        elif number in (busy := self._busy(wish)):
            in_data = wish.fixed and wish.instance in self.saved.data
            self.faults.append(_held(wish, number, busy[number], in_data=in_data))
        else:
            self._give(wish, number)

    def _give(self, wish: Wish, number: int) -> None:
        self.taken[number] = wish.key
        self.given[wish.key] = number

    def _busy(self, wish: Wish) -> Mapping[int, str]:
        return self.machine.busy_udp if wish.port.protocol == "udp" else self.machine.busy

    def _free(self, wish: Wish, number: int, *, explicit: bool = False, careful: bool) -> bool:
        low, high = self.machine.ephemeral
        return (
            1 <= number <= TOP
            and number not in self.taken
            and number not in self._busy(wish)
            and number not in self.machine.reserved
            and (explicit or not careful or not low <= number <= high)
        )

    def _refuse_twice(self) -> None:
        named: dict[int, Wish] = {}
        for wish in self.asked:
            if wish.explicit and (other := named.setdefault(wish.number, wish)) is not wish:
                self.faults.append(_twice(wish, wish.number, other.key))
                self.told.add(wish.number)

    def _offset(self, rows: list[list[Wish]]) -> int:
        for wish in self.asked:  # a stack that has an offset keeps it for what is new
            if wish.number and not wish.exact and wish.key in self.given:
                return (self.given[wish.key] - wish.number) // STEP * STEP
        for careful in (True, False):
            for offset in range(0, TOP, STEP):
                if all(self._fits(row, offset, careful=careful) for row in rows):
                    return offset
        return 0

    def _fits(self, row: list[Wish], offset: int, *, careful: bool = True) -> bool:
        return all(
            self._free(wish, wish.number + offset, explicit=wish.explicit, careful=careful)
            for wish in row
        )

    def _place(self, row: list[Wish], offset: int) -> None:
        for careful in (True, False):
            for moved in range(offset, TOP, ASIDE):
                if self._fits(row, moved, careful=careful):
                    for wish in row:
                        self._give(wish, wish.number + moved)
                    return
        self.faults.append(_outside(row[-1], row[-1].number + offset))

    def _any(self, wish: Wish) -> int:
        low, high = ANY
        seed = hashlib.sha256(f"{self.saved.stack_id}/{wish.key}".encode()).digest()
        start = int.from_bytes(seed[:4], "big")
        numbers = [low + (start + step) % (high - low + 1) for step in range(high - low + 1)]
        for careful in (True, False):
            for number in numbers:
                if self._free(wish, number, careful=careful):
                    return number
        self.faults.append(_outside(wish, high))
        return high


def _rows(wishes: Iterable[Wish]) -> Iterator[list[Wish]]:
    found: dict[str, list[Wish]] = {}
    for wish in wishes:
        found.setdefault(wish.row, []).append(wish)
    yield from found.values()


def _outside(wish: Wish, number: int) -> ConfigError:
    return ConfigError(
        f'cannot give port "{number}" to {wish.key}: it is outside of 1 to {TOP}',
        reference="port-outside",
        subject=wish.path,
        hint="choose a lower number, or 0 for any free one",
    )


def _twice(wish: Wish, number: int, holder: str) -> ConfigError:
    return ConfigError(
        f'cannot give port "{number}" to {wish.key}: {holder} has it',
        reference="port-twice",
        subject=wish.path,
        hint="change one of the two, or leave out exact",
    )


def _held(wish: Wish, number: int, holder: str, *, in_data: bool) -> ConflictError:
    why, hint = "", "end what holds it, or booty up --ports reallocate"
    if wish.exact:
        hint = "end what holds it, or change the port in booty.toml"
    elif in_data:
        why = f", and the data of {wish.instance} holds this address"
        hint = "end what holds it: its ports can only be moved together with its data"
    return ConflictError(
        f'cannot use port "{number}" for {wish.key}: it is held by {holder}{why}',
        reference="port-busy",
        subject=wish.path,
        hint=hint,
    )
