"""``booty open``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("open", short_help="Open a service's web page.")
@click.argument("name", shell_complete=common.service_names)
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Open a service's web page in the browser; off a terminal, print its URL.

    Example: booty open web
    """
    from booty.supervise import listing

    place = common.place(ctx)
    chosen = common.instance_names(place, (name,))[0]
    rows = listing.listing(place.state, str(place.root))["services"]
    urls = next(row["urls"] for row in rows if row["instance"] == chosen)
    url = next((one for one in urls.values() if one.startswith("http")), None)
    url = url or next(iter(urls.values()), "")
    if common.as_json(ctx):
        common.emit({"format": 1, "url": url})
        return
    click.echo(url)
    if common.on_terminal() and url.startswith("http"):
        click.launch(url)
