"""The page of the Python interface: every public method, from its docstring."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

HEAD: Final = """# Python

What a program that embeds booty calls. Generated from the docstrings by `make docs`. How it is used: [Embed booty](../how-to/embed.md).
Values that are given and returned: [nouns](nouns.md); what is raised: [errors](errors.md). All times are seconds.

```python
async with booty.Stack.open("booty.toml") as stack:
    await stack.up()
with booty.SyncStack.open("booty.toml") as stack:  # the same names, blocking
    stack.up()
async with booty.open_bucket("file:///var/lib/shop/files") as bucket:  # a portable client
    await bucket.write("a", b"1")
```
"""
_QUOTED: Final = re.compile(r"(: |-> )'([^']*)'")


def render() -> str:
    """Return the page."""
    import booty
    from booty import testing

    parts = [HEAD, *_kind("booty.Stack", booty.Stack), _blocking(booty.SyncStack)]
    parts += [*_errors(booty.BootyError)]
    streams: list[type] = [booty.Bucket, booty.clients.Reader, booty.clients.Writer]
    for kind in streams:
        parts += _kind(_title(kind), kind)
    parts += [_blocking(booty.SyncBucket)]
    nouns: list[type] = [booty.clients.Attributes, booty.clients.Listed, booty.clients.Page]
    parts += [f"\n## `{_title(kind)}`\n\n{_text(kind)}" for kind in nouns]
    parts.append("\n## `booty.testing`\n\n" + _text(testing))
    parts += [f"\n### `{name}`\n\n{_text(getattr(testing, name))}" for name in testing.__all__]
    return "".join(parts)


def _title(kind: type) -> str:
    import booty

    return f"booty.{'' if hasattr(booty, kind.__name__) else 'clients.'}{kind.__name__}"


def _kind(title: str, kind: type) -> list[str]:
    parts = [f"\n## `{title}`\n\n{_text(kind)}"]
    for name, found in _public(kind):
        signature = (
            _QUOTED.sub(r"\1\2", str(inspect.signature(found)))
            .replace("(self, ", "(")
            .replace("(self)", "()")
        )
        word = "async " if inspect.iscoroutinefunction(inspect.unwrap(found)) else ""
        parts.append(f"\n### `{name}`\n\n```python\n{word}{name}{signature}\n```\n\n{_text(found)}")
    return parts


def _blocking(kind: type) -> str:
    names = ", ".join(f"`{name}`" for name, _ in _public(kind))
    return f"\n## `booty.{kind.__name__}`\n\n{_text(kind)}\nIt has {names}.\n"


def _errors(base: type) -> list[str]:
    return [f"\n## `booty.{base.__name__}`\n\n{_text(base)}"]


def _public(kind: type) -> list[tuple[str, Any]]:
    return [
        (name, getattr(kind, name))
        for base in kind.__mro__[:-1]
        for name in vars(base)
        if not name.startswith("_") and callable(getattr(kind, name))
    ]


def _text(found: object) -> str:
    return f"```text\n{inspect.getdoc(found)}\n```\n"
