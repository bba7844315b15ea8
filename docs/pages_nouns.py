"""The page of nouns: what hooks are given and answer, with every field, from the model."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Final

import attrs

HEAD: Final = """# Nouns

What providers declare, what hooks are given and what they answer: frozen values, all importable from `booty`. Generated from
the model by `make docs`.

"""
MODULES: Final = ("component", "source", "instance", "expand", "plan", "state", "problem")


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for name in MODULES:
        module = import_module(f"booty.model.{name}")
        parts.append(f"\n## {name}\n\n{inspect.getdoc(module)}\n")
        parts.extend(_noun(getattr(module, kind)) for kind in module.__all__)
    return "".join(parts)


def _noun(kind: type) -> str:
    fields = attrs.fields(kind) if attrs.has(kind) else ()
    rows = "".join(
        f"| `{one.name}` | `{one.type}` | {_default(one)} |\n".replace("booty.model.", "")
        for one in fields
    )
    table = f"\n| field | type | default |\n| --- | --- | --- |\n{rows}" if rows else ""
    return f"\n### `{kind.__name__}`\n\n```text\n{inspect.getdoc(kind)}\n```\n{table}"


def _default(one: attrs.Attribute[object]) -> str:
    if one.default is attrs.NOTHING:
        return "required"
    if isinstance(one.default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return "empty"
    return f"`{one.default!r}`"
