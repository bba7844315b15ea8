"""How many instances a service has by ``scale``: checked, and saved beside the file's number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.errors import BootyError, ConfigError, from_data, raise_all
from booty.stack import plans
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.expand import Role
    from booty.model.plan import Saved
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = ["kept", "laid", "refuse", "told"]


def kept(data: Mapping[str, Any]) -> dict[str, dict[str, int | None]]:
    """Return what the state folder keeps of a plan's scale.

    Args:
        data: ``scale`` and ``services`` of a plan, as data.

    Returns:
        By service or ``service.role``: ``replicas``, and ``file``, what the file says meanwhile.
    """
    found: dict[str, dict[str, int | None]] = {}
    for name, number in data.get("scale", {}).items():
        service, _, role = name.partition(".")
        asked = data["services"].get(service, {}).get("replicas_asked", {})
        found[name] = {"replicas": number, "file": asked.get(role)}
    return found


def laid(saved: Saved, place: Place, asked: Mapping[str, int]) -> Saved:
    """Return what was saved, with the scale of the state folder and what is asked now over it."""
    from attrs import evolve

    before = plans.scale_of(place)
    scale = {name: int(one["replicas"]) for name, one in before.items()}
    over = {name: one["file"] for name, one in before.items() if name not in asked}
    return evolve(saved, scale={**scale, **asked}, scaled_over=over)


def refuse(spec: StackSpec, known: Mapping[str, Provider], asked: Mapping[str, int]) -> None:
    """Refuse numbers that cannot be.

    Args:
        spec: the file as read.
        known: providers by name.
        asked: replicas by service or ``service.role``.

    Raises:
        ConfigError: no such service or role, an instance, a task, a server of somebody else's, or
            a number that the component does not allow.
        BootyErrors: several of these.
    """
    faults: list[BootyError] = []
    for name, number in asked.items():
        try:
            _refuse(spec, known, name, number)
        except BootyError as fault:
            faults.append(fault)
    raise_all(faults)


def _refuse(spec: StackSpec, known: Mapping[str, Provider], name: str, number: int) -> None:
    head, _, role = name.partition(".")
    services = {one.name: one for one in spec.services.values() if one.enabled}
    if head not in services:
        raise from_data(no_such(name, services, "service").data)
    service = services[head]
    provider = known.get(service.use.partition("/")[0])
    if provider is None:
        return  # it is broken, which is told
    whole, _, last = name.rpartition(".")
    if last.isdigit():
        raise _cannot(name, "it is one instance", f"booty scale {whole}={number}")
    roles = _roles(service, provider, number)
    if role not in roles:
        raise _cannot(name, *_other_role(head, role, number, [*roles]))
    component = provider.components[roles[role].component]
    if service.use == "external":
        raise _cannot(name, "somebody else runs it", "change its url in booty.toml")
    if "task" in {service.kind, component.kind}:
        raise _cannot(name, "it is a task, which runs once", f"booty start {head}")
    _refuse_number(name, number, component.replicas, component.id)


def _roles(service: ServiceSpec, provider: Provider, number: int) -> Mapping[str, Role]:
    from attrs import evolve

    from booty.plan.roles import roles_of

    return {one.name: one for one in roles_of(evolve(service, replicas=number), provider)}


def _other_role(service: str, role: str, number: int, roles: list[str]) -> tuple[str, str]:
    if roles == [""]:
        return "it has no roles", f"booty scale {service}={number}"
    if not role:
        words = " or ".join(f"{service}.{one}={number}" for one in roles)
        return "it has several roles", f"booty scale {words}"
    from booty.config.reading import nearest

    return f'"{service}" has no such role', nearest(role, roles)


def _refuse_number(name: str, number: int, allowed: tuple[int, ...], component: str) -> None:
    from booty.model.stack import nearest_replicas  # a start of a saved plan needs none of it

    nearest, words = nearest_replicas(number, allowed)
    if nearest == number:
        return
    raise _cannot(
        f"{name}={number}",
        f"{component} allows {words}",
        f"booty scale {name}={nearest}" + ("" if number else f", or booty stop {name}"),
        "replicas-forbidden",
    )


def _cannot(name: str, why: str, hint: str, reference: str = "not-scalable") -> ConfigError:
    return ConfigError(
        f'cannot scale "{name}": {why}',
        reference=reference,
        subject=f"services.{name.partition('=')[0]}",
        hint=hint,
    )


def told(place: Place, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the supervisor is told of a plan's scale: nothing where it stays as it is.

    A supervisor of an older booty knows no such field.
    """
    now = kept(data)
    return {} if now == plans.scale_of(place) else {"scale": now}
