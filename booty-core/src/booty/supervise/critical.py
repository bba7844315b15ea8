"""The critical path of a start: each step with the one that had to end before it could begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["path", "waits"]


def path(
    spans: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the steps that decided when a start was over, in their order.

    Args:
        spans: spans of a trace: ``name start end`` in monotonic seconds, ``instance`` if it is
            about one.
        entries: entries of the run sheet, for their needs.

    Returns:
        Steps ``name instance start end why``; a ``ready`` span begins where its ``exec`` ended.
        Empty if nothing was started.
    """
    needs = {
        entry["name"]: {name for need in entry["needs"] for name in need["instances"]}
        for entry in entries
    }
    left = [dict(span) for span in spans]
    found: list[dict[str, Any]] = []
    step = max(left, key=lambda one: one["end"], default=None)
    while step is not None:
        before = _before(step, left, needs)
        why = _why(step, before)
        found.append({**step, "instance": step.get("instance"), "why": why})
        left = [one for one in left if one["end"] <= step["end"] and one is not step]
        step = before
    return found[::-1]


def waits(
    spans: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what each instance waited for and for how long, the longest first.

    Args:
        spans: spans of a trace, as for :func:`path`.
        entries: entries of the run sheet, for their needs.

    Returns:
        ``instance for seconds``: from when the first instance of this start was begun until its
        own turn came; ``for`` is the one of its needs that was there last.
    """
    begun = {one["instance"]: one["start"] for one in spans if one["name"] == "exec"}
    arrived = {one["instance"]: one["end"] for one in spans if one.get("instance")}
    first = min(begun.values(), default=0.0)
    found = []
    for entry in entries:
        name = entry["name"]
        names = {other for need in entry["needs"] for other in need["instances"]}
        own = [one for one in names if one in arrived]
        if name in begun and own:
            last = max(own, key=lambda one: arrived[one])
            found.append({"instance": name, "for": last, "seconds": begun[name] - first})
    return sorted(found, key=lambda one: -one["seconds"])


def _before(
    step: Mapping[str, Any], spans: Sequence[dict[str, Any]], needs: Mapping[str, set[str]]
) -> dict[str, Any] | None:
    # what ended last among those that this step can have waited for
    own = step.get("instance")
    ended = [one for one in spans if one is not step and one["start"] < step["start"]]
    if own is None:
        rivals = [one for one in ended if one.get("instance") is None]
    elif step["name"] != "exec":
        rivals = [one for one in ended if one.get("instance") == own and one["name"] == "exec"]
    else:
        wanted = needs.get(own, set())
        rivals = [one for one in ended if one.get("instance") in wanted] or [
            one for one in ended if one.get("instance") is None
        ]
    return max(rivals, key=lambda one: one["end"], default=None)


def _why(step: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if before is None:
        return ""
    who = before.get("instance")
    if who is None:
        return f"after {before['name']}"
    return "after its exec" if who == step.get("instance") else f"waited for {who}"
