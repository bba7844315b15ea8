"""``booty unit``."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place

UNIT = """\
# {where}
[Unit]
Description=booty stack {name}
{after}
[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory={root}
{owner}ExecStart={booty} up -d
ExecReload={booty} up -d
ExecStop={booty} down
TimeoutStartSec=infinity
TimeoutStopSec=infinity

[Install]
WantedBy={target}
"""
NETWORK = "Wants=network-online.target\nAfter=network-online.target\n"


@click.command("unit", short_help="Print a systemd unit that brings the stack up at boot.")
@click.option("--user", is_flag=True, help="A unit of the user's own systemd.")
@click.pass_context
def command(ctx: click.Context, *, user: bool) -> None:
    """Print a systemd unit that brings the stack up at boot and down at shutdown.

    Example: booty unit --user > ~/.config/systemd/user/shop.service
    """
    found = common.place(ctx)
    text = render(found, user=user)
    if common.as_json(ctx):
        common.emit({"format": 1, "unit": text})
    else:
        click.echo(text, nl=False)
        click.echo(_next(user=user), err=True)


def render(place: Place, *, user: bool) -> str:
    """Return the unit of a stack."""
    from booty.cli.destroy import label_of

    name = label_of(place)
    folder = "~/.config/systemd/user" if user else "/etc/systemd/system"
    owner = "" if user else f"User={pwd.getpwuid(os.getuid()).pw_name}\n"
    home = os.environ.get("BOOTY_HOME")
    if home:
        owner += f'Environment="BOOTY_HOME={_escaped(home)}"\n'
    booty = f"{shlex.quote(sys.executable)} -m booty --file {shlex.quote(str(place.file))}"
    return UNIT.format(
        where=f"{folder}/booty-{name}.service",
        name=name,
        root=_escaped(str(place.root)),
        owner=owner,
        booty=_escaped(booty),
        after="" if user else NETWORK,
        target="default.target" if user else "multi-user.target",
    )


def _escaped(text: str) -> str:
    # a percent sign begins one of systemd's own specifiers
    return text.replace("%", "%%")


def _next(*, user: bool) -> str:
    own = "systemctl --user" if user else "systemctl"
    lingering = "; loginctl enable-linger lets it run while nobody is logged in" if user else ""
    return f"then: {own} daemon-reload && {own} enable --now booty-NAME{lingering}"
