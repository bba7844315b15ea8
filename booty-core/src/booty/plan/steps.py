"""What will happen, step by step, each with its reason, against what runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty.model import codec
from booty.model.plan import Step
from booty.model.reference import MARK
from booty.model.state import Change
from booty.supervise.change import classify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.model.plan import Plan, PlannedInstance

__all__ = ["diff", "steps"]

LONG: Final = 60
"""Longest value that a reason repeats."""


def diff(old: Mapping[str, Any] | None, new: Plan) -> tuple[Step, ...]:
    """Return the steps from a saved plan (JSON data; ``None`` = nothing runs) to a new one."""
    return steps(new, old)


def steps(made: Plan, running: Mapping[str, Any] | None) -> tuple[Step, ...]:
    """Return the steps from a running plan to a new one.

    Args:
        made: the new plan.
        running: the plan that runs, as JSON data; ``None`` if nothing does.
    """
    before = {one["instance"]["name"]: one for one in (running or {}).get("instances", ())}
    return (
        *_fetches(made),
        *_gone(made, before),
        *(_of_instance(one, before) for one in made.instances),
        *_bootstraps(made, (running or {}).get("services", {})),
    )


def _fetches(made: Plan) -> Iterator[Step]:
    for key, artifact in made.artifacts.items():
        if not artifact.path:
            yield Step("fetch", key, "not in the store")


def _gone(made: Plan, before: Mapping[str, Any]) -> Iterator[Step]:
    names = {one.instance.name for one in made.instances}
    for name in reversed([one for one in before if one not in names]):
        yield Step("stop", name, "no longer in the file; its data is kept", Change.RESTART)


def _of_instance(one: PlannedInstance, before: Mapping[str, Any]) -> Step:
    name = one.instance.name
    if name not in before:
        return Step("start", name, one.reason)
    old = before[name]
    entry = {"digest": one.digest, "inputs": one.inputs, "changes": one.changes}
    kind, paths = classify(old["inputs"], old["digest"], entry)
    change = Change(kind)
    told = ", ".join(_told_change(path, old, one) for path in paths)
    if change is Change.NONE:
        told = told or ", ".join(_taken_over(old, one))
        return Step("keep", name, f"{told}; no restart needed" if told else "nothing changed")
    return Step(str(change), name, told or "the provider starts it in another way", change)


def _taken_over(old: Mapping[str, Any], new: PlannedInstance) -> Iterator[str]:
    now = codec.to_data(new.policy)
    before = old.get("policy", {})
    for key in sorted(now):
        if now[key] != before.get(key):
            yield f"{key.replace('_', '-')} changed"


def _told_change(path: str, old: Mapping[str, Any], new: PlannedInstance) -> str:
    # both values are told where they are short and hold no secret
    values = [_value(path, old["instance"]), _value(path, codec.to_data(new.instance))]
    words = [json.dumps(value, ensure_ascii=False) for value in values]
    plain = all(isinstance(value, (str, int, float)) for value in values)
    if not plain or words[0] == words[1] or any(MARK in word or len(word) > LONG for word in words):
        return f"{path} changed"
    return f"{path} changed from {words[0]} to {words[1]}"


def _value(path: str, instance: Mapping[str, Any]) -> Any:
    head, _, name = path.partition(".")
    match head:
        case "version":
            return instance["version"]
        case "replicas":
            return len(instance["peers"])
        case "ports":
            return instance["endpoints"].get(name, {}).get("port")
        case "settings":
            return (instance["settings"] or {}).get(name.replace("-", "_"))
    return None


def _bootstraps(made: Plan, before: Mapping[str, Any]) -> Iterator[Step]:
    for name, service in made.services.items():
        known = before.get(name, {})
        if service["bootstrap"] is None or service["bootstrap"] == known.get("bootstrap"):
            continue
        yield Step("bootstrap", name, _told(service["resources"], known.get("resources")))


def _told(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if before is None:
        return "its resources are made"
    pairs = {f"{kind}.{name}": entry for kind, own in now.items() for name, entry in own.items()}
    old = {f"{kind}.{name}": entry for kind, own in before.items() for name, entry in own.items()}
    words = [f"{key} is new" for key in pairs if key not in old]
    words += [f"{key} changed" for key in pairs if key in old and pairs[key] != old[key]]
    words += [f"{key} is no longer declared; it is kept" for key in old if key not in pairs]
    return ", ".join(words) or "somebody else uses it now"
