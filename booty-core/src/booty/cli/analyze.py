"""``booty analyze``."""

from __future__ import annotations

from typing import Any, Final

import click

from booty.cli import common

MOST: Final = 5
"""Waits that are told, the longest first."""


@click.command("analyze", short_help="Show where the last start's time went.")
@click.option("--otlp", "url", metavar="URL", help="Send it as a trace, OTLP over HTTP.")
@click.pass_context
def command(ctx: click.Context, url: str | None) -> None:
    """Show where the last start's time went: its critical path, and what waiting cost.

    What is not on the path could take longer without anybody noticing. --otlp sends the whole
    start to Tempo, Jaeger or a collector; headers as OTEL_EXPORTER_OTLP_HEADERS says.

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
    waits = critical.waits(trace["spans"], sheet["instances"])
    if url is not None:
        _send(url, trace, sheet["instances"], state.read(folder.root)["stack"] or {})
    if common.as_json(ctx):
        every = [{"instance": None, **one} for one in trace["spans"]]  # planning is nobody's
        told = {"wall": trace["wall"], "spans": every, "path": path, "waits": waits}
        common.emit({"format": 1, **told})
        return
    begin = min(span["start"] for span in trace["spans"])
    rows = [_cells(one, begin) for one in path]
    click.echo(common.table(("AT", "TOOK", "STEP", "WHY NOW"), rows))
    click.echo(_summary(trace["spans"], path), err=True)
    for one in waits[:MOST]:
        click.echo(f"{one['instance']} waited {one['seconds']:.3f} s for {one['for']}", err=True)


def _send(
    url: str, trace: dict[str, Any], entries: list[dict[str, Any]], stack: dict[str, Any]
) -> None:
    from booty.stack import otlp

    taken = otlp.send(url, otlp.payload(trace, entries, stack["stack"]))
    click.echo(f"sent to {taken}", err=True)


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
