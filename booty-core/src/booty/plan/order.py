"""Who waits for whom, cycles, start order and levels."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from booty.errors import BootyError, ConfigError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from booty.plan.launches import Started
    from booty.plan.links import Use
    from booty.plan.roles import Cast, Member

__all__ = ["levels", "needs_of", "service_needs"]

Edge = dict[str, Any]


def service_needs(
    casts: Mapping[str, Cast],
    uses: Iterable[Use],
    lost: Collection[str],
    faults: list[BootyError],
) -> dict[str, list[Edge]]:
    """Return the edges of each service: what its file says, and what its links imply.

    Args:
        casts: every service that could be cast.
        uses: who uses whom.
        lost: services that could not be cast, of which a fault is told already.
        faults: what goes wrong is added here.
    """
    used = list(uses)
    found = {name: _edges(cast, casts, used, lost, faults) for name, cast in casts.items()}
    _refuse_cycles(found, faults)
    return found


def _edges(
    cast: Cast,
    casts: Mapping[str, Cast],
    uses: Iterable[Use],
    lost: Collection[str],
    faults: list[BootyError],
) -> list[Edge]:
    edges: dict[str, Edge] = {}
    for need in cast.spec.needs:
        if need.service in lost:
            continue
        if need.service not in casts or need.service == cast.name:
            faults.append(_nothing(cast, need.service, casts))
            continue
        until = need.until or _until(casts[need.service])
        edges[need.service] = {
            "service": need.service,
            "until": until,
            "of": need.of,
            "restart": need.restart,
            "reason": "needs",
        }
    for use in uses:
        if use.consumer == cast.name and use.service not in edges:
            edges[use.service] = {
                "service": use.service,
                "until": _until(casts[use.service]),
                "of": "all",
                "restart": False,
                "reason": use.reason,
            }
    return [edges[name] for name in sorted(edges)]


def _until(cast: Cast) -> str:
    return "done" if kind_of(cast, cast.members[0]) == "task" else "ready"


def kind_of(cast: Cast, member: Member) -> str:
    """Return ``service``, ``task`` or ``external``."""
    if member.component.id == "external":
        return "external"
    return cast.spec.kind or member.component.kind


def _nothing(cast: Cast, name: str, casts: Mapping[str, Cast]) -> ConfigError:
    if name == cast.name:
        return ConfigError(
            f'cannot order the services: "{name} -> {name}" is a cycle',
            reference="cycle",
            subject=f"services.{name}.needs",
            hint=f'remove "{name}" from its own needs',
        )
    return ConfigError(
        f'cannot wait for "{name}" in services.{cast.name}.needs: no such service',
        reference="needs-nothing",
        subject=f"services.{cast.name}.needs",
        hint=f"services: {', '.join(one for one in casts if one != cast.name)}",
    )


def _refuse_cycles(found: Mapping[str, list[Edge]], faults: list[BootyError]) -> None:
    graph = {name: [edge["service"] for edge in edges] for name, edges in found.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        faults.append(
            ConfigError(
                f'cannot order the services: "{path}" is a cycle',
                reference="cycle",
                subject=f"services.{error.args[1][0]}.needs",
                hint="remove one of these needs, links or ${services…} references",
            )
        )


def needs_of(one: Started, edges: Iterable[Edge], casts: Mapping[str, Cast]) -> list[Edge]:
    """Return the edges of one instance, with the instances waited for.

    A link is waited for by the roles whose program wants it.
    """
    links = {f"link {want.link}" for want in one.member.component.wants}
    found = [
        {**edge, "instances": casts[edge["service"]].instances()}
        for edge in edges
        if edge["reason"] in links or not edge["reason"].startswith("link ")
    ]
    found.extend(
        {
            "service": one.cast.name,
            "instances": one.cast.instances(need.role),
            "until": need.until,
            "of": need.of,
            "restart": need.restart,
            "reason": f"role {need.role}",
        }
        for need in one.member.role.needs
    )
    return found


def levels(
    needs: Mapping[str, Iterable[Edge]], faults: list[BootyError]
) -> tuple[tuple[str, ...], ...]:
    """Return the instances by start level: each needs only those of levels before it.

    A cycle among the roles of a service is added to ``faults``, and the levels are empty.
    """
    graph = {
        name: {target for edge in edges for target in edge["instances"]}
        for name, edges in needs.items()
    }
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        faults.append(_role_cycle(error.args[1]))
        return ()
    found: list[tuple[str, ...]] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found.append(tuple(ready))
        sorter.done(*ready)
    return tuple(found)


def _role_cycle(names: list[str]) -> ProviderError:
    return ProviderError(
        f'cannot order the roles: "{" -> ".join(reversed(names))}" is a cycle',
        reference="role-cycle",
        subject=names[0],
        hint="this is a fault of the provider; its roles must not wait for each other in a ring",
    )
