"""From booty.toml to a saved plan: providers loaded, programs fetched, everything decided."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve, frozen

from booty import config, fetch, paths, plan, providers
from booty.errors import BootyError, ConfigError, ProviderError, raise_all
from booty.model.plan import Artifact, Saved
from booty.model.platform import Platform
from booty.stack import machine, plans
from booty.stack.choice import Choice
from booty.stack.place import Place, read

if TYPE_CHECKING:
    from booty.fetch import Lock, Tell
    from booty.model.plan import ArtifactWish, Plan
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["Choice", "Planned", "Planning"]


@frozen(kw_only=True)
class Planned:
    """A plan that was made, and what belongs to it.

    Attributes:
        plan: the plan.
        sheet: its run sheet.
        blobs: large files by digest.
        lock: the lock after fetching.
        known: what ``latest.json`` remembers.
        spans: what took how long: ``{"name", "start", "end"}``, monotonic seconds.
        left_out: broken providers' services, with the reason.
    """

    plan: Plan
    sheet: dict[str, Any]
    blobs: dict[str, bytes]
    lock: Lock
    known: dict[str, Any]
    spans: tuple[dict[str, Any], ...] = ()
    left_out: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class Prepared:
    """What a plan is decided from: the file, its providers, its programs."""

    spec: StackSpec
    known: Mapping[str, Provider]
    broken: Mapping[str, str]
    artifacts: Mapping[str, Artifact]
    lock: Lock


@define(kw_only=True)
class Planning:
    """One planning under way.

    Attributes:
        place: the stack.
        stack_id: its id, empty for a look that writes nothing.
        choice: what is asked.
        tell: told of fetching.
        dry: do not fetch: programs that are not in the store stay without a place.
    """

    place: Place
    stack_id: str
    choice: Choice
    tell: Tell = fetch.silent
    dry: bool = False
    spans: list[dict[str, Any]] = Factory(list)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that hold: as asked, else as the running stack has them."""
        if self.choice.profiles is not None:
            return self.choice.profiles
        return plans.held_profiles(self.place)

    def inputs(self, before: Mapping[str, Any] | None = None) -> str:
        """Return the digest of everything that would go into a plan now.

        Args:
            before: what is remembered of a plan; by default of the newest.
        """
        known = plans.latest(self.place) if before is None else before
        return plans.inputs(self.place, self.profiles, known)

    def make(self) -> Planned:
        """Plan; fetch what is missing unless ``dry``.

        Raises:
            BootyError, BootyErrors: whatever is wrong.
        """
        return self.decide(self.prepare())

    def prepare(self) -> Prepared:
        """Do what takes time: read, load providers, fetch.

        Raises:
            BootyError, BootyErrors: whatever is wrong.
        """
        spec = self._timed("read", lambda: config.load(self.place.file, profiles=self.profiles))
        spec, known, broken = self._timed("load providers", lambda: self._providers(spec))
        self._refuse_problems(spec, known)
        lock = fetch.Lock.read(self.place.lock)
        wishes = plan.resolve(spec, known, lock.versions)
        artifacts, lock = self._timed("fetch", lambda: self._artifacts(wishes, lock, spec, known))
        return Prepared(spec=spec, known=known, broken=broken, artifacts=artifacts, lock=lock)

    def decide(self, prepared: Prepared) -> Planned:
        """Look at the machine and decide; takes milliseconds.

        Raises:
            BootyError, BootyErrors: whatever is wrong.
        """
        spec, known, artifacts = prepared.spec, prepared.known, prepared.artifacts
        saved = self._saved()
        offered = self._timed("look at the machine", lambda: machine.look(self.place, spec))
        made = self._timed("plan", lambda: plan.make(spec, known, artifacts, saved, offered))
        sheet, blobs = plan.sheet(made)
        _carry_over(sheet, self._running_sheet(), prepared.broken)
        remembered = {
            "profiles": list(self.profiles),
            "env": sorted(machine.asked(spec)),
            "env_files": sorted(offered.files),
            "name": spec.name,
            "lifetime": spec.lifetime,
            "providers": {name: _installed(one) for name, one in known.items()},
        }
        return Planned(
            plan=made,
            sheet=sheet,
            blobs=blobs,
            lock=prepared.lock,
            known=remembered,
            spans=tuple(self.spans),
            left_out=prepared.broken,
        )

    def _timed(self, name: str, work: Any) -> Any:
        start = time.monotonic()
        try:
            return work()
        finally:
            self.spans.append({"name": name, "start": start, "end": time.monotonic()})

    def _providers(self, spec: StackSpec) -> tuple[StackSpec, dict[str, Provider], dict[str, str]]:
        wanted = needed(spec, self.choice)
        known: dict[str, Provider] = {}
        broken: dict[str, str] = {}
        faults: list[BootyError] = []
        for name in sorted({one.use.partition("/")[0] for one in _enabled(spec)}):
            users = {one.name for one in _enabled(spec) if one.use.partition("/")[0] == name}
            try:
                known[name] = providers.load(name)
            except ProviderError as error:
                if users & wanted:
                    faults.append(error)
                broken |= dict.fromkeys(users, error.message)
        raise_all(faults)
        lost = _leaning_on(spec, set(broken))
        kept = {name: one for name, one in spec.services.items() if name not in lost}
        return evolve(spec, services=kept), known, broken | dict.fromkeys(lost - set(broken), "")

    def _refuse_problems(self, spec: StackSpec, known: Mapping[str, Provider]) -> None:
        faults: list[BootyError] = []
        for name, provider in known.items():
            own = [one for one in _enabled(spec) if one.use.partition("/")[0] == name]
            found = provider.call("preflight", services=own) or ()
            faults.extend(
                ConfigError(
                    one.message, reference=f"preflight-{one.id}", subject=name, hint=one.fix
                )
                for one in found
                if one.level == "error"
            )
        raise_all(faults)

    def _artifacts(
        self,
        wishes: Iterable[ArtifactWish],
        lock: Lock,
        spec: StackSpec,
        known: Mapping[str, Provider],
    ) -> tuple[dict[str, Artifact], Lock]:
        store = fetch.Store(paths.store())
        platform = Platform.current()
        asked = list(wishes)
        if self.dry:
            return {
                wish.key: fetch.stored(wish, platform=platform, lock=lock, store=store)
                or _unfetched(wish, platform)
                for wish in asked
            }, lock
        own: dict[str, Artifact] = {}
        for wish in asked:
            found = known[wish.component.owner].call("fetch", wish=wish)
            if found is not None:
                own[wish.key] = found
        rest = [wish for wish in asked if wish.key not in own]
        got, lock = fetch.ensure(
            rest, platform=platform, lock=lock, store=store, mirrors=spec.mirrors, tell=self.tell
        )
        return {**own, **got}, lock

    def _saved(self) -> Saved:
        folder = self.place.state / "state"
        stack = read(folder / "stack.json")
        running = plans.latest_data(self.place)
        markers = (self.place.state / "data").glob("*/.booty-data")
        return Saved(
            stack_id=self.stack_id,
            ports=read(folder / "ports.json"),
            scale=stack.get("scale", {}),
            secrets=plans.secret_numbers(self.place),
            data={file.parent.name: read(file) for file in markers},
            plan=running,
        )

    def _running_sheet(self) -> dict[str, Any]:
        digest = str(read(self.place.state / "state" / "stack.json").get("plan") or "")
        return read(self.place.state / "plans" / f"{digest}.run.json")


