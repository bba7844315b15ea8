"""What people type who know another tool: the word that booty has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

__all__ = ["everything", "ours"]

OTHERS: Final = {
    "add": "init", "bash": "exec", "check": "plan", "clean": "destroy", "connect": "client",
    "create": "init", "delete": "destroy", "display": "ps", "diff": "plan", "down-all": "down",
    "halt": "down", "info": "describe", "inspect": "describe", "install": "fetch", "log": "logs",
    "list": "ls", "monitor": "top", "new": "init", "prune": "destroy", "pull": "fetch",
    "remove": "destroy", "rm": "destroy", "scale-in": "scale", "scale-out": "scale",
    "sh": "exec", "shell": "exec", "show": "describe", "shutdown": "down", "stats": "top",
    "status": "ps", "tail": "logs", "trace": "analyze", "update": "lock", "upgrade": "lock",
    "validate": "plan", "watch": "attach",
}  # fmt: skip
"""Commands of compose, process managers, orchestrators and playgrounds."""
WHOLE: Final = {
    "start": "booty up starts everything",
    "stop": "booty down stops everything",
    "restart": "booty down and booty up restart everything",
}
"""Without a name some commands have a sister for all of them."""


def ours(word: str, known: Iterable[str]) -> str | None:
    """Return the command that is most likely meant; ``None`` if nobody can tell.

    Args:
        word: what was typed.
        known: the names of our commands.
    """
    if word in OTHERS:
        return OTHERS[word]
    import difflib

    near = difflib.get_close_matches(word, list(known), 1)
    return near[0] if near else None


def everything(error: click.ClickException) -> str | None:
    """Return what to type instead of a command that lacks its NAME; ``None`` for other mistakes."""
    import click

    if not isinstance(error, click.MissingParameter) or error.ctx is None:
        return None
    if error.param is None or error.param.name not in {"name", "names"}:
        return None
    found = WHOLE.get(str(error.ctx.info_name))
    return ", ".join(word for word in ("booty ps lists the names", found) if word)
