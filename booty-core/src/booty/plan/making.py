"""The plan itself, out of everything that was decided. Pure: nothing is read, written or asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve, frozen

from booty.errors import BootyError, ConflictError, raise_all
from booty.model import codec
from booty.model.plan import Artifact, Plan, PlannedInstance
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
from booty.plan.programs import gather, unfetched
from booty.plan.roles import Cast, cast_all
from booty.plan.steps import steps
from booty.supervise.change import TAKEN_OVER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from booty.model.plan import Machine, Saved
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["Deciding", "make", "once"]

BOOTSTRAP = "bootstrap"


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
    locked: dict[str, list[str]] = {}
    for key in sorted(artifacts):
        locked.setdefault(key.partition("@")[0], []).append(key.partition("@")[2])
    deciding = Deciding(spec=spec, providers=providers, locked=locked, saved=saved, machine=machine)
    made = deciding.plan(artifacts)
    raise_all(once(deciding.faults))
    assert made is not None  # noqa: S101 - without a fault there is a plan
    return made


@frozen(kw_only=True)
class Layout:
    """What is settled before anything is launched.

    Attributes:
        edges: who waits for whom, by service.
        asked: every port that is asked for.
        ports: numbers by instance and port.
        addresses: where everything is.
    """

    edges: Mapping[str, list[dict[str, Any]]]
    asked: list[Wish]
    ports: Mapping[str, int]
    addresses: Addresses


@define(kw_only=True)
class Deciding:
    """One plan under way, which tells all that is wrong and goes on with what is sound.

    Attributes:
        spec: the file as read.
        providers: loaded providers by name.
        locked: versions that programs were fetched in, by component.
        saved: what earlier commands left.
        machine: what this machine offers.
        lost: services of the file that are not in ``spec``: a fault is told of each already.
        faults: what is wrong; a plan that was made with faults is worth nothing.
        secrets: what the plan needs of secrets and variables, once it was made.
        scale: saved numbers of replicas that hold, once the plan was begun.
    """

    spec: StackSpec
    providers: Mapping[str, Provider]
    locked: Mapping[str, Collection[str]]
    saved: Saved
    machine: Machine
    lost: set[str] = Factory(set)
    faults: list[BootyError] = Factory(list)
    secrets: tuple[dict[str, Any], ...] = ()
    scale: Mapping[str, int] = Factory(dict)

    def plan(self, artifacts: Mapping[str, Artifact] | None = None) -> Plan | None:
        """Decide.

        Args:
            artifacts: programs by the key of their wish; ``None`` = none was looked for.

        Returns:
            The plan; ``None`` if anything is wrong.

        Raises:
            ProviderError: what a provider declares cannot be used.
        """
        self.scale, warnings = _scale(self.spec, self.saved)
        casts = self._casts()
        if artifacts is None:
            found = gather(casts, self.spec.root, self.faults).values()
            artifacts = {one.key: unfetched(one, self.machine.platform) for one in found}
        laid = self._lay_out(casts)
        started = self._launches(laid, artifacts).all()
        planned, order = self._ordered(started, laid, artifacts)
        if self.faults or self.lost:
            return None
        made = Plan(
            stack={"id": self.saved.stack_id, "name": self.spec.name},
            artifacts=dict(sorted(artifacts.items())),
            instances=tuple(planned[name] for level in order for name in level),
            services=_services(casts, laid, started),
            ports=dict(sorted(laid.ports.items())),
            levels=order,
            warnings=(*warnings, *_untested(casts), *in_ephemeral(laid.ports, self.machine)),
            secrets=self.secrets,
            scale=dict(sorted(self.scale.items())),
        )
        made = with_kept(made, self.saved)
        return evolve(made, steps=steps(made, self.saved.plan, self.saved.running))

    def _casts(self) -> dict[str, Cast]:
        casts = cast_all(self.spec, self.providers, self.locked, self.scale, self.faults)
        enabled = {one.name for one in self.spec.services.values() if one.enabled}
        self.lost |= enabled - casts.keys()
        return claim_all(casts, self.lost, self.faults)

    def _lay_out(self, casts: Mapping[str, Cast]) -> Layout:
        saved, machine, faults = self.saved, self.machine, self.faults
        used = [*uses(casts, self.lost, faults), *kept_uses(saved, casts)]
        edges = service_needs(casts, used, self.lost, faults)
        asked = wishes(casts, faults)
        ports = allocate(asked, saved, with_kept_ports(machine, saved), faults)
        credentials = Credentials(numbers=saved.secrets, uses=used, environ=machine.env)
        addresses = Addresses.of(casts, asked, ports, credentials)
        return Layout(edges=edges, asked=asked, ports=ports, addresses=addresses)

    def _launches(self, laid: Layout, artifacts: Mapping[str, Artifact]) -> Launches:
        return Launches(
            stack=self.spec,
            addresses=laid.addresses,
            artifacts=artifacts,
            machine=self.machine,
            faults=self.faults,
            unsure=self._unsure(),
        )

    def _ordered(
        self, started: list[Started], laid: Layout, artifacts: Mapping[str, Artifact]
    ) -> tuple[dict[str, PlannedInstance], tuple[tuple[str, ...], ...]]:
        casts = laid.addresses.casts
        needs = {
            one.instance.name: needs_of(one, laid.edges[one.cast.name], casts) for one in started
        }
        order = levels(needs, self.faults)
        planned = {
            one.instance.name: _planned(one, needs, artifacts, self.machine, self.scale)
            for one in started
        }
        _refuse_others(started, self.saved, self.faults)
        self.secrets = laid.addresses.credentials.listed()
        return planned, order

    def _unsure(self) -> set[str]:
        # what could be told of these may be no more than what follows from their faults
        paths = (str(fault.subject).split(".") for fault in self.faults)
        return self.lost | {path[1] for path in paths if path[0] == "services" and path[1:]}


def once(faults: list[BootyError]) -> list[BootyError]:
    """Return the faults without repeats: three replicas find the same one three times."""
    return [*{(one.reference, one.message): one for one in faults}.values()]


def _scale(spec: StackSpec, saved: Saved) -> tuple[dict[str, int], tuple[str, ...]]:
    # a saved scale holds until the file's own number changes
    kept: dict[str, int] = {}
    warnings = []
    before = (saved.plan or {}).get("services", {})
    for name, number in saved.scale.items():
        service, _, role = name.partition(".")
        if service not in spec.services:
            continue
        now = _replicas_asked(spec.services[service]).get(role)
        known = before.get(service, {}).get("replicas_asked")
        known = known.get(role) if isinstance(known, dict) else now
        if saved.scaled_over.get(name, known) == now:
            kept |= {name: number} if number != now else {}
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
    scale: Mapping[str, int],
) -> PlannedInstance:
    rest = policy(one)
    artifact = artifacts.get(artifact_key(one.member, one.cast.spec))
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
        reason=_reason(one, scale),
    )


def _reason(one: Started, scale: Mapping[str, int]) -> str:
    role, replicas = one.member.role.name, one.member.replicas
    path = f"services.{one.cast.name}{_engine(one)}"
    if f"{one.cast.name}.{role}".rstrip(".") in scale:
        return f"{path} is scaled to {replicas} replicas"
    return path + (f" has {replicas} replicas" if replicas > 1 else "")


def _engine(one: Started) -> str:
    # where a service could be another program: which one it is, and who says so
    name = one.member.component.id.partition("/")[2]
    if one.member.role.name or not name:
        return ""
    said = one.cast.spec.engine or "/" in one.cast.spec.use
    return f" (engine {name}{'' if said else ', the default'})"


def _services(
    casts: Mapping[str, Cast], laid: Layout, started: list[Started]
) -> dict[str, dict[str, Any]]:
    return {
        name: _service(cast, laid.addresses, laid.asked, started)
        for name, cast in sorted(casts.items())
    }


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


def _refuse_others(started: list[Started], saved: Saved, faults: list[BootyError]) -> None:
    for one in started:
        wrote = saved.data.get(one.instance.name, {})
        component = one.member.component
        by = str(wrote.get("component") or component.id)
        if by != component.id:
            if by not in component.reads:
                faults.append(_of_another(one, by))
        elif not component.older_on_newer:
            _refuse_older(one, str(wrote.get("version") or ""), faults)


def _of_another(one: Started, by: str) -> ConflictError:
    service = one.cast.name
    return ConflictError(
        f'cannot start "{one.instance.name}" with {one.member.component.id}: its data was written'
        f" by {by}",
        reference="data-of-another",
        subject=f"services.{service}",
        hint=f"to carry it over: booty backup {service} OUT, booty destroy {service}, booty up,"
        f" booty restore {service} OUT",
    )


def _refuse_older(one: Started, wrote: str, faults: list[BootyError]) -> None:
    from booty.plan.versions import older

    if wrote and older(one.instance.version, wrote):
        faults.append(
            ConflictError(
                f'cannot start "{one.instance.name}" with version {one.instance.version}:'
                f" its data was written by {wrote}",
                reference="older-program",
                subject=f"services.{one.cast.name}.version",
                hint=f'write version = "{wrote}" or newer, or destroy {one.cast.name}',
            )
        )
