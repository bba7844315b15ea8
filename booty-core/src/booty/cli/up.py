"""``booty up``."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.handing import Outcome, Session
    from booty.stack.place import Place

DIE = "die-with-me"
OUTLIVE = "outlive-me"


@click.command("up", short_help="Fetch, plan, start, wait until ready.")
@common.names_argument()
@click.option("-d", "--detach", is_flag=True, help="Return when ready; the stack goes on.")
@click.option("--profile", "profiles", multiple=True, metavar="P", help="Lay a profile over it.")
@click.option(
    "--timeout", type=common.Seconds(), metavar="T", help="How long to wait for readiness."
)
@click.option("--rm", "remove", is_flag=True, help="Remove everything after it; new stacks only.")
@click.option("--replan", is_flag=True, help="Plan anew though nothing changed.")
@click.option("--keep", is_flag=True, help="Leave what failed for a look.")
@click.option("--without", multiple=True, metavar="NAME", help="Not started, not waited for.")
@click.option("--accept", multiple=True, metavar="NAME", help="Accept what moves or loses data.")
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

    def run(self) -> int:
        """Return the exit status; mostly the follower's, which takes this process over."""
        from booty.cli.progress import Fetching
        from booty.stack.choice import Choice
        from booty.stack.handing import Session

        self._refuse_remove()
        profiles = self.options["profiles"] or _from_environment("BOOTY_PROFILE")
        choice = Choice(
            names=self.names,
            without=self.options["without"],
            accept=self.options["accept"],
            profiles=tuple(profiles) or None,
        )
        reader, writer = os.pipe()
        session = Session(
            place=self.place,
            lifetime=self.options["lifetime"] or os.environ.get("BOOTY_LIFETIME", ""),
            default=OUTLIVE if self.options["detach"] else DIE,
            # who returns when all is ready holds nothing
            hold=None if self.options["detach"] else reader,
        )
        with Fetching(quiet=common.quiet(self.ctx)) as fetching:
            outcome = session.up(
                choice,
                fetching.tell,
                replan=self.options["replan"],
                keep=self.options["keep"],
            )
        os.close(reader)
        self._say(outcome)
        if outcome.nothing:
            os.close(writer)
            if self.options["detach"] or not self._holds(session):
                return self._nothing()
        return self._become_follower(session, outcome, writer)

    def _refuse_remove(self) -> None:
        if self.options["remove"]:
            refuse_remove(self.place)

    def _say(self, outcome: Outcome) -> None:
        if common.quiet(self.ctx):
            return
        for text in outcome.warnings:
            click.echo(f"warning: {text}", err=True)
        for name, why in outcome.left_out.items():
            click.echo(f"left out: {name}{f': {why}' if why else ''}", err=True)
        for text in outcome.stale:
            click.echo(f"note: {text}; booty up --replan takes it", err=True)

    def _holds(self, session: Session) -> bool:
        from booty.stack.place import read

        lifetime = read(self.place.state / "state" / "stack.json").get("lifetime")
        return session.started and lifetime == DIE

    def _nothing(self) -> int:
        from booty.supervise import listing

        found = listing.listing(self.place.state, str(self.place.root))
        if common.as_json(self.ctx):
            common.emit({**found, "changes": [], "error": None})
            return 0
        rows = [
            (row["instance"], row["state"], " ".join(row["urls"].values()))
            for row in found["services"]
        ]
        click.echo(common.table(("SERVICE", "STATE", "URL"), rows))
        seconds = time.monotonic() - self.begin
        click.echo(f"nothing to do: {len(rows)} ready, looked in {seconds:.2f} s", err=True)
        return 0

    def _become_follower(self, session: Session, outcome: Outcome, writer: int) -> int:
        from booty.supervise import launch

        os.set_inheritable(writer, True)
        names = list(self.names) or None
        arguments = {
            "state": str(self.place.state),
            "root": str(self.place.root),
            "names": names,
            "timeout": self.options["timeout"],
            "detach": self.options["detach"],
            "json": common.as_json(self.ctx),
            "quiet": common.quiet(self.ctx),
            "command": common.itself(self.ctx),
            "client": common.client_of(self.place),
            "started": session.started,
            "holds": self._holds(session) and not self.options["detach"],
            "keep": self.options["keep"],
            "changes": outcome.changes,
            "begin": self.begin,
        }
        sys.stdout.flush()
        sys.stderr.flush()
        if self.options["remove"]:
            return self._followed(launch.command("follower", arguments))
        argv = launch.command("follower", arguments)
        os.execv(argv[0], argv)  # noqa: S606 - we become it
        return 1  # pragma: no cover - not reached

    def _followed(self, argv: list[str]) -> int:
        import subprocess

        from booty.cli.destroy import remove_all

        status = subprocess.run(argv, check=False, pass_fds=()).returncode
        if not self.options["detach"]:
            remove_all(self.place)
        return status


def _from_environment(name: str) -> tuple[str, ...]:
    return tuple(filter(None, os.environ.get(name, "").split(",")))
