"""Which components a service is made of, how many of each, at which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from booty.errors import BootyError, BootyErrors, ConfigError
from booty.model.component import Component, Interface
from booty.model.expand import Role
from booty.plan.versions import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["BUILT_IN", "Cast", "Member", "cast_all"]

BUILT_IN = frozenset(("program", "external"))
"""Components whose ports and interfaces the file declares, not a provider."""


@frozen(kw_only=True)
class Member:
    """One role of a service with its component, number and version."""

    role: Role
    component: Component
    version: str
    tested: bool
    replicas: int
    settings: Any = None


@frozen(kw_only=True)
class Cast:
    """A service with everything that plays in it.

    Attributes:
        spec: as read from the file.
        provider: who knows its programs.
        members: its roles, in the order of their names.
        resources: declared resources by kind and name, typed.
        links: names of services by link key.
    """

    spec: ServiceSpec
    provider: Provider
    members: tuple[Member, ...]
    resources: Mapping[str, Mapping[str, Any]] = Factory(dict)
    links: Mapping[str, str] = Factory(dict)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.spec.name

    @property
    def main(self) -> Member:
        """The member whose interfaces the service offers: the first that offers any."""
        offering = [one for one in self.members if one.component.offers]
        return (offering or list(self.members))[0]

    def instances(self, role: str | None = None) -> list[str]:
        """Names of the instances, of one role or of all."""
        return [
            instance_name(self.name, member.role.name, index)
            for member in self.members
            if role is None or member.role.name == role
            for index in range(member.replicas)
        ]


def instance_name(service: str, role: str, index: int) -> str:
    """``bus.0``, ``db.pd.0``."""
    return ".".join(part for part in (service, role, str(index)) if part)


def cast_all(
    spec: StackSpec,
    providers: Mapping[str, Provider],
    locked: Mapping[str, str],
    scale: Mapping[str, int],
    faults: list[BootyError],
) -> dict[str, Cast]:
    """Cast every enabled service; what is wrong is added to ``faults``."""
    found: dict[str, Cast] = {}
    for service in spec.services.values():
        if service.enabled:
            try:
                found[service.name] = _cast(service, providers, locked, scale)
            except BootyErrors as error:
                faults.extend(error.faults)
            except BootyError as error:
                faults.append(error)
    return found


def _cast(
    service: ServiceSpec,
    providers: Mapping[str, Provider],
    locked: Mapping[str, str],
    scale: Mapping[str, int],
) -> Cast:
    provider = providers[service.use.partition("/")[0]]
    wanted = evolve(service, replicas=scale.get(service.name, service.replicas))
    roles = provider.call("expand", service=wanted) or (_only_role(wanted, provider),)
    members = tuple(
        _member(wanted, role, provider, locked, scale)
        for role in sorted(roles, key=lambda role: role.name)
    )
    return Cast(spec=service, provider=provider, members=members)


def _only_role(service: ServiceSpec, provider: Provider) -> Role:
    return Role(component=_component_id(service, provider), replicas=_count(service.replicas))


def _count(replicas: int | None) -> int:
    return 1 if replicas is None else replicas


def _component_id(service: ServiceSpec, provider: Provider) -> str:
    if service.use in provider.components:
        return service.use
    if "/" not in service.use and len(provider.components) == 1:
        return next(iter(provider.components))
    raise ConfigError(
        f'cannot use "{service.use}": provider "{provider.name}" has no such component',
        reference="component-missing",
        subject=f"services.{service.name}.use",
        hint=f"it has {', '.join(provider.components)}",
    )


def _member(
    service: ServiceSpec,
    role: Role,
    provider: Provider,
    locked: Mapping[str, str],
    scale: Mapping[str, int],
) -> Member:
    component = _declared(service, provider.components[role.component])
    own = service.roles.get(role.name)
    replicas = role.replicas if own is None or own.replicas is None else own.replicas
    replicas = scale.get(f"{service.name}.{role.name}", replicas)
    _check_replicas(service, component, replicas)
    version, tested = choose(service, component, locked.get(component.id, ""))
    return Member(
        role=role,
        component=component,
        version=version,
        tested=tested,
        replicas=replicas,
        settings=_settings(service, role, component),
    )


def _declared(service: ServiceSpec, component: Component) -> Component:
    # what a program or an external server offers is said by the file
    if component.id == "external" and service.offers:
        return evolve(component, offers=(Interface(name=service.offers, port=""),))
    return component


def _check_replicas(service: ServiceSpec, component: Component, replicas: int) -> None:
    if replicas < 1 or (component.replicas and replicas not in component.replicas):
        allowed = ", ".join(map(str, component.replicas)) or "1 or more"
        raise ConfigError(
            f'cannot run "{service.name}" with {replicas} replicas:'
            f" {component.id} allows {allowed}",
            reference="replicas-forbidden",
            subject=f"services.{service.name}.replicas",
            hint=f"write replicas = {component.replicas[0] if component.replicas else 1}",
        )


def _settings(service: ServiceSpec, role: Role, component: Component) -> Any:
    own = service.roles.get(role.name)
    given = {**service.settings, **role.settings, **(own.settings if own else {})}
    path = f"services.{service.name}.settings"
    if component.settings is not None:
        from booty import config

        return config.settings(component.settings, given, path)
    if given:
        raise ConfigError(
            f'cannot use "settings" in services.{service.name}: {component.id} has none',
            reference="no-settings",
            subject=path,
            hint="remove settings",
        )
    return None
