"""What goes on as it was planned: running services whose provider cannot be asked just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from booty.model import codec
from booty.model.plan import Artifact, PlannedInstance
from booty.model.reference import references
from booty.plan.links import Use

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from booty.model.plan import Machine, Plan, Saved

__all__ = ["kept_uses", "with_kept", "with_kept_ports"]


def kept_uses(saved: Saved, services: Collection[str]) -> Iterator[Use]:
    """Yield the uses of planned services by those that go on: their credentials stay valid.

    Args:
        saved: the plan that runs, and which of its services go on.
        services: services that are planned now.
    """
    for one in _instances(saved):
        own = one["instance"]
        for other in own["consumers"] if own["service"] in services else ():
            if other["name"] in saved.kept:
                for interface in other["interfaces"] or ("",):
                    yield Use(other["name"], own["service"], interface, "goes on as it was planned")


def with_kept_ports(machine: Machine, saved: Saved) -> Machine:
    """Return the machine with the ports of what goes on as taken, whether it runs or not."""
    taken = {number: key for key, number in _ports(saved).items()}
    if not taken:
        return machine
    busy, busy_udp = {**taken, **machine.busy}, {**taken, **machine.busy_udp}
    return evolve(machine, busy=busy, busy_udp=busy_udp)


def with_kept(made: Plan, saved: Saved) -> Plan:
    """Return a plan with the services that go on, as they were planned."""
    before = saved.plan or {}
    own = [one for one in _instances(saved) if one["instance"]["service"] in saved.kept]
    if not own:
        return made
    used = {text.partition("#")[0] for text in references([one["launch"] for one in own])}
    used |= {text.partition("#")[0] for text in references([one["instance"] for one in own])}
    names = {str(one["name"]) for one in made.secrets}
    secrets = [
        one
        for one in before["secrets"]
        if f"secret:{one['name']}" in used and one["name"] not in names
    ]
    keys = {text.partition(":")[2] for text in used if text.startswith("program:")}
    artifacts = {
        key: codec.from_data(Artifact, one)
        for key, one in before["artifacts"].items()
        if key in keys
    }
    services = {name: one for name, one in before["services"].items() if name in saved.kept}
    return evolve(
        made,
        artifacts=dict(sorted({**artifacts, **made.artifacts}.items())),
        instances=(*made.instances, *(codec.from_data(PlannedInstance, one) for one in own)),
        services=dict(sorted({**made.services, **services}.items())),
        ports=dict(sorted({**made.ports, **_ports(saved)}.items())),
        levels=(*made.levels, tuple(one["instance"]["name"] for one in own)),
        secrets=tuple(sorted((*made.secrets, *secrets), key=lambda one: str(one["name"]))),
    )


def _instances(saved: Saved) -> list[Mapping[str, Any]]:
    return list((saved.plan or {}).get("instances", ())) if saved.kept else []


def _ports(saved: Saved) -> dict[str, int]:
    ports = (saved.plan or {}).get("ports", {}) if saved.kept else {}
    return {key: number for key, number in ports.items() if key.partition(".")[0] in saved.kept}
