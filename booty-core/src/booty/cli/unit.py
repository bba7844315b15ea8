"""``booty unit``."""

from __future__ import annotations

import os
import pwd
import re
import sys
from typing import TYPE_CHECKING, Final

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
{owner}{environment}ExecStart={booty} up -d
ExecReload={booty} up -d
ExecStop={booty} down
TimeoutStartSec=infinity
TimeoutStopSec=infinity

[Install]
WantedBy={target}
"""
KEPT: Final = (
    "PATH", "LANG", "TZ", "BOOTY_HOME",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
)  # fmt: skip
"""Variables without which a start at boot would find other programs or another store."""
_NAME: Final = re.compile(r"[^A-Za-z0-9:_.-]+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
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
        click.echo(_next(found, user=user), err=True)


def render(place: Place, *, user: bool) -> str:
    """Return the unit of a stack."""
    from booty.cli.destroy import label_of

    folder = "~/.config/systemd/user" if user else "/etc/systemd/system"
    words = (sys.executable, "-m", "booty", "--file", str(place.file))
    return UNIT.format(
        where=f"{folder}/{_file(place)}",
        name=_escaped(label_of(place)),
        root=_escaped(str(place.root)),
        owner="" if user else f"User={pwd.getpwuid(os.getuid()).pw_name}\n",
        environment="".join(map(_variable, KEPT)),
        booty=" ".join(map(_word, words)),
        after="" if user else NETWORK,
        target="default.target" if user else "multi-user.target",
    )


def _file(place: Place) -> str:
    from booty.cli.destroy import label_of

    return f"booty-{_NAME.sub('-', label_of(place))}.service"


def _variable(name: str) -> str:
    value = os.environ.get(name)
    return f"Environment={_quoted(f'{name}={value}')}\n" if value else ""


def _word(text: str) -> str:
    # of a command a dollar begins a variable as well
    word = _escaped(text) if _PLAIN.fullmatch(text) else _quoted(text)
    return word.replace("$", "$$")


def _quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    # a percent sign begins one of systemd's own specifiers
    return text.replace("%", "%%")


def _next(place: Place, *, user: bool) -> str:
    own = "systemctl --user" if user else "systemctl"
    lingering = "; loginctl enable-linger lets it run while nobody is logged in" if user else ""
    return f"then: {own} daemon-reload && {own} enable --now {_file(place)}{lingering}"