def _installed(provider: Provider) -> dict[str, str]:
    # its own folder of metadata goes when another version is installed: one look tells
    from importlib import metadata

    try:
        files = metadata.files(provider.distribution) or ()
    except (ValueError, metadata.PackageNotFoundError):
        files = ()
    record = next((file.locate() for file in files if file.name == "METADATA"), "")
    return {"version": provider.version, "record": str(record)}


def _enabled(spec: StackSpec) -> list[ServiceSpec]:
    return [one for one in spec.services.values() if one.enabled]


def needed(spec: StackSpec, choice: Choice) -> set[str]:
    """Return the services that a command wants, with everything they need.

    Raises:
        ConfigError: a name that is no service or instance of the file.
    """
    services = {one.name: one for one in _enabled(spec)}
    unknown = [
        name
        for name in (*choice.names, *choice.without, *choice.accept)
        if name.partition(".")[0] not in services
    ]
    if unknown:
        raise ConfigError(
            f'cannot find "{unknown[0]}": no such service',
            reference="no-service",
            subject=unknown[0],
            hint=f"services: {', '.join(services)}",
        )
    found: set[str] = set()
    left = [name.partition(".")[0] for name in choice.names] or list(services)
    while left:
        name = left.pop()
        if name not in found and name not in choice.without:
            found.add(name)
            left.extend(_uses(services[name], services))
    return found


def _uses(service: ServiceSpec, services: Mapping[str, ServiceSpec]) -> set[str]:
    linked = {value for value in service.extra.values() if isinstance(value, str)}
    waits = {need.service for need in service.needs}
    text = json.dumps([service.run, dict(service.env), str(service.config), str(service.ready)])
    named = {name for name in services if f"${{services.{name}." in text}
    return (linked | waits | named) & set(services) - {service.name}


def _leaning_on(spec: StackSpec, broken: set[str]) -> set[str]:
    services = {one.name: one for one in _enabled(spec)}
    lost = set(broken)
    while True:
        more = {name for name, one in services.items() if _uses(one, services) & lost} - lost
        if not more:
            return lost
        lost |= more


def _carry_over(
    sheet: dict[str, Any], running: Mapping[str, Any], services: Mapping[str, str]
) -> None:
    # what runs of a provider that is broken now goes on as it was planned when it was not
    kept = [one for one in running.get("instances", ()) if one["service"] in services]
    for entry in kept:
        sheet["instances"].append(entry)
        sheet["services"][entry["service"]] = running["services"][entry["service"]]
        sheet["providers"].setdefault(
            entry["provider"], running["providers"].get(entry["provider"], {})
        )
    if kept:
        sheet["artifacts"] = {**running["artifacts"], **sheet["artifacts"]}


def _unfetched(wish: ArtifactWish, platform: Platform) -> Artifact:
    return Artifact(
        key=wish.key,
        program=wish.component.program,
        version=wish.version,
        platform=str(platform),
    )
