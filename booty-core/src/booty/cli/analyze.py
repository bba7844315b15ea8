"""``booty analyze``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("analyze", short_help="Show where the last start's time went.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show where the last start's time went: its critical path, step by step.

    What is not on it could take longer without anybody noticing.

    Example: booty analyze
    """
    from booty.errors import ConfigError
    from booty.supervise import critical, listing, spans, state

    place = common.place(ctx)
    folder = state.Folder(place.state)
    trace = spans.last(folder)
    if trace is None:
        raise ConfigError(
            f'cannot say where time went: nothing of "{place.root}" was started yet',
            reference="never-up",
            subject=str(place.root),
            hint="booty up -d",
        )
    sheet = listing.sheet_of(folder.root, state.read(folder.root)["stack"])
    path = critical.path(trace["spans"], sheet["instances"])
    if common.as_json(ctx):
        common.emit({"format": 1, "wall": trace["wall"], "spans": trace["spans"], "path": path})
        return
    begin = min(span["start"] for span in trace["spans"])
    rows = [_cells(one, begin) for one in path]
    click.echo(common.table(("AT", "TOOK", "STEP", "WHY NOW"), rows))
    click.echo(_summary(trace["spans"], path), err=True)


def _cells(step: dict[str, Any], begin: float) -> tuple[str, ...]:
    who = f"{step['instance']} " if step["instance"] else ""
    took = step["end"] - step["start"]
    return f"{step['start'] - begin:.3f} s", f"{took:.3f} s", f"{who}{step['name']}", step["why"]


def _summary(spans: list[dict[str, Any]], path: list[dict[str, Any]]) -> str:
    begin, end = min(one["start"] for one in spans), max(one["end"] for one in spans)
    on_it = sum(one["end"] - one["start"] for one in path)
    waited = max(0.0, end - begin - on_it)
    longest = max(path, key=lambda one: one["end"] - one["start"])
    who = f"{longest['instance']} " if longest["instance"] else ""
    return (
        f"{end - begin:.3f} s in all, {waited:.3f} s of it between steps;"
        f" the longest step is {who}{longest['name']}"
    )
