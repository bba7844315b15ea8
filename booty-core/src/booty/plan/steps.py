"""What will happen, step by step, each with its reason, against what runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty.model import codec
from booty.model.plan import Step
from booty.model.reference import MARK
from booty.model.state import Change
from booty.supervise.change import UP, classify, updates, why_gone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.model.plan import Plan, PlannedInstance

__all__ = ["diff", "steps"]

LONG: Final = 60
"""Longest value that a reason repeats."""


def diff(old: Mapping[str, Any] | None, new: Plan) -> tuple[Step, ...]:
    """Return the steps from a saved plan (JSON data; ``None`` = nothing runs) to a new one."""
    return steps(new, old)


def steps(
    made: Plan,
    before: Mapping[str, Any] | None,
    running: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Step, ...]:
    """Return the steps from what is there to a new plan.

    Args:
        made: the new plan.
        before: the plan that was handed over last, as JSON data; ``None`` if none was.
        running: ``state digest inputs`` of each instance now; ``None`` = as ``before`` says.
    """
    old = {one["instance"]["name"]: one for one in (before or {}).get("instances", ())}
    if running is None:
        running = {name: {"state": "ready", **one} for name, one in old.items()}
    return (
        *_fetches(made),
        *_gone(made, old, running),
        *(_of_instance(one, old.get(one.instance.name), running) for one in made.instances),
        *_bootstraps(made, (before or {}).get("services", {})),
    )


def _fetches(made: Plan) -> Iterator[Step]:
    for key, artifact in made.artifacts.items():
        if not artifact.path:
            yield Step("fetch", key, "not in the store")


def _gone(made: Plan, old: Mapping[str, Any], running: Mapping[str, Any]) -> Iterator[Step]:
    names = {one.instance.name for one in made.instances}
    there = [name for name in (*old, *running) if running.get(name, {}).get("state") in UP]
    for name in reversed([*dict.fromkeys(one for one in there if one not in names)]):
        yield Step("stop", name, _why_gone(made, name), Change.RESTART)


def _why_gone(made: Plan, name: str) -> str:
    group = name.rpartition(".")[0]
    twins = [one for one in made.instances if one.instance.name.rpartition(".")[0] == group]
    return why_gone(name, len(twins))


def _of_instance(
    one: PlannedInstance, old: Mapping[str, Any] | None, running: Mapping[str, Any]
) -> Step:
    name = one.instance.name
    row = running.get(name, {})
    entry = {"digest": one.digest, "inputs": one.inputs, "changes": one.changes}
    known = row if row.get("digest") else old
    kind, paths = classify(known["inputs"], known["digest"], entry) if known else ("none", [])
    change = Change(kind)
    told = ", ".join(_told_change(path, old, one) for path in paths)
    if row.get("state") not in UP and change.rank < Change.MIGRATE.rank:
        return _not_there(one, row, told)
    if change is Change.NONE:
        return _kept(one, old)
    return Step(str(change), name, told or "the provider starts it in another way", change)


def _not_there(one: PlannedInstance, row: Mapping[str, Any], told: str) -> Step:
    name, state = one.instance.name, row.get("state")
    if state == "done" and row.get("digest") == one.digest:
        return Step("keep", name, "done already")
    why = f"; it is {state}" if state not in {None, "absent"} else ""
    return Step("start", name, f"{one.reason}{why}" if not told else f"{told}{why}")


def _kept(one: PlannedInstance, old: Mapping[str, Any] | None) -> Step:
    now = {**codec.to_data(one.policy), "needs": codec.to_data(one.needs)}
    changed = updates({**old["policy"], "needs": old["needs"]}, now) if old else []
    if changed:
        why = f"{', '.join(changed)} changed; no restart needed"
        return Step("update", one.instance.name, why)
    return Step("keep", one.instance.name, "nothing changed")


def _told_change(path: str, old: Mapping[str, Any] | None, new: PlannedInstance) -> str:
    # both values are told where they are short and hold no secret
    if old is None:
        return f"{path} changed"
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
