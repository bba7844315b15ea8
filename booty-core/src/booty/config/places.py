"""Where a value stands: file and line, for faults that are found after reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from booty.config import files, lines
from booty.config.reading import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from booty.config.reading import At
    from booty.errors import BootyError
    from booty.model.stack import StackSpec

__all__ = ["place", "placed"]

_SERVICE_DEPTH: Final = 2  # services.NAME, stack.KEY: less than this says nothing


def placed(fault: BootyError, spec: StackSpec, path: str = "") -> BootyError:
    """Return a fault that was found after reading with the place in the file that it is about.

    Args:
        fault: one that is about no path of the file is returned as it is.
        spec: the stack that was read.
        path: dotted path that it is about; by default its subject.
    """
    path = path or fault.subject or ""
    where = place(spec, path) if path.split(".")[0] in {"services", "stack"} else ""
    if not where or fault.message.endswith(f"({where})"):
        return fault
    fault.message = f"{fault.message} ({where})"
    fault.args = (fault.message,)
    return fault


def place(spec: StackSpec, path: str) -> str:
    """Return where a value stands, for faults that are found after reading.

    Args:
        spec: the stack that was read.
        path: dotted path (``services.bus.ports.client``).

    Returns:
        ``booty.toml:12``, or an empty text when no file holds it.
    """
    at = split(path)
    root = Path(spec.root)
    found, deepest = "", _SERVICE_DEPTH
    for inside in _paths(at, spec.profiles):
        for file in files.layers(Path(spec.file)) if spec.file else ():
            number, depth = lines.line(files.text(file), inside)
            reached = depth + len(at) - len(inside)
            if depth >= _SERVICE_DEPTH and reached >= deepest:
                found, deepest = f"{files.shown(file, root)}:{number}", reached
    return found


def _paths(at: At, profiles: Sequence[str]) -> Iterator[At]:
    # from the weakest layer to the strongest, so that of equals the one that counts is taken
    if at[0] == "services":
        yield ("defaults", *at[2:])
    yield at
    for name in profiles:
        yield ("profiles", name, *at)
