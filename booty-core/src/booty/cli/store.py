"""``booty store``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.storing import Row, Unused

KILO, MEGA = 1e3, 1e6


def stored_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of programs in the store."""
    from booty.stack import storing

    return [name for name in storing.names() if name.startswith(incomplete)]


def _named(*, required: bool = False) -> common.Decorator:
    return click.argument(
        "names", nargs=-1, required=required, metavar="NAME[@V]...", shell_complete=stored_names
    )


@click.group("store", short_help="List, check and clear out the programs on this machine.")
def command() -> None:
    """List, check, clear out and carry the programs on this machine, which all stacks share.

    Example: booty store ls
    """


@command.command("ls")
@_named()
@click.pass_context
def ls(ctx: click.Context, names: tuple[str, ...]) -> None:
    """List programs: what vouched for each, its size, which stacks use it, its last use.

    Example: booty store ls
    """
    from booty.stack import storing

    rows = storing.rows(names)
    if common.as_json(ctx.find_root()):
        common.emit({"format": 1, "programs": [_data(row) for row in rows]})
        return
    head = ("PROGRAM", "PLATFORM", "SOURCE", "TRUST", "SIZE", "USED BY", "LAST USED")
    click.echo(common.table(head, [_cells(row) for row in rows]))


@command.command("verify")
@_named()
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Read every byte; exit status 6 if anything was changed, all of it told at once.

    Example: booty store verify nats
    """
    from booty.stack import storing

    rows = storing.verify(names)
    if common.as_json(ctx.find_root()):
        common.emit({"format": 1, "verified": [_data(row) for row in rows]})
    elif not common.quiet(ctx.find_root()):
        taken = sum(row.item.bytes for row in rows)
        click.echo(f"as verified: {_count(len(rows))}, {_size(taken)}", err=True)


@command.command("rm")
@_named(required=True)
@click.option("--yes", is_flag=True, help="Also what a stopped stack uses; it fetches it again.")
@click.pass_context
def rm(ctx: click.Context, names: tuple[str, ...], *, yes: bool) -> None:
    """Remove programs; refused if a stack uses one.

    Example: booty store rm nats@2.14.0
    """
    from booty.stack import storing

    rows = storing.remove(names, used=yes)
    _removed(ctx, rows)


@command.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--age",
    type=common.Seconds(),
    metavar="T",
    help="Keep what was used more recently, an hour by default.",
)
@click.pass_context
def gc(ctx: click.Context, *, dry_run: bool, yes: bool, age: float | None) -> None:
    """Remove what no stack uses: by its lock, a saved lock or plan, or a process that runs.

    What killed downloads and installs left goes too. Asks before.

    Example: booty store gc --dry-run
    """
    from booty.stack import storing

    found = storing.unused(storing.AGE if age is None else age)
    if dry_run or not (found.rows or found.leftovers):
        _told(ctx, found, "would go" if dry_run else "removed")
        return
    if not yes:
        _confirm(found)
    _told(ctx, storing.clear(found), "removed")


@command.command("export")
@click.argument("out", type=click.Path(dir_okay=False))
@_named()
@click.pass_context
def export(ctx: click.Context, out: str, names: tuple[str, ...]) -> None:
    """Write programs as they lie in the store to a tar, all or those named.

    Every byte is compared before. The same programs make the same tar.

    Example: booty store export programs.tar nats
    """
    from pathlib import Path

    from booty.stack import storing

    rows, digest = storing.export(Path(out), names)
    if common.as_json(ctx.find_root()):
        data = {"file": out, "sha256": digest, "programs": [_data(row) for row in rows]}
        common.emit({"format": 1, **data})
    elif not common.quiet(ctx.find_root()):
        click.echo(f"exported: {_count(len(rows))} to {out}\nsha256 {digest}", err=True)


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def import_(ctx: click.Context, file: str) -> None:
    """Install the programs of such a tar; those that are there stay as they are.

    Every byte is compared with the record that came with it: what vouched for the program where it
    was fetched. Compare the tar's own sha256 with what export printed.

    Example: booty store import programs.tar
    """
    from pathlib import Path

    from booty.stack import storing

    fresh, known = storing.bring(Path(file))
    if common.as_json(ctx.find_root()):
        data = {"imported": [one.key for one in fresh], "present": [one.key for one in known]}
        common.emit({"format": 1, **data})
    elif not common.quiet(ctx.find_root()):
        there = f", {len(known)} were there" if known else ""
        keys = ", ".join(one.key for one in fresh) or "nothing"
        click.echo(f"imported: {keys}{there}", err=True)


def _confirm(found: Unused) -> None:
    from booty.errors import ConfigError

    for row in found.rows:
        click.echo(f"  {row.item.artifact.key} ({_size(row.item.bytes)})", err=True)
    click.echo(f"remove {_words(found)}? type yes: ", err=True, nl=False)
    if sys.stdin.readline().strip() != "yes":
        raise ConfigError(
            f"cannot remove {_words(found)}: it was not confirmed",
            reference="gc-not-confirmed",
            hint="booty store gc --yes",
        )


def _told(ctx: click.Context, found: Unused, word: str) -> None:
    root = ctx.find_root()
    if common.as_json(root):
        left = [str(one) for one in found.leftovers]
        programs = [_data(row) for row in found.rows]
        data = {"programs": programs, "leftovers": left, "bytes": found.bytes}
        common.emit({"format": 1, "removed": word == "removed", **data, "recent": found.recent})
        return
    if word != "removed" and found.rows:
        click.echo(common.table(("PROGRAM", "SIZE", "LAST USED"), [_short(r) for r in found.rows]))
    if not common.quiet(root):
        near = f"; {found.recent} more used a short while ago: --age 0s" if found.recent else ""
        what = f"{word}: {_words(found)}" if found.rows or found.leftovers else "nothing to remove"
        click.echo(f"{what}{near}", err=True)


def _words(found: Unused) -> str:
    left = f" and {len(found.leftovers)} leftovers" if found.leftovers else ""
    return f"{_count(len(found.rows))}{left}, {_size(found.bytes)}"


def _removed(ctx: click.Context, rows: list[Row]) -> None:
    root = ctx.find_root()
    if common.as_json(root):
        common.emit({"format": 1, "removed": [_data(row) for row in rows]})
    elif not common.quiet(root):
        taken = sum(row.item.bytes for row in rows)
        keys = ", ".join(row.item.artifact.key for row in rows)
        click.echo(f"removed: {keys}, {_size(taken)}", err=True)


def _data(row: Row) -> dict[str, Any]:
    from booty.model import codec

    used = _time(row.item.used)
    users = [{"stack": one.name, "root": one.root, "running": one.running} for one in row.users]
    found: dict[str, Any] = codec.to_data(row.item.artifact)
    return {**found, "bytes": row.item.bytes, "used": used, "users": users}


def _cells(row: Row) -> tuple[str, ...]:
    one = row.item.artifact
    users = ", ".join(f"{user.name}{' (runs)' if user.running else ''}" for user in row.users)
    return (
        one.key,
        one.platform,
        one.source,
        one.trust,
        *_short(row)[1:2],
        users or "-",
        *_short(row)[2:],
    )


def _short(row: Row) -> tuple[str, str, str]:
    return row.item.artifact.key, _size(row.item.bytes), _time(row.item.used)


def _count(number: int) -> str:
    return f"{number} program{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    return f"{number / MEGA:.1f} MB" if number >= MEGA else f"{number / KILO:.1f} kB"


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
