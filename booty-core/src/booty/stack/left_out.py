"""Which services a command wants, and what is left of a stack where a provider is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from booty.errors import from_data
from booty.plan.links import named
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from booty.model.stack import ServiceSpec, StackSpec
    from booty.stack.choice import Choice

__all__ = ["enabled", "needed", "rest", "users"]


def enabled(spec: StackSpec) -> list[ServiceSpec]:
    """Return the services that are not switched off."""
    return [one for one in spec.services.values() if one.enabled]


def users(spec: StackSpec, provider: str) -> set[str]:
    """Return the names of the services that a provider's programs run."""
    return {one.name for one in enabled(spec) if one.use.partition("/")[0] == provider}


def needed(spec: StackSpec, choice: Choice) -> set[str]:
    """Return the services that a command wants, with everything they need.

    Raises:
        ConfigError: a name that is no service or instance of the file.
    """
    services = {one.name: one for one in enabled(spec)}
    unknown = [
        name
        for name in (*choice.names, *choice.without, *choice.accept)
        if name.partition(".")[0] not in services
    ]
    if unknown:
        raise from_data(no_such(unknown[0], services, "service").data)
    found: set[str] = set()
    left = [name.partition(".")[0] for name in choice.names] or list(services)
    while left:
        name = left.pop()
        if name not in found and name not in choice.without:
            found.add(name)
            left.extend(_uses(services[name], services))
    return found


def rest(
    spec: StackSpec, broken: Mapping[str, str], without: Collection[str]
) -> tuple[StackSpec, dict[str, str]]:
    """Take out of a stack what cannot be planned.

    Args:
        spec: the file as read.
        broken: what is wrong, by the provider's name.
        without: services that nobody waits for in this call.

    Returns:
        The stack without the services of broken providers and without those that lean on them;
        and these, with what is wrong: nothing of their own for those that lean.
    """
    reasons = {name: why for provider, why in broken.items() for name in users(spec, provider)}
    unwaited = set(without) & set(reasons)
    services = {name: _not_waiting(one, unwaited) for name, one in spec.services.items()}
    lost = _leaning_on({one.name: one for one in services.values() if one.enabled}, set(reasons))
    kept = {name: one for name, one in services.items() if name not in lost}
    return evolve(spec, services=kept), {name: reasons.get(name, "") for name in sorted(lost)}


def _not_waiting(service: ServiceSpec, unwaited: Collection[str]) -> ServiceSpec:
    needs = tuple(need for need in service.needs if need.service not in unwaited)
    return service if len(needs) == len(service.needs) else evolve(service, needs=needs)


def _uses(service: ServiceSpec, services: Mapping[str, ServiceSpec]) -> set[str]:
    linked = {value for value in service.extra.values() if isinstance(value, str)}
    waits = {need.service for need in service.needs}
    return (linked | waits | named(service)) & set(services) - {service.name}


def _leaning_on(services: Mapping[str, ServiceSpec], broken: set[str]) -> set[str]:
    lost = set(broken)
    while True:
        more = {name for name, one in services.items() if _uses(one, services) & lost} - lost
        if not more:
            return lost
        lost |= more
