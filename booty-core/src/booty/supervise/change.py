"""What it takes to bring a running instance to a new entry of the run sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CLASSES", "TAKEN_OVER", "UP", "class_of", "classify", "updates", "why_gone"]

CLASSES: Final = ("none", "reload", "restart", "migrate", "destroys")
"""Change classes, the mildest first."""

TAKEN_OVER: Final = frozenset(
    (*("labels", "log", "live", "ready", "ready_timeout", "restart", "critical"),
     *("exit_codes", "stop", "reload", "older_on_newer", "rejoins", "log_time", "watch"))
)  # fmt: skip
"""Parts of an entry that the supervisor takes over without touching the process."""

UP: Final = frozenset(("ready", "degraded", "starting", "bootstrapping"))
"""States of an instance that is there: it is changed, not started."""
_UNNAMED: Final = "restart"
_WORDS: Final = {"stop.signal": "stop-signal", "restart.policy": "restart", "stop.drain": "drain",
          "stop.drain_timeout": "drain",
                "stop.after_ready": "stop-after-ready"}  # fmt: skip


def classify(
    old_inputs: Mapping[str, str], old_digest: str, new_entry: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """Compare what runs with what shall run.

    Args:
        old_inputs: digests by input path of what runs.
        old_digest: its digest.
        new_entry: the instance's entry in the new run sheet (``digest inputs changes``).

    Returns:
        The change class, and the input paths that differ, sorted. Where the digests are equal only
        the classes that the component declares count: a setting may be none of the program's, and
        move its data all the same. A digest that differs while no input does is a ``restart``.
    """
    same = old_digest == new_entry["digest"]
    new_inputs: Mapping[str, str] = new_entry.get("inputs", {})
    paths = sorted(
        path for path in {*old_inputs, *new_inputs} if old_inputs.get(path) != new_inputs.get(path)
    )
    changes: Mapping[str, str] = new_entry.get("changes", {})
    classes = {path: class_of(path, changes) for path in paths}
    if same:
        found = max(filter(None, classes.values()), key=CLASSES.index, default="none")
        return found, [path for path in paths if classes[path]] if found != "none" else []
    if not paths:
        return _UNNAMED, []
    return max((found or _UNNAMED for found in classes.values()), key=CLASSES.index), paths


def class_of(path: str, changes: Mapping[str, str]) -> str | None:
    """Return the class that a component gives to a change of an input path.

    The longest declared prefix speaks for all below it: ``settings.a`` for ``settings.a.b``.
    """
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        if (found := changes.get(".".join(parts[:length]))) is not None:
            return found
    return None


def why_gone(name: str, twins: int) -> str:
    """Say why an instance is stopped for good.

    Args:
        name: the instance.
        twins: how many others of its service and role go on.
    """
    if not twins:
        return "no longer in the file; its data is kept"
    count = f"{twins} replica{'s' if twins > 1 else ''}"
    return f"{name.rpartition('.')[0]} has {count} now; its data is kept in data/{name}"


def updates(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what is done otherwise from now on though the process is not touched.

    Args:
        old: the entry that holds (``needs`` and the parts of :data:`TAKEN_OVER`).
        new: the entry that shall hold.

    Returns:
        Sorted keys as they stand in the file (``grace``, ``backoff``, ``labels``).
    """
    found = {
        word
        for part in (*TAKEN_OVER, "needs")
        for word in _differing(part, _plain(old.get(part)), _plain(new.get(part)))
    }
    return sorted(found)


def _differing(part: str, old: Any, new: Any) -> Iterator[str]:
    if part not in {"stop", "restart"}:
        if old != new:
            yield part.replace("_", "-")
        return
    for key in {*old, *new}:
        if (old.get(key) or None) != (new.get(key) or None):
            yield _WORDS.get(f"{part}.{key}") or ("grace" if part == "stop" else "backoff")


def _plain(value: Any) -> Any:
    # why somebody is needed is told, and changes nothing
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "reason"}
    return value
