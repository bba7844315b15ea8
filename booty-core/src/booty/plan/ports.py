"""Port numbers: kept if saved, else the wish plus an offset at which the whole stack is free."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.config import unknown
from booty.errors import BootyError, ConfigError, ConflictError
from booty.model.component import Port
from booty.model.stack import PortSpec
from booty.plan.roles import BUILT_IN, instance_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.model.plan import Machine, Saved
    from booty.plan.roles import Cast, Member

__all__ = ["Wish", "allocate", "wishes"]

STEP: Final = 100
"""The offset of a stack is a multiple of this."""
TOP: Final = 65535
ANY: Final = (20000, 29999)
"""Where a port without a wish is looked for: below every ephemeral range."""
SCHEMES: Final = frozenset(("http", "https", "nats", "mysql", "redis", "s3", "grpc", "ws", "tcp"))


@frozen(kw_only=True)
class Wish:
    """A port that one instance asks for."""

    instance: str
    port: Port
    number: int
    exact: bool
    explicit: bool
    path: str

    @property
    def key(self) -> str:
        """``<instance>/<port>``."""
        return f"{self.instance}/{self.port.name}"


def wishes(casts: Mapping[str, Cast], faults: list[BootyError]) -> list[Wish]:
    """Return every port that the stack asks for, in a fixed order."""
    found: list[Wish] = []
    for cast in casts.values():
        for member in cast.members:
            if member.component.id != "external":
                found.extend(_of_member(cast, member, faults))
    return found


def _of_member(cast: Cast, member: Member, faults: list[BootyError]) -> Iterator[Wish]:
    role = cast.spec.roles.get(member.role.name)
    asked = {**cast.spec.ports, **(role.ports if role else {})}
    declared = {port.name: port for port in member.component.ports}
    for name, spec in asked.items():
        if name not in declared and member.component.id in BUILT_IN:
            declared[name] = Port(name, 0, spec.scheme or (name if name in SCHEMES else "tcp"))
        elif name not in declared and not _elsewhere(cast, name):
            faults.append(unknown(f"services.{cast.name}.ports", name, declared))
    for port in declared.values():
        if not port.optional or port.name in asked or port.name in member.role.ports:
            yield from _row(cast, member, port, asked.get(port.name) or PortSpec())


def _elsewhere(cast: Cast, name: str) -> bool:
    return any(name == port.name for one in cast.members for port in one.component.ports)


def _row(cast: Cast, member: Member, port: Port, spec: PortSpec) -> Iterator[Wish]:
    base = port.preferred if spec.port is None else spec.port
    for index in range(member.replicas):
        yield Wish(
            instance=instance_name(cast.name, member.role.name, index),
            port=Port(port.name, port.preferred, spec.scheme or port.scheme, port.protocol),
            number=base + index if base else 0,
            exact=spec.exact,
            explicit=bool(spec.port),
            path=f"services.{cast.name}.ports.{port.name}",
        )


def allocate(
    asked: list[Wish], saved: Saved, machine: Machine, faults: list[BootyError]
) -> dict[str, int]:
    """Give every wish a number; conflicts are added to ``faults``."""
    return _Allocation(asked, saved, machine, faults).run()


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

    def run(self) -> dict[str, int]:
        kept = {wish.key: number for wish in self.asked if (number := self._kept(wish))}
        for wish in self.asked:
            if wish.exact:
                self._settle(wish, wish.number)
            elif wish.key in kept:
                self._settle(wish, kept[wish.key])
        rest = [wish for wish in self.asked if wish.key not in self.given]
        offset = self._offset([wish for wish in rest if wish.number], kept)
        for wish in rest:
            self._give(wish, self._near(wish, offset) if wish.number else self._any(wish))
        return {wish.key: self.given[wish.key] for wish in self.asked if wish.key in self.given}

    def _kept(self, wish: Wish) -> int | None:
        number = self.saved.ports.get(wish.key)
        if number is None or wish.exact:
            return None
        known = self._wished_before(wish)
        return number if known is None or known == wish.number else None

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
            self.faults.append(_twice(wish, number, self.taken[number]))
        elif number in self.machine.busy:
            self.faults.append(_busy(wish, number, self.machine.busy[number]))
        else:
            self._give(wish, number)

    def _give(self, wish: Wish, number: int) -> None:
        self.taken[number] = wish.key
        self.given[wish.key] = number

    def _free(self, number: int, wish: Wish) -> bool:
        low, high = self.machine.ephemeral
        return (
            1 <= number <= TOP
            and number not in self.taken
            and number not in self.machine.busy
            and number not in self.machine.reserved
            and (wish.explicit or not low <= number <= high)
        )

    def _offset(self, rest: list[Wish], kept: Mapping[str, int]) -> int:
        for wish in self.asked:  # a stack that has an offset keeps it for what is new
            if wish.key in kept and wish.number:
                return kept[wish.key] - wish.number
        firsts = _without_twins(rest)
        for offset in range(0, TOP, STEP):
            if all(self._free(wish.number + offset, wish) for wish in firsts):
                return offset
        return 0

    def _near(self, wish: Wish, offset: int) -> int:
        # two services with one wish in a stack: the later one moves on in steps of ten
        for number in range(wish.number + offset, TOP + 1, 10):
            if self._free(number, wish):
                return number
        self.faults.append(_outside(wish, wish.number + offset))
        return wish.number

    def _any(self, wish: Wish) -> int:
        low, high = ANY
        seed = hashlib.sha256(f"{self.saved.stack_id}/{wish.key}".encode()).digest()
        start = int.from_bytes(seed[:4], "big") % (high - low)
        for step in range(high - low):
            number = low + (start + step) % (high - low)
            if self._free(number, wish):
                return number
        self.faults.append(_outside(wish, high))
        return high


def _without_twins(rest: list[Wish]) -> list[Wish]:
    firsts = {wish.number: wish for wish in reversed(rest)}
    return [wish for wish in rest if firsts[wish.number] is wish]


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


def _busy(wish: Wish, number: int, holder: str) -> ConflictError:
    return ConflictError(
        f'cannot use port "{number}" for {wish.key}: it is held by {holder}',
        reference="port-busy",
        subject=wish.path,
        hint="end what holds it, or change the port in booty.toml",
    )
