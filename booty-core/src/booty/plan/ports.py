"""Which ports the instances of a stack ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from booty.config import unknown
from booty.errors import BootyError, ConfigError
from booty.model.component import Port
from booty.model.stack import PortSpec
from booty.model.state import Change
from booty.plan.roles import instance_name
from booty.supervise.change import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.plan.roles import Cast, Member

__all__ = ["Wish", "wishes"]

SCHEMES: Final = frozenset(("http", "https", "nats", "mysql", "redis", "s3", "grpc", "ws", "tcp"))


@frozen(kw_only=True)
class Wish:
    """A port that one instance asks for.

    Attributes:
        instance: who asks.
        port: the declared port, with the scheme that holds.
        number: the wish for this instance; 0 = any free one.
        exact: whether it must not move.
        explicit: whether the file names the number.
        fixed: whether data of the instance may hold the number: it moves only by a migration.
        row: ``<service>[.<role>]/<port>``: the same port of all replicas, which moves as one.
        path: where it stands in the file.
    """

    instance: str
    port: Port
    number: int
    exact: bool
    explicit: bool
    fixed: bool
    row: str
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
            found.extend(_of_member(cast, member, faults))
    return found


def _of_member(cast: Cast, member: Member, faults: list[BootyError]) -> Iterator[Wish]:
    role = cast.spec.roles.get(member.role.name)
    asked = {**cast.spec.ports, **(role.ports if role else {})}
    declared = {port.name: port for port in member.component.ports}
    for name, spec in asked.items():
        if name not in declared and member.component.id == "program":
            declared[name] = _of_program(name, spec)
        elif name not in declared and not _elsewhere(cast, name):
            faults.append(unknown(f"services.{cast.name}.ports", name, declared))
    for port in declared.values():
        if not port.optional or port.name in asked or port.name in member.role.ports:
            spec = asked.get(port.name) or PortSpec()
            faults.extend(_misplaced(cast, member, port, spec))
            yield from _row(cast, member, port, spec)


def _of_program(name: str, spec: PortSpec) -> Port:
    # a name or a scheme that says what it speaks need not be said again
    protocol = spec.protocol or ("udp" if "udp" in {spec.scheme, name} else "tcp")
    usual = "udp" if protocol == "udp" else name if name in SCHEMES else "tcp"
    return Port(name, 0, spec.scheme or usual, protocol)


def _misplaced(cast: Cast, member: Member, port: Port, spec: PortSpec) -> Iterator[ConfigError]:
    # what a program of ours can do is declared; of the user's own he says it himself
    if member.component.id == "program":
        return
    path = f"services.{cast.name}.ports.{port.name}"
    if spec.socket and not port.socket:
        yield ConfigError(
            f'cannot use "socket" in {path}: {member.component.id} takes no socket for it',
            reference="socket-not-taken",
            subject=f"{path}.socket",
            hint="remove socket",
        )
    if spec.protocol not in {"", port.protocol}:
        yield ConfigError(
            f'cannot use "protocol" in {path}: it is {port.protocol} by its component',
            reference="key-misplaced",
            subject=f"{path}.protocol",
            hint="remove protocol",
        )


def _elsewhere(cast: Cast, name: str) -> bool:
    return any(name == port.name for one in cast.members for port in one.component.ports)


def _row(cast: Cast, member: Member, port: Port, spec: PortSpec) -> Iterator[Wish]:
    base = port.preferred if spec.port is None else spec.port
    secure = port.secure if getattr(member.settings, "tls", False) else ""
    scheme = spec.scheme or secure or port.scheme
    fixed = _in_data(member, port.name)
    for index in range(member.replicas):
        yield Wish(
            instance=instance_name(cast.name, member.role.name, index),
            port=evolve(
                port,
                scheme=scheme,
                protocol=spec.protocol or port.protocol,
                socket=port.socket if spec.socket is None else spec.socket,
            ),
            number=base + index if base else 0,
            exact=spec.exact,
            explicit=bool(spec.port),
            fixed=fixed,
            row=f"{'.'.join(filter(None, (cast.name, member.role.name)))}/{port.name}",
            path=f"services.{cast.name}.ports.{port.name}",
        )


def _in_data(member: Member, name: str) -> bool:
    # a change of the number that takes a migration says that the data holds it
    found = class_of(f"ports.{name}", member.component.changes)
    return found is not None and Change(found).rank >= Change.MIGRATE.rank
