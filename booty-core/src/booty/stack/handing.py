"""Handing a plan to the supervisor. A second ``up`` with nothing to do imports little more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from booty.errors import BootyError, ConflictError, FetchError, VerifyError, from_data
from booty.stack import ahead, identity, plans, unchanged
from booty.stack.choice import Choice, Outcome
from booty.stack.place import Place, read
from booty.supervise import client, launch
from booty.supervise.client import Connection, ControlError
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from booty.fetch import Tell
    from booty.stack.planning import Planning

__all__ = ["Outcome", "Session", "request"]


ABANDON: Final = 10.0
"""Seconds that the end of an idle supervisor may take."""


def request(link: Connection, do: str, **fields: Any) -> dict[str, Any]:
    """Ask the supervisor; its fault becomes one of our exceptions.

    Raises:
        BootyError: what the supervisor said.
    """
    try:
        return link.request(do, **fields)
    except ControlError as error:
        raise from_data(error.data) from error


class Session:
    """One command that changes a stack.

    Args:
        place: the stack.
        lifetime: asked for, empty = as the file says, else ``default``.
        default: the lifetime of this way of starting.
        hold: read end of the holder's pipe; ``None`` = nobody holds.
        handed: called as soon as a plan was handed over; up to then a fault takes it back.
        asked: called while a plan is being taken.

    Attributes:
        link: the connection to the supervisor, once there is one.
        started: whether this session started the supervisor.
        data: the saved plan that was handed over, if one was.
        sheet: the digest and the run sheet of the saved plan that was handed over, if one was.
    """

    def __init__(
        self,
        place: Place,
        *,
        lifetime: str = "",
        default: str = "outlive-me",
        hold: int | None = None,
        handed: Callable[[], None] = lambda: None,
        asked: Callable[[], None] = lambda: None,
    ) -> None:
        self.place = place
        self.lifetime = lifetime
        self.default = default
        self.hold = hold
        self._handed = handed
        self._asked = asked
        self.link: Connection | None = None
        self.started = False
        self.data: dict[str, Any] | None = None
        self.sheet: tuple[str, dict[str, Any]] | None = None
        self._sheets: dict[str, dict[str, Any]] = {}
        self._start: launch.Start | None = None

    def running(self) -> Connection | None:
        """Return a connection to a supervisor that is already there."""
        self._take_what_was_begun()
        if self.link is None and self._start is None:
            try:
                self.link = client.connect(self.place.state)
            except ControlError as error:
                if error.reference not in {"not-running", "connection-lost"}:
                    raise from_data(error.data) from error
        return self.link

    def _take_what_was_begun(self) -> None:
        start = ahead.take(str(self.place.state))
        if start is not None and start.fresh:
            self._start = start
            self.started = True
        elif start is not None:
            self.link = start.connection()

    def start(self, stack_id: str) -> None:
        """Start guardian and supervisor if there are none; they come up while we plan.

        Raises:
            BootyError: they cannot be started, or the state belongs to another machine.
        """
        if self.running() is None and self._start is None:
            name, lifetime = _written(self.place)
            self.started = True
            self._start = self._launch(stack_id, name, self.lifetime or lifetime or self.default)

    def supervisor(self) -> Connection:
        """Return the connection to the supervisor as soon as it answers.

        Raises:
            BootyError: it does not come up.
        """
        try:
            if self.link is None and self._start is not None:
                self.link = self._start.connection()
        except ControlError as error:
            raise from_data(error.data) from error
        return _there(self.link)

    def _launch(self, stack_id: str, name: str, lifetime: str) -> launch.Start:
        from booty import paths
        from booty.stack import surroundings

        try:
            return launch.ensure(
                self.place.state,
                stack_id=stack_id,
                name=name,
                lifetime=lifetime,
                hold=self.hold,
                environment=surroundings.base_environment(),
                store=str(paths.store()),
                root=str(self.place.root),
            )
        except ControlError as error:
            raise from_data(error.data) from error

    def up(
        self, choice: Choice, tell: Tell | None = None, *, replan: bool = False, keep: bool = False
    ) -> Outcome:
        """Plan if need be, and hand over. Returns when the supervisor has taken the plan.

        Args:
            choice: what is asked.
            tell: told of fetching.
            replan: plan anew though nothing changed, and have every bootstrap asked again.
            keep: leave what failed for a look.

        Raises:
            BootyError, BootyErrors: whatever is wrong; a supervisor that this call started has
                been ended again.
        """
        stack_id = identity.ensure(self.place)
        with self._changing():
            anew = replan or choice.reallocate or choice.frozen or bool(choice.scale)
            if not anew and (outcome := self._as_saved(stack_id, choice, keep=keep)):
                return outcome
            self.start(stack_id)
            return self._plan_anew(_planning(self.place, stack_id, choice, tell), keep, replan)

    def again(self, choice: Choice) -> Outcome | None:
        """Hand over the saved plan if it holds.

        Returns:
            What was done; ``None`` if a plan has to be made, and nothing was done.

        Raises:
            BootyError, BootyErrors: as :meth:`up`.
        """
        stack_id = identity.ensure(self.place)
        with self._changing():
            outcome = self._as_saved(stack_id, choice, keep=False)
            if outcome is None and self._start is not None:
                ahead.put_back(str(self.place.state), self._start)
            return outcome

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with identity.planning_lock(self.place):
            try:
                yield
            except BaseException:
                self.abandon()
                raise

    def abandon(self) -> None:
        """End a supervisor that this session started and that has no plan yet."""
        from booty.stack import ending

        if not self.started:
            return
        self.started = False
        # what made us give up is told; an end that hangs as well comes second
        with suppress(BootyError):
            self.supervisor().close()
            self.link = None
            ending.down(self.place, ABANDON)

    def undo(self, outcome: Outcome, fault: BootyError) -> None:
        """Stop what a start that failed has started, and nothing that ran before.

        Args:
            outcome: what was handed over.
            fault: why it failed.
        """
        from booty.stack import ending

        own = [one["instance"] for one in outcome.changes if one["action"] == "start"]
        if self.started:
            self.started = False
            ending.down(self.place)
        elif fault.reference == "wait-timeout" and own:
            # other failures were taken back by the supervisor itself
            with client.connect(self.place.state) as link:
                request(link, "stop", names=own)

    def _as_saved(self, stack_id: str, choice: Choice, *, keep: bool) -> Outcome | None:
        # nothing is done, or what the saved plan says, if that holds
        saved = self._saved(choice)
        if saved is None:
            return None
        self._refuse_unknown(saved, choice)
        identity.mend(self.place)
        if self.running() is not None and self._is_done(saved, choice):
            self._live_on()
            return Outcome(changes=[], nothing=True, stale=unchanged.stale(self.place))
        if self._programs_are_there(saved):
            return self._hand_over_saved(stack_id, saved, choice, keep=keep)
        return None

    def _refuse_unknown(self, digest: str, choice: Choice) -> None:
        # other names are refused by whoever uses them
        sheet = self._sheet(digest)
        known = [*sheet.get("services", ()), *plans.latest(self.place).get("left_out", ())]
        for name in (*choice.without, *choice.accept):
            if name.partition(".")[0] not in known:
                raise from_data(no_such(name, known, "service").data)

    def _saved(self, choice: Choice) -> str | None:
        known = plans.latest(self.place)
        if unchanged.misses(known.get("left_out", ()), choice):
            return None
        held = plans.profiles(self.place, choice.profiles)
        return plans.saved_for(self.place, plans.inputs(self.place, held, known))

    def _live_on(self) -> None:
        # what runs keeps its lifetime unless this call names another one
        if self.lifetime and not self.started:
            fds = [] if self.hold is None else [self.hold]
            request(self.supervisor(), "lifetime", fds=fds, lifetime=self.lifetime)

    def _plan_anew(self, planning: Planning, keep: bool, bootstraps: bool) -> Outcome:
        from booty.stack.anew import make_and_save

        made, digest = make_and_save(planning)
        changes = self._converge(
            planning.choice, digest, plans.scaled(made.plan) | {"secrets": made.plan.secrets},
            keep=keep, spans=made.spans, anew=bootstraps,
        )  # fmt: skip
        return Outcome(changes=changes, warnings=made.plan.warnings, left_out=dict(made.left_out))

    def _programs_are_there(self, digest: str) -> bool:
        # each program is checked before it is started; one that is gone is fetched again
        from booty import paths
        from booty.fetch import integrity

        sheet = self._sheet(digest)
        try:
            for key, one in sheet.get("artifacts", {}).items():
                integrity.check(paths.store(), one["path"], key)
        except VerifyError:
            raise
        except FetchError:
            return False
        return True

    def _hand_over_saved(
        self, stack_id: str, digest: str, choice: Choice, *, keep: bool
    ) -> Outcome:
        from booty.stack.fit import refuse_unfit

        held = plans.profiles(self.place, choice.profiles)
        refuse_unfit(self.place, self._sheet(digest), choice, held)
        self.start(stack_id)
        data = self.data = plans.to_hand_over(self.place, digest)
        self.sheet = digest, self._sheet(digest)
        changes = self._converge(choice, digest, data, keep=keep, spans=())
        return Outcome(changes=changes, stale=unchanged.stale(self.place))

    def _is_done(self, digest: str, choice: Choice) -> bool:
        return unchanged.all_as_planned(self.place, digest, self._sheet(digest), choice)

    def _sheet(self, digest: str) -> dict[str, Any]:
        # it is asked for four times in a start, and has all of a large stack
        if digest not in self._sheets:
            self._sheets[digest] = read(self.place.state / "plans" / f"{digest}.run.json")
        return self._sheets[digest]

    def _converge(
        self,
        choice: Choice,
        digest: str,
        data: Mapping[str, Any],
        *,
        keep: bool,
        spans: Sequence[dict[str, Any]],
        anew: bool = False,
    ) -> list[dict[str, Any]]:
        from booty import secrets
        from booty.stack import replicas

        backend = secrets.backend("", self.place.id)
        needs = data.get("secrets", ())
        environ, root = dict(os.environ), self.place.root
        values = secrets.known(needs, backend, time.time())
        if values is None:
            values = secrets.materialise(needs, backend, environ, root=root)
        handle = secrets.to_memfd(values)
        try:
            answer = self._insist(
                "converge",
                fds=[handle],
                plan=digest,
                names=list(choice.names) or None,
                without=sorted(unchanged.planned(self._sheet(digest), choice.without)),
                keep=keep,
                spans=list(spans),
                meanwhile=self._asked,
                **({"anew": True} if anew else {}),  # an older supervisor does not know the word
                **replicas.told(self.place, data),
            )
        finally:
            os.close(handle)
        self._live_on()
        self._handed()
        found: list[dict[str, Any]] = answer["changes"]
        return found

    def _insist(self, do: str, **fields: Any) -> dict[str, Any]:
        try:
            return request(self.supervisor(), do, **fields)
        except BootyError as error:
            if error.reference != "connection-lost":
                raise
        # the supervisor was killed: its successor is asked the same
        self.link = self._start = None
        self.start(self.place.id)
        return request(self.supervisor(), do, **fields)


def _planning(place: Place, stack_id: str, choice: Choice, tell: Tell | None) -> Planning:
    from booty import fetch
    from booty.stack.planning import Planning

    return Planning(place=place, stack_id=stack_id, choice=choice, tell=tell or fetch.silent)


def _there(link: Connection | None) -> Connection:
    if link is None:  # pragma: no cover - supervisor() came first
        raise ConflictError("cannot reach the supervisor", reference="not-running", hint="booty ps")
    return link


def _written(place: Place) -> tuple[str, str]:
    # needed before the file is read in full; what is wrong with it is told then
    import tomllib

    try:
        stack = tomllib.loads(place.file.read_text()).get("stack", {})
        name, lifetime = str(stack.get("name", place.root.name)), str(stack.get("lifetime", ""))
    except (OSError, ValueError, AttributeError):
        return place.root.name, ""
    return name, lifetime if lifetime in {"outlive-me", "die-with-me"} else ""
