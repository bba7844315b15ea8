"""Which components a service is made of, how many of each, at which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from booty.config.reading import nearest
from booty.errors import BootyError, BootyErrors, ConfigError, ProviderError
from booty.model.component import Component, Interface
from booty.model.expand import Role
from booty.model.stack import ProgramSource, nearest_replicas
from booty.plan.sourced import sourced
from booty.plan.versions import choose

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["BUILT_IN", "Cast", "Member", "cast_all", "instance_name", "roles_of", "typed_settings"]

BUILT_IN = frozenset(("program", "external"))
"""Components whose ports and interfaces the file declares, not a provider."""


@frozen(kw_only=True)
class Member:
    """One role of a service with its component, number and version.

    Attributes:
        role: what ``expand`` said.
        component: its program.
        version: exact version; empty where the program has none.
        tested: whether the component names this version.
        replicas: how many instances.
        given: its settings as written, ``${…}`` included.
        settings: the same, typed.
    """

    role: Role
    component: Component
    version: str
    tested: bool
    replicas: int
    given: Mapping[str, Any] = Factory(dict)
    settings: Any = None

    @property
    def is_fetched(self) -> bool:
        """Whether it has a program that is got from somewhere, not one that ``run`` names."""
        return self.component.id not in BUILT_IN or bool(self.component.sources)


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
    locked: Mapping[str, Collection[str]],
    scale: Mapping[str, int],
    faults: list[BootyError],
) -> dict[str, Cast]:
    """Cast every enabled service; what is wrong is added to ``faults``."""
    found: dict[str, Cast] = {}
    for service in spec.services.values():
        if service.enabled:
            try:
                found[service.name] = _cast(service, providers, locked, scale, faults)
            except BootyErrors as error:
                faults.extend(error.faults)
            except BootyError as error:
                faults.append(error)
    return found


def _cast(
    service: ServiceSpec,
    providers: Mapping[str, Provider],
    locked: Mapping[str, Collection[str]],
    scale: Mapping[str, int],
    faults: list[BootyError],
) -> Cast:
    provider = _provider(service, providers)
    if "/" in service.use and service.use not in provider.components:
        raise _component_missing(service, provider)
    wanted = evolve(service, replicas=scale.get(service.name, service.replicas))
    roles = roles_of(wanted, provider)
    try:
        members = tuple(
            _member(wanted, role, provider, locked, scale, faults)
            for role in sorted(roles, key=lambda role: role.name)
        )
    except ProviderError as error:
        error.subject = provider.name  # who reads settings does not know whose they are
        raise
    return Cast(spec=service, provider=provider, members=members)


def roles_of(service: ServiceSpec, provider: Provider) -> Sequence[Role]:
    """Return what a service is made of, as its provider says.

    Raises:
        ProviderError: it answers with what it lacks.
        ConfigError: the service asks for something that cannot be.
    """
    roles = provider.call("expand", service=service) or (_only_role(service, provider),)
    _check_roles(service, roles, provider)
    return tuple(roles)


def _provider(service: ServiceSpec, providers: Mapping[str, Provider]) -> Provider:
    name = service.use.partition("/")[0]
    if name not in providers:
        raise ProviderError(
            f'cannot plan "{service.name}": provider "{name}" is not there',
            reference="provider-missing",
            subject=name,
            hint=f"pip install booty-provider-{name}",
        )
    return providers[name]


def _check_roles(service: ServiceSpec, roles: Sequence[Role], provider: Provider) -> None:
    names = {role.name for role in roles}
    strange = [role.component for role in roles if role.component not in provider.components]
    strange += [need.role for role in roles for need in role.needs if need.role not in names]
    if strange or len(names) < len(roles):
        wrong = strange[0] if strange else "a role twice"
        raise ProviderError(
            f'cannot plan "{service.name}": its provider answers with "{wrong}", which it lacks',
            reference="provider-roles",
            subject=provider.name,
            hint="this is a fault of the provider; expand must name its own components and roles",
        )
    for name in service.roles:
        if name not in names - {""}:
            raise ConfigError(
                f'cannot use the role "{name}" in services.{service.name}: there is no such role',
                reference="role-missing",
                subject=f"services.{service.name}.roles.{name}",
                hint=nearest(name, names - {""}),
            )


def _only_role(service: ServiceSpec, provider: Provider) -> Role:
    return Role(component=_component_id(service, provider), replicas=_count(service.replicas))


def _count(replicas: int | None) -> int:
    return 1 if replicas is None else replicas


def _component_id(service: ServiceSpec, provider: Provider) -> str:
    known = provider.components
    if service.engine:
        return _engine(service, provider)
    if service.use in known:
        return service.use
    if "/" not in service.use and len(known) == 1:
        return next(iter(known))
    raise _component_missing(service, provider)


def _component_missing(service: ServiceSpec, provider: Provider) -> ConfigError:
    return ConfigError(
        f'cannot use "{service.use}": provider "{provider.name}" has no such component',
        reference="component-missing",
        subject=f"services.{service.name}.use",
        hint=f"it has {', '.join(provider.components)}",
    )


def _engine(service: ServiceSpec, provider: Provider) -> str:
    # an engine is a component of the same provider, by the last part of its id
    engines = {name.rpartition("/")[2]: name for name in provider.components}
    if "/" in service.use and engines.get(service.engine) != service.use:
        raise ConfigError(
            f'cannot use the engine "{service.engine}" in services.{service.name}:'
            f' use = "{service.use}" names another one',
            reference="engine-twice",
            subject=f"services.{service.name}.engine",
            hint=f'write use = "{provider.name}"',
        )
    if service.engine in engines:
        return engines[service.engine]
    raise ConfigError(
        f'cannot use the engine "{service.engine}" in services.{service.name}:'
        f' provider "{provider.name}" has no such engine',
        reference="engine-missing",
        subject=f"services.{service.name}.engine",
        hint=nearest(service.engine, engines),
    )


def _member(  # noqa: PLR0917 - as for a cast
    service: ServiceSpec,
    role: Role,
    provider: Provider,
    locked: Mapping[str, Collection[str]],
    scale: Mapping[str, int],
    faults: list[BootyError],
) -> Member:
    component = _declared(service, provider.components[role.component])
    own = service.roles.get(role.name)
    replicas = role.replicas if own is None or own.replicas is None else own.replicas
    replicas = scale.get(f"{service.name}.{role.name}", replicas)
    replicas = _allowed_replicas(service.name, role, component, replicas, faults)
    about = evolve(service, version="", binary="") if role.apart else service
    version, tested = _version(about, component, locked.get(component.id, ()), faults)
    given = _given(service, role)
    return Member(
        role=role,
        component=component,
        version=version,
        tested=tested,
        replicas=replicas,
        given=given,
        settings=_settings(service.name, component, given, faults),
    )


def _version(
    service: ServiceSpec,
    component: Component,
    locked: Collection[str],
    faults: list[BootyError],
) -> tuple[str, bool]:
    try:
        return choose(service, component, locked)
    except ConfigError as error:
        faults.append(error)
        return component.versions[0], True


def _settings(
    service: str, component: Component, given: Mapping[str, Any], faults: list[BootyError]
) -> Any:
    try:
        return typed_settings(service, component, given)
    except BootyErrors as error:
        faults.extend(error.faults)
    except ConfigError as error:
        faults.append(error)
    return None


def _declared(service: ServiceSpec, component: Component) -> Component:
    # what a program or an external server offers, and where a program is from, is said by the file
    if component.id == "external" and service.offers:
        return evolve(component, offers=(Interface(name=service.offers, port=""),))
    if component.id == "program" and isinstance(service.source, ProgramSource):
        return sourced(component, service.name, service.source)
    return component


def _allowed_replicas(
    service: str, role: Role, component: Component, replicas: int, faults: list[BootyError]
) -> int:
    nearest, allowed = nearest_replicas(replicas, component.replicas)
    if nearest == replicas:
        return replicas
    path = f"services.{service}.roles.{role.name}" if role.name else f"services.{service}"
    faults.append(
        ConfigError(
            f'cannot run "{replicas}" replicas in {path}: {component.id} allows {allowed}',
            reference="replicas-forbidden",
            subject=f"{path}.replicas",
            hint=f"write replicas = {nearest}",
        )
    )
    return nearest


def _given(service: ServiceSpec, role: Role) -> dict[str, Any]:
    own = service.roles.get(role.name)
    return {**service.settings, **role.settings, **(own.settings if own else {})}


def typed_settings(service: str, component: Component, given: Mapping[str, Any]) -> Any:
    """Return settings as an object of the component's class; ``None`` if it has none.

    Raises:
        ConfigError: an unknown key, a value of the wrong type, or settings where there are none.
        BootyErrors: several of these.
    """
    path = f"services.{service}.settings"
    if component.settings is not None:
        from booty import config
        from booty.config.keys import SERVICE_KEYS

        words = {key: f'"{key}" stands in [services.{service}] itself' for key in SERVICE_KEYS}
        return config.settings(component.settings, given, path, elsewhere=words)
    if given:
        raise ConfigError(
            f'cannot use "settings" in services.{service}: {component.id} has none',
            reference="no-settings",
            subject=path,
            hint="remove settings",
        )
    return None
