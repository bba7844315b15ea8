"""What it takes to bring a running instance to a new entry of the run sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLASSES", "classify"]

CLASSES: Final = ("none", "reload", "restart", "migrate", "destroys")
"""Change classes, the mildest first."""

_UNNAMED: Final = "restart"


def classify(
    old_inputs: Mapping[str, str], old_digest: str, new_entry: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """Compare what runs with what shall run.

    Args:
        old_inputs: digests by input path of what runs.
        old_digest: its digest.
        new_entry: the instance's entry in the new run sheet (``digest inputs changes``).

    Returns:
        The change class, and the input paths that differ, sorted. Equal digests are ``none``; a
        digest that differs while no input does is a ``restart``.
    """
    if old_digest == new_entry["digest"]:
        return "none", []
    new_inputs: Mapping[str, str] = new_entry.get("inputs", {})
    paths = sorted(
        path for path in {*old_inputs, *new_inputs} if old_inputs.get(path) != new_inputs.get(path)
    )
    if not paths:
        return _UNNAMED, []
    changes: Mapping[str, str] = new_entry.get("changes", {})
    return max((_class_of(path, changes) for path in paths), key=CLASSES.index), paths


def _class_of(path: str, changes: Mapping[str, str]) -> str:
    # the longest declared prefix speaks for all below it: settings.a for settings.a.b
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        if (found := changes.get(".".join(parts[:length]))) is not None:
            return found
    return _UNNAMED
