"""The plan itself, out of everything that was decided. Pure: nothing is read, written or asked."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from attrs import evolve

from booty.errors import BootyError, ConfigError, ConflictError, raise_all
from booty.model import codec
from booty.model.plan import Artifact, ArtifactWish, Plan, PlannedInstance
from booty.plan.addresses import Addresses
from booty.plan.allocation import allocate, in_ephemeral
from booty.plan.credentials import Credentials
from booty.plan.environment import connections
from booty.plan.inputs import digest_of, inputs_of, short
from booty.plan.keeping import kept_uses, with_kept, with_kept_ports
from booty.plan.launches import Launches, Started, artifact_key
from booty.plan.links import claim_all, uses
from booty.plan.order import levels, needs_of, service_needs
from booty.plan.policy import policy
from booty.plan.ports import Wish, wishes
from booty.plan.reader import Reader
from booty.plan.roles import BUILT_IN, Cast, cast_all
from booty.plan.steps import steps
from booty.supervise.change import TAKEN_OVER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from booty.model.plan import Machine, Saved
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["make", "resolve"]

BOOTSTRAP = "bootstrap"


def resolve(
    spec: StackSpec, providers: Mapping[str, Provider], locked: Mapping[str, Collection[str]]
) -> tuple[ArtifactWish, ...]:
    """Return the programs that a stack needs, at exact versions.

    Args:
        spec: the file as read.
        providers: loaded providers by name, one for every enabled service.
        locked: exact versions of booty.lock by component id.

    Raises:
        ConfigError: an impossible version, number of replicas, or setting.
        BootyErrors: several of them.
    """
    faults: list[BootyError] = []
    casts = cast_all(spec, providers, locked, {}, faults)
    raise_all(faults)
    found = {
        (wish := _wish(cast, member, spec.root)).key: wish
        for cast in casts.values()
        for member in cast.members
        if member.component.id not in BUILT_IN
    }
    return tuple(found[key] for key in sorted(found))


def _wish(cast: Cast, member: Any, root: str) -> ArtifactWish:
    source, binary = cast.spec.source, cast.spec.binary
    return ArtifactWish(
        key=artifact_key(member, cast.spec.binary),
        component=member.component,
        version=member.version,
        source=source if isinstance(source, str) else "",
        # a name alone is looked for on PATH; a relative path starts at the folder of booty.toml
        binary=posixpath.join(root, binary) if "/" in binary else binary,
        tested=member.tested,
    )


def make(
    spec: StackSpec,
    providers: Mapping[str, Provider],
    artifacts: Mapping[str, Artifact],
    saved: Saved,
    machine: Machine,
) -> Plan:
    """Decide everything.

    Args:
        spec: the file as read.
        providers: loaded providers by name, one for every enabled service.
        artifacts: programs by the key of their wish; those with an empty path are not fetched yet.
        saved: what earlier commands left.
        machine: what this machine offers.

    Returns:
        The plan; equal inputs give an equal plan, to the byte.

    Raises:
        BootyError: the one thing that is wrong.
        BootyErrors: all the things that are wrong.
    """
    faults: list[BootyError] = []
    locked: dict[str, list[str]] = {}
    for key in sorted(artifacts):
        locked.setdefault(key.partition("@")[0], []).append(key.partition("@")[2])
    scale, warnings = _scale(spec, saved)
    casts = cast_all(spec, providers, locked, scale, faults)
    broken = [one.name for one in spec.services.values() if one.enabled and one.name not in casts]
    casts = claim_all(casts, broken, faults)
    raise_all(faults)
    used = [*uses(casts, faults), *kept_uses(saved, casts)]
    _refuse_early(casts, faults)
    edges = service_needs(casts, used, faults)
    asked = wishes(casts, faults)
    ports = allocate(asked, saved, with_kept_ports(machine, saved), faults)
    raise_all(_once(faults))
    credentials = Credentials(numbers=saved.secrets, uses=used, environ=machine.env)
    addresses = Addresses.of(casts, asked, ports, credentials)
    _render_externals(spec, addresses, faults)
    launches = Launches(
        stack=spec, addresses=addresses, artifacts=artifacts, machine=machine, faults=faults
    )
    started = launches.all()
    needs = {one.instance.name: needs_of(one, edges[one.cast.name], casts) for one in started}
    order = levels(needs, faults)
    planned = {one.instance.name: _planned(one, needs, artifacts, machine) for one in started}
    _refuse_older(started, saved, faults)
    raise_all(_once(faults))
    made = Plan(
        stack={"id": saved.stack_id, "name": spec.name},
        artifacts=dict(sorted(artifacts.items())),
        instances=tuple(planned[name] for level in order for name in level),
        services={
            name: _service(cast, addresses, asked, started) for name, cast in sorted(casts.items())
        },
        ports=dict(sorted(ports.items())),
        levels=order,
        warnings=(*warnings, *_untested(casts), *in_ephemeral(ports, machine)),
        secrets=credentials.listed(),
    )
    made = with_kept(made, saved)
    return evolve(made, steps=steps(made, saved.plan, saved.running))


def _once(faults: list[BootyError]) -> list[BootyError]:
    # three replicas of one service find the same fault three times
    return [*{(one.reference, one.message): one for one in faults}.values()]


def _refuse_early(casts: Mapping[str, Cast], faults: list[BootyError]) -> None:
    for cast in casts.values():
        spec = cast.spec
        early = {"bind": (spec.bind,), "binary": (spec.binary,), "env-file": spec.env_file}
        for key, texts in early.items():
            if any("${" in text for text in texts):
                path = f"services.{cast.name}.{key}"
                faults.append(
                    ConfigError(
                        f'cannot use "${{…}}" in {path}: it is needed before it can be known',
                        reference="template-misplaced",
                        subject=path,
                        hint="write it out; a relative path starts at the folder of booty.toml",
                    )
                )


def _render_externals(spec: StackSpec, addresses: Addresses, faults: list[BootyError]) -> None:
    for cast in addresses.casts.values():
        if cast.spec.url and not cast.spec.url.startswith("secret://"):
            reader = Reader(
                stack=spec,
                service=cast.name,
                instance=cast.instances()[0],
                index=0,
                addresses=addresses,
                faults=faults,
            )
            addresses.externals[cast.name] = reader.text(cast.spec.url, f"services.{cast.name}.url")


def _scale(spec: StackSpec, saved: Saved) -> tuple[dict[str, int], tuple[str, ...]]:
    # a saved scale holds until the file's own number changes
    kept: dict[str, int] = {}
    warnings = []
    before = (saved.plan or {}).get("services", {})
    for name, number in saved.scale.items():
        service, _, role = name.partition(".")
        if service not in spec.services:
            continue
        now = _replicas_asked(spec.services[service])
        known = before.get(service, {}).get("replicas_asked")
        known = known if isinstance(known, dict) else now
        if known.get(role) == now.get(role):
            kept[name] = number
        else:
            warnings.append(f"the saved scale {name}={number} is dropped: replicas was changed")
    return kept, tuple(warnings)


def _replicas_asked(service: ServiceSpec) -> dict[str, int]:
    asked = {"": service.replicas, **{name: own.replicas for name, own in service.roles.items()}}
    return {name: number for name, number in asked.items() if number is not None}


def _untested(casts: Mapping[str, Cast]) -> tuple[str, ...]:
    return tuple(
        f"{member.component.id} {member.version} is untested with this provider"
        for cast in casts.values()
        for member in cast.members
        if not member.tested
    )


def _planned(
    one: Started,
    needs: Mapping[str, list[dict[str, Any]]],
    artifacts: Mapping[str, Artifact],
    machine: Machine,
) -> PlannedInstance:
    rest = policy(one)
    artifact = artifacts.get(artifact_key(one.member, one.cast.spec.binary))
    inputs = inputs_of(one, rest, artifact, machine)
    executed = {key: value for key, value in rest.items() if key not in TAKEN_OVER}
    return PlannedInstance(
        instance=one.instance,
        launch=one.launch,
        needs=tuple(needs[one.instance.name]),
        policy=rest,
        inputs=inputs,
        changes=dict(one.member.component.changes),
        digest=digest_of([one.launch, executed, inputs["version"], inputs["env"]]),
        reason=f"services.{one.cast.name}"
        + (f" has {one.member.replicas} replicas" if one.member.replicas > 1 else ""),
    )


def _service(
    cast: Cast, addresses: Addresses, asked: list[Wish], started: list[Started]
) -> dict[str, Any]:
    hooks = cast.provider.hooks
    consumers = addresses.credentials.consumers(cast.name)
    first = next(one.instance for one in started if one.cast is cast)
    return {
        "component": cast.main.component.id,
        "provider": cast.provider.name,
        "module": cast.provider.module.__name__,
        "hooks": sorted(hooks),
        "instances": cast.instances(),
        "replicas_asked": _replicas_asked(cast.spec),
        "critical": cast.spec.critical,
        "url": addresses.plain_url(cast.name),
        "bootstrap": short([first.resources, first.consumers]) if BOOTSTRAP in hooks else None,
        "resources": codec.to_data(first.resources),
        "clients": dict(cast.main.component.clients),
        "metrics": codec.to_data(cast.main.component.metrics),
        "consumers": {name: connections(cast, name, addresses) for name in consumers},
        "env": dict(cast.main.component.env),
        "wishes": {
            wish.key: wish.number for wish in asked if wish.instance.startswith(f"{cast.name}.")
        },
    }


def _refuse_older(started: list[Started], saved: Saved, faults: list[BootyError]) -> None:
    from booty.plan.versions import older

    for one in started:
        wrote = saved.data.get(one.instance.name, {}).get("version", "")
        if not wrote or one.member.component.older_on_newer:
            continue
        if older(one.instance.version, wrote):
            faults.append(
                ConflictError(
                    f'cannot start "{one.instance.name}" with version {one.instance.version}:'
                    f" its data was written by {wrote}",
                    reference="older-program",
                    subject=f"services.{one.cast.name}.version",
                    hint=f'write version = "{wrote}" or newer, or destroy {one.cast.name}',
                )
            )
