"""The page of hooks: each verb with its exact arguments, from the specifications."""

from __future__ import annotations

import inspect
from typing import Final

HEAD: Final = """# Hooks

Generated from `booty.hookspecs` by `make docs`. How a provider is written: [Write a provider](../how-to/write-a-provider.md).

"""


def render() -> str:
    """Return the page."""
    from booty import hookspecs

    module = inspect.getdoc(hookspecs) or ""
    parts = [HEAD, f"```text\n{module}\n```\n"]
    for name, hook in vars(hookspecs).items():
        if inspect.isfunction(hook) and hook.__module__ == hookspecs.__name__:
            signature = str(inspect.signature(hook)).replace("'", "")
            parts.append(f"\n## `{name}`\n\n```python\n{name}{signature}\n```\n")
            parts.append(f"\n```text\n{inspect.getdoc(hook)}\n```\n")
    return "".join(parts)
