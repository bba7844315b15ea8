"""Keys of a service that its component claims: links and resources; and who uses whom."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from booty import config
from booty.config import template
from booty.errors import BootyError, BootyErrors, ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from booty.model.component import Component, Resource, Want
    from booty.model.stack import ServiceSpec
    from booty.plan.roles import Cast

__all__ = ["Use", "claim_all", "entries", "named", "offers", "texts", "uses"]


@frozen(order=True)
class Use:
    """That one service uses another.

    Attributes:
        consumer: who uses.
        service: who is used.
        interface: the interface asked for; empty for a ``${services…}`` reference.
        reason: ``link events`` or ``${services.bus…}``.
    """

    consumer: str
    service: str
    interface: str
    reason: str


def claim_all(
    casts: Mapping[str, Cast], broken: Collection[str], faults: list[BootyError]
) -> dict[str, Cast]:
    """Give each service its links and typed resources; unclaimed keys are faults.

    Args:
        casts: every service that could be cast.
        broken: those that could not, of which a fault is told already.
        faults: what goes wrong is added here.
    """
    return {name: _claim(cast, casts, broken, faults) for name, cast in casts.items()}


def _claim(
    cast: Cast, casts: Mapping[str, Cast], broken: Collection[str], faults: list[BootyError]
) -> Cast:
    components = [member.component for member in cast.members]
    wants = {want.link: want for one in components for want in one.wants}
    resources = {resource.key: resource for one in components for resource in one.resources}
    settings = [one.settings for one in components if one.settings]
    links: dict[str, str] = {}
    made: dict[str, Mapping[str, Any]] = {}
    for key, value in cast.spec.extra.items():
        path = f"services.{cast.name}"
        if key in wants and value in broken:
            continue
        if key in wants:
            links.update(_link(cast, wants[key], value, casts, faults))
        elif key in resources:
            made[key] = entries(resources[key], value, f"{path}.{key}", faults)
        else:
            known = {*wants, *resources}
            faults.append(config.unknown(path, key, known, settings=settings))
    faults.extend(
        _link_missing(cast, want, casts)
        for want in wants.values()
        if want.required and want.link not in cast.spec.extra
    )
    return evolve(cast, links=links, resources=dict(sorted(made.items())))


def _link(
    cast: Cast, want: Want, value: object, casts: Mapping[str, Cast], faults: list[BootyError]
) -> dict[str, str]:
    path = f"services.{cast.name}.{want.link}"
    if not isinstance(value, str) or value not in casts or value == cast.name:
        faults.append(
            ConfigError(
                f'cannot link "{want.link}" of {cast.name} to "{value}": no such service',
                reference="link-to-nothing",
                subject=path,
                hint=_who_has(want.interface, casts),
            )
        )
        return {}
    if not offers(casts[value].main.component, want.interface):
        faults.append(
            ConfigError(
                f'cannot link "{want.link}" of {cast.name} to "{value}":'
                f" it does not offer {want.interface}",
                reference="no-such-interface",
                subject=path,
                hint=_who_has(want.interface, casts),
            )
        )
        return {}
    return {want.link: value}


def _link_missing(cast: Cast, want: Want, casts: Mapping[str, Cast]) -> ConfigError:
    return ConfigError(
        f'cannot run "{cast.name}" without the link "{want.link}"',
        reference="link-missing",
        subject=f"services.{cast.name}",
        hint=_who_has(want.interface, casts),
    )


def _who_has(interface: str, casts: Mapping[str, Cast]) -> str:
    names = [name for name, cast in casts.items() if offers(cast.main.component, interface)]
    return (
        f"{interface} is offered by {', '.join(names)}"
        if names
        else f"add a service that offers {interface}"
    )


def offers(component: Component, interface: str) -> bool:
    """Tell whether a component offers an interface or one of its family (``nats``, ``nats/x``)."""
    names = [one.name for one in component.offers]
    return interface in names or any(name.startswith(f"{interface}/") for name in names)


def entries(
    resource: Resource, value: object, path: str, faults: list[BootyError]
) -> dict[str, Any]:
    """Return declared resources by name, typed; what is wrong is added to ``faults``."""
    if isinstance(value, (list, tuple)) and resource.listed:
        value = {str(name): {} for name in value}
    if not isinstance(value, dict):
        shape = "a list of names or a table" if resource.listed else "a table of tables"
        faults.append(
            ConfigError(
                f'cannot use "{value}" at {path}: it must be {shape}',
                reference="wrong-type",
                subject=path,
                hint=f"write [{path}.NAME]",
            )
        )
        return {}
    made: dict[str, Any] = {}
    for name, entry in sorted(value.items()):
        try:
            made[name] = config.settings(resource.entry, entry, f"{path}.{name}")
        except BootyErrors as error:
            faults.extend(error.faults)
        except BootyError as error:
            faults.append(error)
    return made


def uses(casts: Mapping[str, Cast], lost: Collection[str], faults: list[BootyError]) -> list[Use]:
    """Return every use of one service by another, from links and from ``${services…}``.

    Args:
        casts: every service that could be cast.
        lost: those that could not, of which a fault is told already.
        faults: what goes wrong is added here.
    """
    found: set[Use] = set()
    for cast in casts.values():
        wants = {want.link: want for one in cast.members for want in one.component.wants}
        for key, service in cast.links.items():
            found.add(Use(cast.name, service, wants[key].interface, f"link {key}"))
        for path, text in texts(cast.spec):
            try:
                names = template.names(text)
            except ConfigError as error:
                faults.append(error)
                continue
            named = {name: name.split(".")[1] for name in names if name.startswith("services.")}
            found.update(_referenced(cast.name, path, _without(named, lost), casts, faults))
    return sorted(found)


def _without(named: Mapping[str, str], lost: Collection[str]) -> dict[str, str]:
    return {name: service for name, service in named.items() if service not in lost}


def _referenced(
    consumer: str,
    path: str,
    named: Mapping[str, str],
    casts: Mapping[str, Cast],
    faults: list[BootyError],
) -> Iterator[Use]:
    for name, service in named.items():
        if service in casts and service != consumer:
            yield Use(consumer, service, "", f"${{services.{service}}}")
        else:
            faults.append(
                ConfigError(
                    f'cannot resolve "${{{name}}}" in {path}: no such service',
                    reference="reference-to-nothing",
                    subject=path,
                    hint=f"services: {', '.join(one for one in casts if one != consumer)}",
                )
            )


def named(spec: ServiceSpec) -> set[str]:
    """Return the services that the strings of a service name in ``${services…}``."""
    found: set[str] = set()
    for _, text in texts(spec):
        with suppress(ConfigError):  # told when it is planned
            names = (name.split(".") for name in template.names(text))
            found.update(name[1] for name in names if name[0] == "services")
    return found


def texts(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Yield every string of a service that may hold ``${…}``, with its path."""
    path = f"services.{spec.name}"
    for key in ("run", "cwd", "env", "config", "settings", "url", "stdin"):
        yield from _strings(f"{path}.{key}", getattr(spec, key))
    yield from _strings(path, spec.extra)
    yield from _strings(f"{path}.labels", spec.labels)
    yield from _strings(f"{path}.reload.exec", spec.reload.exec if spec.reload else ())
    for role, own in spec.roles.items():
        for key in ("env", "config", "settings"):
            yield from _strings(f"{path}.roles.{role}.{key}", getattr(own, key))
    for key in ("ready", "live"):
        probe = getattr(spec, key)
        if probe is not None:
            for name in ("tcp", "http", "log", "exec", "file", "body"):
                yield from _strings(f"{path}.{key}.{name}", getattr(probe, name))


def _strings(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _strings(f"{path}[{number}]", item)
    elif hasattr(value, "items"):
        for key, item in value.items():
            yield from _strings(f"{path}.{key}", item)
