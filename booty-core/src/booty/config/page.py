"""``docs/reference/booty-toml.md``, written from the tables of keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from booty.config.keys import TABLES
from booty.config.tables import Key
from booty.config.template import EARLY, NAMES

__all__ = ["describe"]

_HEAD: Final = """\
# booty.toml

Every key, what it holds and what it is by default. This page is written by
`booty.config.describe` from the tables that the reader itself uses, and compared with them by a
test; `booty schema` prints the same as JSON Schema, with the settings and resources of all
installed providers.

Keys are kebab-case. Durations are texts such as `"500ms"`, `"10s"`, `"1h30m"`, `"7d"`; sizes are
texts such as `"512B"`, `"4MiB"`, `"1GB"`, or whole numbers of bytes. Names of services, profiles,
roles and ports are lower-case letters, digits and `-`, a letter first; no service is called
`user`. A key that does not exist is an error, and so is a key whose behaviour is not built yet;
all errors are told at once, each with its path, file and line. Beside the keys of this page a
service may hold the links and resources that its component declares (`booty providers`).
"""
_TAIL: Final = """\
## Layers

From the weakest to the strongest: the component's own defaults, the user's `config.toml` (mirrors
and secrets backend), `booty.toml` with what it includes, `booty.local.toml`, profiles in the
order in which they are named, saved values (`scale`, the profile of the running stack), variables
(`BOOTY_PROFILE`, `BOOTY_LIFETIME`, …), the command line. Tables merge, everything else replaces;
of `ready`, `live` and `reload` a stronger layer that names another kind takes the place of the
weaker one. `[defaults]` lie under every service. `booty config` shows the result and where each
value came from.

An included file may hold `services`, `defaults`, `profiles` and `include`; its paths start at its
own folder. It may repeat nothing: two services of one name in two files are an error that names
both. `booty.local.toml` may hold all tables but `include`.
"""


def describe() -> str:
    """Return the reference page of booty.toml as Markdown."""
    tables = [_table(title, text, keys) for title, text, keys in TABLES]
    return "\n".join([_HEAD, *tables, _templates(), _TAIL])


def _table(title: str, text: str, keys: Mapping[str, Key]) -> str:
    rows = [_row(key) for key in keys.values()]
    intro = f"{text}\n\n" if text else ""
    return f"## {title}\n\n{intro}" + _lines(("key", "value", "default", "what it does"), rows)


def _row(key: Key) -> tuple[str, ...]:
    name = f"`{key.name}`" + (" (needed)" if key.required else "")
    return (name, key.kind.words, key.default, key.help)


def _templates() -> str:
    rows = [(f"`${{{name}}}`", text) for name, text in NAMES.items()]
    return (
        "## `${…}`\n\nAllowed in every string of a service but `use`, `version`, `engine` and "
        "plain names; `bind`, `binary` and `env-file` are needed before anything is planned "
        f"and know {' and '.join(f'`${{{name}}}`' for name in EARLY)} only. `$$` is a dollar.\n\n"
        + _lines(("name", "stands for"), rows)
    )


def _lines(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    cells = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
