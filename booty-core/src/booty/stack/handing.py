"""Handing a plan to the supervisor, and the lock that lets one command do so at a time."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define

from booty import paths, secrets
from booty.errors import (
    BootyError,
    ConflictError,
    FetchError,
    VerifyError,
    from_data,
)
from booty.stack import identity, machine, moving, plans
from booty.stack.place import Place, read
from booty.stack.planning import Choice, Planning
from booty.supervise import client, launch, state
from booty.supervise.client import Connection, ControlError

if TYPE_CHECKING:
    from booty.fetch import Tell

__all__ = ["Outcome", "Session", "planning_lock", "request"]


@define(kw_only=True)
class Outcome:
    """What a hand-over did.

    Attributes:
        changes: ``{"instance", "action", "reason"}`` for what is done about each.
        warnings: things to tell.
        nothing: whether everything was as it should be already.
        left_out: services of broken providers, with the reason.
        stale: providers whose installed version is another than the plan's.
    """

    changes: list[dict[str, Any]]
    warnings: tuple[str, ...] = ()
    nothing: bool = False
    left_out: dict[str, str]
    stale: tuple[str, ...] = ()


@contextmanager
def planning_lock(place: Place) -> Iterator[None]:
    """Hold ``plan.lock``: one command plans and hands over at a time.

    Raises:
        ConflictError: another command holds it; it is named.
    """
    handle = os.open(place.state / "plan.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another command"
            raise ConflictError(
                f'cannot plan now: "{holder}" is at work on this stack',
                reference="busy-planning",
                subject=str(place.root),
                hint="wait until it has ended",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()} booty {' '.join(sys.argv[1:])}".encode()[:200], 0)
        yield
    finally:
        os.close(handle)


def request(link: Connection, do: str, **fields: Any) -> dict[str, Any]:
    """Ask the supervisor; its fault becomes one of our exceptions.

    Raises:
        BootyError: what the supervisor said.
    """
    try:
        return link.request(do, **fields)
    except ControlError as error:
        raise from_data(error.data) from error


@define(kw_only=True)
class Session:
    """One command that changes a stack.

    Attributes:
        place: the stack.
        lifetime: asked for, empty = as the file says, else ``default``.
        default: the lifetime of this way of starting.
        hold: read end of the holder's pipe; ``None`` = nobody holds.
        link: the connection to the supervisor, once there is one.
        started: whether this session started the supervisor.
    """

    place: Place
    lifetime: str = ""
    default: str = "outlive-me"
    hold: int | None = None
    link: Connection | None = None
    started: bool = False

    def running(self) -> Connection | None:
        """Return a connection to a supervisor that is already there."""
        if self.link is None:
            try:
                self.link = client.connect(self.place.state)
            except ControlError as error:
                if error.reference not in {"not-running", "connection-lost"}:
                    raise from_data(error.data) from error
        return self.link

    def supervisor(self, stack_id: str, name: str, lifetime: str) -> Connection:
        """Return a connection; start guardian and supervisor if there are none.

        Raises:
            BootyError: they cannot be started, or the state belongs to another machine.
        """
        if self.link is None:
            before = self.running()
            if before is not None:
                return before
            self.started = True
            try:
                self.link = launch.ensure(
                    self.place.state,
                    stack_id=stack_id,
                    name=name,
                    lifetime=self.lifetime or lifetime or self.default,
                    hold=self.hold,
                    environment=machine.base_environment(),
                    store=str(paths.store()),
                    root=str(self.place.root),
                )
            except ControlError as error:
                raise from_data(error.data) from error
        return self.link

    def up(
        self, choice: Choice, tell: Tell, *, replan: bool = False, keep: bool = False
    ) -> Outcome:
        """Plan if need be, and hand over. Returns when the supervisor has taken the plan.

        Raises:
            BootyError, BootyErrors: whatever is wrong; a supervisor that this call started has
                been ended again.
        """
        stack_id = identity.ensure(self.place)
        with planning_lock(self.place):
            planning = Planning(place=self.place, stack_id=stack_id, choice=choice, tell=tell)
            try:
                return self._up(planning, replan=replan, keep=keep)
            except BaseException:
                self.abandon()
                raise

    def abandon(self) -> None:
        """End a supervisor that this session started and that has no plan yet."""
        if self.started and self.link is not None:
            self.started = False
            try:
                self.link.request("down", timeout=10.0)
            except ControlError:
                return  # it is gone already

    def _up(self, planning: Planning, *, replan: bool, keep: bool) -> Outcome:
        inputs = planning.inputs()
        saved = None if replan else plans.saved_for(self.place, inputs)
        if saved is not None and self._programs_are_there(saved):
            return self._hand_over_saved(planning, saved, keep=keep)
        known = plans.latest(self.place)
        self.supervisor(
            planning.stack_id, str(known.get("name", "")), _written_lifetime(self.place)
        )
        prepared = planning.prepare()
        with identity.port_lease():
            made = planning.decide(prepared)
            moving.settle(self.place, made.plan, planning.choice.accept)
            identity.register(self.place, str(made.known["name"]), dict(made.plan.ports))
        made.lock.write(self.place.lock)
        # the lock is an input too, and has just been written
        digest = plans.save(
            self.place, made.plan, made.sheet, made.blobs, {**made.known, "inputs": ""}
        )
        identity.write(
            self.place.state / "plans" / "latest.json",
            {"format": 1, "plan": digest, **made.known, "inputs": planning.inputs()},
        )
        needs = made.plan.secrets
        changes = self._converge(planning.choice, digest, needs, keep=keep, spans=made.spans)
        return Outcome(changes=changes, warnings=made.plan.warnings, left_out=dict(made.left_out))

    def _programs_are_there(self, digest: str) -> bool:
        # each program is checked before it is started; one that is gone is fetched again
        from booty.fetch import Store
        from booty.model import codec
        from booty.model.plan import Artifact

        store = Store(paths.store())
        known = (plans.latest_data(self.place, digest) or {}).get("artifacts", {})
        try:
            for one in known.values():
                store.check(codec.from_data(Artifact, one))
        except VerifyError:
            raise
        except FetchError:
            return False
        return True

    def _hand_over_saved(self, planning: Planning, digest: str, *, keep: bool) -> Outcome:
        known = plans.latest(self.place)
        stale = _stale(known)
        link = self.running()
        if link is not None and self._all_as_planned(digest, planning.choice):
            return Outcome(changes=[], nothing=True, left_out={}, stale=stale)
        self.supervisor(planning.stack_id, str(known["name"]), str(known.get("lifetime", "")))
        needs = (plans.latest_data(self.place, digest) or {}).get("secrets", ())
        changes = self._converge(planning.choice, digest, needs, keep=keep, spans=())
        return Outcome(changes=changes, left_out={}, stale=stale)

    def _all_as_planned(self, digest: str, choice: Choice) -> bool:
        found = state.read(self.place.state)
        stack = found["stack"] or {}
        if stack.get("plan") != digest or stack.get("without") or choice.without:
            return False
        sheet = read(self.place.state / "plans" / f"{digest}.run.json")
        names = {one["name"] for one in sheet["instances"]}
        states = {row["instance"]: row["state"] for row in found["instances"]}
        return all(states.get(name) in {"ready", "done"} for name in names)

    def _converge(
        self,
        choice: Choice,
        digest: str,
        needs: Sequence[Any],
        *,
        keep: bool,
        spans: Sequence[dict[str, Any]],
    ) -> list[dict[str, Any]]:
        backend = secrets.backend("", self.place.id)
        values = secrets.materialise(needs, backend, dict(os.environ))
        handle = secrets.to_memfd(values)
        try:
            answer = request(
                _there(self.link),
                "converge",
                fds=[handle],
                plan=digest,
                names=list(choice.names) or None,
                without=list(choice.without),
                keep=keep,
                spans=list(spans),
            )
        finally:
            os.close(handle)
        found: list[dict[str, Any]] = answer["changes"]
        return found


def _there(link: Connection | None) -> Connection:
    if link is None:  # pragma: no cover - supervisor() came first
        raise BootyError("cannot reach the supervisor", reference="not-running")
    return link


def _written_lifetime(place: Place) -> str:
    # needed before the file is read in full; what is wrong with it is told then
    import tomllib

    try:
        found = tomllib.loads(place.file.read_text()).get("stack", {}).get("lifetime", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if found in {"outlive-me", "die-with-me"} else ""


def _stale(known: dict[str, Any]) -> tuple[str, ...]:
    from booty import providers

    now = providers.installed()
    return tuple(
        f"{name} {version} made this plan, {now[name].version} is installed"
        for name, version in known.get("providers", {}).items()
        if name in now and now[name].version != version
    )
