"""The services of a plan and who waits for whom, for people and for drawing programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.model.plan import Plan

__all__ = ["graph"]


def graph(plan: Plan) -> dict[str, Any]:
    """Return ``{"nodes": [{name, component, level}], "edges": [{from, to, until, reason}]}``."""
    level = {name: index for index, names in enumerate(plan.levels) for name in names}
    nodes = [
        {
            "name": name,
            "component": service["component"],
            "instances": service["instances"],
            "level": max(level[one] for one in service["instances"]),
        }
        for name, service in plan.services.items()
    ]
    edges = {
        (one.instance.service, need["service"]): {
            "from": one.instance.service,
            "to": need["service"],
            "until": need["until"],
            "of": need["of"],
            "reason": need["reason"],
        }
        for one in plan.instances
        for need in one.needs
        if need["service"] != one.instance.service
    }
    return {"nodes": nodes, "edges": [edges[key] for key in sorted(edges)]}
