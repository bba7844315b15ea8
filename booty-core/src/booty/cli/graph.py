"""``booty graph``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("graph", short_help="Show who waits for whom.")
@click.option("--format", "form", type=click.Choice(["text", "dot"]), default="text")
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Show who waits for whom, and why.

    Example: booty graph --format dot | dot -Tsvg > graph.svg
    """
    from booty import plan
    from booty.cli.plan import made

    found = plan.graph(made(ctx).plan)
    if common.as_json(ctx):
        common.emit({"format": 1, **found})
    elif form == "dot":
        click.echo("\n".join(["digraph stack {", *_dot(found), "}"]))
    else:
        click.echo("\n".join(_text(found)))


def _dot(found: dict[str, Any]) -> list[str]:
    return [
        *(f'  "{node["name"]}" [label="{node["name"]}\\n{node["component"]}"];'
          for node in found["nodes"]),
        *(f'  "{edge["from"]}" -> "{edge["to"]}" [label="{edge["until"]}"];'
          for edge in found["edges"]),
    ]  # fmt: skip


def _text(found: dict[str, Any]) -> list[str]:
    lines = []
    for node in sorted(found["nodes"], key=lambda one: (one["level"], one["name"])):
        lines.append(f"{node['name']} ({node['component']})")
        lines += [
            f"  waits for {edge['to']} until {edge['until']}: {edge['reason']}"
            for edge in found["edges"]
            if edge["from"] == node["name"]
        ]
    return lines
