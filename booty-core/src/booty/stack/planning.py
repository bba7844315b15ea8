"""From booty.toml to a saved plan: providers loaded, programs fetched, everything decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import Factory, define, evolve, frozen

from booty import config, fetch, paths, plan, providers
from booty.errors import BootyError, BootyErrors, ConfigError, ProviderError, raise_all
from booty.model.plan import Artifact, Saved
from booty.model.platform import Platform
from booty.stack import access, identity, machine, numbers, plans, programs, replicas
from booty.stack.choice import Choice
from booty.stack.fetching import keeping
from booty.stack.left_out import enabled, needed, rest, users
from booty.stack.place import Place, read
from booty.supervise import state

if TYPE_CHECKING:
    from booty.fetch import Lock, Tell
    from booty.model.plan import ArtifactWish, Plan
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["Choice", "Planned", "Planning"]

_T = TypeVar("_T")
GIVEN: Final = frozenset(("user", "env", "env-file"))
"""Kinds of secrets that only a user can give."""


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
    """What a plan is decided from: the file, its providers, its programs.

    Attributes:
        whole: the file as read.
        spec: the same without what is left out.
        known: the providers that work, by name.
        broken: services that are left out, with the reason.
        artifacts: programs by key.
        lock: the lock after fetching.
    """

    whole: StackSpec
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
        aside: providers that are broken and that nobody asked for, with what is wrong.
    """

    place: Place
    stack_id: str
    choice: Choice
    tell: Tell = fetch.silent
    dry: bool = False
    aside: dict[str, str] = Factory(dict)
    spans: list[dict[str, Any]] = Factory(list)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that hold: as asked, else as variable or running stack have them."""
        return plans.profiles(self.place, self.choice.profiles)

    def inputs(
        self,
        before: Mapping[str, Any] | None = None,
        scale: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the digest of everything that would go into a plan now.

        Args:
            before: what is remembered of a plan; by default of the newest.
            scale: the scale that will be saved; by default the one that is.
        """
        known = plans.latest(self.place) if before is None else before
        return plans.inputs(self.place, self.profiles, known, scale)

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
        whole, told = self._timed(
            "read", lambda: config.attempt(self.place.file, profiles=self.profiles)
        )
        if told:
            known, broken = self._load(whole)
            self._tell_all(whole, known, fetch.Lock.read(self.place.lock), [*told, *broken])
        identity.refuse_other_state(self.place, whole.state_dir)
        return self._alone(whole, lambda: self._prepare(whole))

    def _prepare(self, whole: StackSpec) -> Prepared:
        wanted = needed(whole, self.choice)
        known, broken = self._timed("load providers", lambda: self._load(whole))
        lock = fetch.Lock.read(self.place.lock)
        if any(self._needs(whole, str(one.subject)) for one in broken):
            self._tell_all(whole, known, lock, broken)
        replicas.refuse(whole, known, self.choice.scale)
        spec, lost = self._rest(whole)
        wishes = self._wishes(spec, known, lock)
        self._refuse_problems([one for one in enabled(spec) if one.name in wanted], known)
        artifacts, lock = self._timed("fetch", lambda: self._artifacts(wishes, lock, spec, known))
        return Prepared(
            whole=whole, spec=spec, known=known, broken=lost, artifacts=artifacts, lock=lock
        )

    def _wishes(
        self, spec: StackSpec, known: Mapping[str, Provider], lock: Lock
    ) -> tuple[ArtifactWish, ...]:
        store, platform = fetch.Store(paths.store()), Platform.current()
        try:
            wishes = plan.resolve(spec, known, lock.versions, self.choice.accept)
        except (BootyError, BootyErrors):
            self._tell_all(spec, known, lock)
            raise
        there = (fetch.stored(one, platform=platform, lock=lock, store=store) for one in wishes)
        if not self.dry and not all(there):
            # nothing is fetched for a file that has faults
            self._tell_all(spec, known, lock)
        return wishes

    def _tell_all(
        self,
        spec: StackSpec,
        known: Mapping[str, Provider],
        lock: Lock,
        told: Sequence[BootyError] = (),
    ) -> None:
        from booty.stack import finding

        saved, locked = self._saved(), lock.versions
        raise_all(finding.find(self.place, spec, known, saved, told, locked=locked, dry=self.dry))

    def decide(self, prepared: Prepared) -> Planned:
        """Look at the machine and decide; takes milliseconds.

        Raises:
            BootyError, BootyErrors: whatever is wrong.
        """
        return self._alone(prepared.whole, lambda: self._decide(self._narrowed(prepared)))

    def _narrowed(self, prepared: Prepared) -> Prepared:
        if not self.aside.keys() & prepared.known.keys():
            return prepared
        spec, lost = self._rest(prepared.whole)
        known = {name: one for name, one in prepared.known.items() if name not in self.aside}
        keys = {wish.key for wish in plan.resolve(spec, known, prepared.lock.versions)}
        artifacts = {key: one for key, one in prepared.artifacts.items() if key in keys}
        return evolve(prepared, spec=spec, known=known, broken=lost, artifacts=artifacts)

    def _decide(self, prepared: Prepared) -> Planned:
        spec, known, artifacts = prepared.spec, prepared.known, prepared.artifacts
        saved = evolve(self._saved(), kept=tuple(prepared.broken))
        unread: list[BootyError] = []
        offered = self._timed("look at the machine", lambda: machine.look(self.place, spec, unread))
        try:
            made = self._timed("plan", lambda: plan.make(spec, known, artifacts, saved, offered))
        except (BootyError, BootyErrors):
            self._tell_all(spec, known, prepared.lock)
            raise
        self._refuse_missing(spec, made)
        remembered = {
            "profiles": list(self.profiles),
            "env": sorted(machine.asked(spec)),
            "env_files": sorted(offered.files),
            "name": spec.name,
            "lifetime": spec.lifetime,
            "providers": {name: _installed(one) for name, one in known.items()},
            "left_out": sorted(prepared.broken),
        }
        made = evolve(made, inputs=self.inputs(remembered, replicas.kept(plans.scaled(made))))
        sheet, blobs = plan.sheet(made)
        return Planned(
            plan=made,
            sheet=sheet,
            blobs=blobs,
            lock=prepared.lock,
            known=remembered,
            spans=tuple(self.spans),
            left_out=prepared.broken,
        )

    def _refuse_missing(self, spec: StackSpec, made: Plan) -> None:
        if not self.dry and any(one["kind"] in GIVEN for one in made.secrets):
            from booty.stack import finding

            raise_all(finding.missing(self.place, spec, made.secrets))

    def _timed(self, name: str, work: Any) -> Any:
        start = time.monotonic()
        try:
            return work()
        finally:
            self.spans.append({"name": name, "start": start, "end": time.monotonic()})

    def _load(self, spec: StackSpec) -> tuple[dict[str, Provider], list[BootyError]]:
        known: dict[str, Provider] = {}
        faults: list[BootyError] = []
        for name in sorted({one.use.partition("/")[0] for one in enabled(spec)} - set(self.aside)):
            try:
                known[name] = providers.load(name)
            except ProviderError as error:
                faults.append(error)
                self.aside[name] = error.message
        return known, faults

    def _needs(self, spec: StackSpec, provider: str) -> bool:
        return bool(users(spec, provider) & needed(spec, self.choice))

    def _alone(self, spec: StackSpec, work: Callable[[], _T]) -> _T:
        # a provider that fails in a hook, and that nobody asked for, is set aside: once more
        while True:
            try:
                return work()
            except (ProviderError, BootyErrors) as error:
                faults = error.faults if isinstance(error, BootyErrors) else (error,)
                broken = {
                    str(one.subject): one.message
                    for one in faults
                    if isinstance(one, ProviderError) and users(spec, str(one.subject))
                }
                if not broken or any(self._needs(spec, name) for name in broken):
                    raise
                self.aside.update(broken)

    def _rest(self, whole: StackSpec) -> tuple[StackSpec, dict[str, str]]:
        spec, lost = rest(whole, self.aside, self.choice.without)
        wanted = sorted(needed(whole, self.choice) & set(lost))
        raise_all([_leans(name, self.aside) for name in wanted])
        return spec, lost

    def _refuse_problems(self, asked: Sequence[ServiceSpec], known: Mapping[str, Provider]) -> None:
        if self.dry:
            return
        faults: list[BootyError] = []
        for name, provider in known.items():
            own = [one for one in asked if one.use.partition("/")[0] == name]
            faults.extend(
                ConfigError(
                    one.message, reference=f"preflight-{one.id}", subject=name, hint=one.fix
                )
                for one in (provider.call("preflight", services=own) or () if own else ())
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
        asked = list(wishes)
        if self.dry:
            store, platform = fetch.Store(paths.store()), Platform.current()
            return {
                wish.key: fetch.at_hand(wish, platform=platform, lock=lock, store=store)
                or plan.unfetched(wish, platform)
                for wish in asked
            }, lock
        # what is left out may use another version
        whole = not (self.profiles or self.aside)
        used = [*asked, *self._tools(spec)]
        frozen = self.choice.frozen
        if frozen:
            kept = keeping(lock, used, spec) if whole else lock
            fetch.refuse_drift(asked, lock, Platform.current(), kept)
        with programs.opened(self.choice.bundle) as bundle:
            got, lock = programs.get(
                asked, known, lock, mirrors=spec.mirrors, tell=self.tell, keep_to_lock=frozen,
                access=access.of(spec, self.place.id), bundle=bundle,
            )  # fmt: skip
        return got, keeping(lock, used, spec) if whole else lock

    def _tools(self, spec: StackSpec) -> tuple[ArtifactWish, ...]:
        # they are locked, but not fetched for a start
        tools = plan.tools(spec)
        if not tools:
            return ()
        return plan.resolve(
            evolve(spec, services=tools), {"program": providers.load("program")}, {}
        )

    def _saved(self) -> Saved:
        before = plans.latest_data(self.place)
        markers = (self.place.state / "data").glob("*/.booty-data")
        saved = Saved(
            stack_id=self.stack_id,
            ports=numbers.ports(self.place),
            secrets=plans.secret_numbers(self.place),
            data={file.parent.name: read(file) for file in markers},
            plan=before,
            running=_running(self.place),
            reallocate=self.choice.reallocate,
        )
        return replicas.laid(saved, self.place, self.choice.scale)


def _running(place: Place) -> dict[str, dict[str, Any]]:
    known = ("state", "digest", "inputs")
    rows = state.read(place.state)["instances"]
    return {row["instance"]: {key: row.get(key) for key in known} for row in rows}


def _installed(provider: Provider) -> dict[str, str]:
    # its own folder of metadata goes when another version is installed: one look tells
    from importlib import metadata

    try:
        files = metadata.files(provider.distribution) or ()
    except (ValueError, metadata.PackageNotFoundError):
        files = ()
    record = next((file.locate() for file in files if file.name == "METADATA"), "")
    return {"version": provider.version, "record": str(record)}


def _leans(service: str, broken: Mapping[str, str]) -> ProviderError:
    name, why = next(iter(broken.items()))
    return ProviderError(
        f'cannot plan "{service}": it needs a service of provider "{name}", which is broken: {why}',
        reference="needs-broken",
        subject=f"services.{service}",
        hint=f"booty providers; or booty up --without {service}",
    )
