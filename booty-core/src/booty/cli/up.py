"""``booty up``."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.fetch import Tell
    from booty.stack.choice import Choice, Outcome
    from booty.stack.handing import Session
    from booty.stack.place import Place

DIE = "die-with-me"
OUTLIVE = "outlive-me"


@click.command("up", short_help="Fetch, plan, start, wait until ready.")
@common.names_argument()
@click.option("-d", "--detach", is_flag=True, help="Return when ready; the stack goes on.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="P",
    shell_complete=common.profile_names,
    help="Lay a profile over it.",
)
@click.option(
    "--timeout", type=common.Seconds(), metavar="T", help="How long to wait for readiness."
)
@click.option("--rm", "remove", is_flag=True, help="Remove everything after it; new stacks only.")
@click.option("--frozen", is_flag=True, help="Take only what booty.lock holds.")
@click.option("--replan", is_flag=True, help="Plan and make all anew though nothing changed.")
@click.option("--keep", is_flag=True, help="Leave what failed for a look.")
@click.option(
    "--without",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Not started, not waited for.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Accept what moves or loses data, or was withdrawn.",
)
@click.option(
    "--ports",
    type=click.Choice(["reallocate"]),
    help="Give what does not run new ports.",
)
@click.option("--watch", is_flag=True, help="Restart programs when files of theirs change.")
@click.option(
    "--bundle",
    type=click.Path(exists=True),
    metavar="F",
    help="Programs from a bundle, no network.",
)
@click.option("--lifetime", type=click.Choice([OUTLIVE, DIE]), help="What the holder's end means.")
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> int:
    """Fetch, plan, start, wait until ready.

    On a running stack it changes what differs and says what. In the foreground it follows, and
    ctrl-C stops all; with -d it returns when ready.

    Example: booty up -d
    """
    begin = time.monotonic()
    found = common.place(ctx)
    return Up(ctx, found, names, options, begin).run()


def refuse_remove(place: Place) -> None:
    """Refuse ``--rm`` where data already is.

    Raises:
        ConflictError: there is.
    """
    from booty.errors import ConflictError

    if any((place.state / "data").glob("*/.booty-data")):
        raise ConflictError(
            f'cannot use --rm: there is data in "{place.state / "data"}"',
            reference="rm-with-data",
            subject=str(place.root),
            hint="leave out --rm, or booty destroy first",
        )


class Up:
    """One call of the command."""

    def __init__(
        self,
        ctx: click.Context,
        found: Place,
        names: tuple[str, ...],
        options: dict[str, Any],
        begin: float,
    ) -> None:
        self.ctx = ctx
        self.place = found
        self.names = names
        self.options = options
        self.begin = begin
        self.detach: bool = options["detach"]

    def run(self) -> int:
        """Return the exit status; mostly the follower's, which takes this process over."""
        from booty.cli.progress import Fetching
        from booty.stack import following
        from booty.stack.handing import Session

        if self.options["remove"]:
            self._refuse_remove()
        if self.options.get("watch") and self.detach:
            raise click.UsageError("--watch ends with this command: leave out -d")
        following.hear_stops()
        reader, writer = os.pipe()
        session = Session(
            self.place,
            lifetime=self._lifetime(),
            default=OUTLIVE if self.detach else DIE,
            # who returns when all is ready holds nothing
            hold=None if self.detach else reader,
            handed=following.hold_stops,
        )
        events = following.size(self.place.state / "events.jsonl")
        with Fetching(quiet=common.quiet(self.ctx)) as fetching:
            outcome = self._hand_over(session, fetching.tell)
        if self.options.get("watch"):
            self._watch(session, reader)
        os.close(reader)
        if not common.quiet(self.ctx):
            following.say(outcome)
        if outcome.nothing:
            following.say_nothing(
                self.place,
                self.begin,
                as_json=common.as_json(self.ctx),
                quiet=common.quiet(self.ctx),
            )
            if self.detach or common.as_json(self.ctx):
                return 0
        return self._become_follower(session, outcome, writer, events)

    def _watch(self, session: Session, reader: int) -> None:
        from booty.stack.handing import request

        request(session.supervisor(), "watch", fds=[reader])
        if not common.quiet(self.ctx) and not _watches(self.place):
            click.echo('note: nothing to watch: write watch = ["src/**"] to a service', err=True)

    def _hand_over(self, session: Session, tell: Tell) -> Outcome:
        return session.up(
            self._choice(), tell, replan=self.options["replan"], keep=self.options["keep"]
        )

    def _choice(self) -> Choice:
        from booty.stack.choice import Choice

        return Choice(
            names=self.names,
            without=self.options["without"],
            accept=self.options["accept"],
            profiles=self.options["profiles"] or None,
            reallocate=self.options["ports"] is not None,
            frozen=self.options.get("frozen", False),
            bundle=self.options.get("bundle") or "",
        )

    def _lifetime(self) -> str:
        if self.options["remove"]:
            return DIE
        return self.options["lifetime"] or _lifetime_of_environment()

    def _refuse_remove(self) -> None:
        if self.detach or self.options["lifetime"] == OUTLIVE:
            raise click.UsageError("--rm is for a stack that ends with this command: without -d")
        refuse_remove(self.place)

    def _holds(self, session: Session) -> bool:

        lifetime = self.place.stack.get("lifetime")
        took = session.started or bool(session.lifetime)
        return took and lifetime == DIE and not self.detach

    def _become_follower(self, session: Session, outcome: Outcome, writer: int, events: int) -> int:
        from booty.stack import following
        from booty.supervise import launch, roles

        told = following.arguments(
            session,
            outcome,
            names=list(self.names) or None,
            timeout=self.options["timeout"],
            detach=self.detach,
            json=common.as_json(self.ctx),
            quiet=common.quiet(self.ctx),
            command=common.itself(self.ctx),
            holds=self._holds(session),
            keep=self.options["keep"],
            events=events,
            begin=self.begin,
            after=self._after(),
            first=self.options.get("first", True),
        )
        if self.detach:
            following.follow_start(told)
        argv = roles.command("follower", told)
        os.set_inheritable(writer, True)
        sys.stdout.flush()
        sys.stderr.flush()
        # one that comes between us and the follower waits for it
        signal.pthread_sigmask(signal.SIG_BLOCK, launch.STOPS)
        os.execv(argv[0], argv)  # noqa: S606 - we become it
        return 1  # pragma: no cover - not reached

    def _after(self) -> list[str]:
        from booty.cli.destroy import label_of

        if not self.options["remove"]:
            return []
        words = [sys.executable, "-m", "booty", "-q", "--file", str(self.place.file)]
        return [*words, "destroy", "--yes", label_of(self.place)]


def _watches(place: Place) -> bool:
    from booty.stack import plans
    from booty.stack.place import read

    sheet = read(place.state / "plans" / f"{plans.latest(place).get('plan', '')}.run.json")
    return any(entry.get("watch") for entry in sheet.get("instances", ()))


def _lifetime_of_environment() -> str:
    named = os.environ.get("BOOTY_LIFETIME", "")
    if named not in {"", OUTLIVE, DIE}:
        from booty.errors import ConfigError

        raise ConfigError(
            f'cannot use "{named}" as BOOTY_LIFETIME: there is "{DIE}" and "{OUTLIVE}"',
            reference="bad-value",
            subject="BOOTY_LIFETIME",
            hint=f"export BOOTY_LIFETIME={OUTLIVE}",
        )
    return named
