"""Needs, cycles, levels, and the graph that is drawn of them."""

from __future__ import annotations

from typing import Any

import pytest
from booty import plan
from booty.model.component import Component, Need
from booty.model.expand import Role

BUS = '[services.bus]\nuse = "bus"\n'


def _program(name: str, more: str = "") -> str:
    return f'[services.{name}]\nuse = "program"\nrun = ["./{name}"]\n{more}\n'


def _needs(made: Any, name: str) -> dict[str, Any]:
    (one,) = (one for one in made.instances if one.instance.name == name)
    return {need["service"]: need for need in one.needs}


def test_levels(world: Any) -> None:
    """Whoever needs nobody comes first, all of one level at once, and the order is fixed."""
    made = world.plan(
        _program("c", 'needs = ["b"]') + _program("b", 'needs = ["a"]') + _program("a")
        + _program("z")
    )  # fmt: skip

    assert made.levels == (("a.0", "z.0"), ("b.0",), ("c.0",))
    assert [one.instance.name for one in made.instances] == ["a.0", "z.0", "b.0", "c.0"]


def test_link_is_a_need(world: Any) -> None:
    """A link or a reference is a need until ready, unless ``needs`` says otherwise."""
    text = f'{BUS}[services.f]\nuse = "files"\nevents = "bus"\n'
    implied = _needs(world.plan(text), "f.0")["bus"]
    said = _needs(
        world.plan(
            f'{text}needs = [{{ service = "bus", until = "good", of = "any", restart = true }}]'
        ),
        "f.0",
    )["bus"]

    assert (implied["until"], implied["of"], implied["reason"]) == ("ready", "all", "link events")
    assert (said["until"], said["of"], said["restart"]) == ("good", "any", True)
    assert implied["instances"] == ["bus.0"]


def test_task_is_waited_for_until_done(world: Any) -> None:
    """Who needs a task waits until it has ended well."""
    made = world.plan(_program("t", 'kind = "task"') + _program("m", 'needs = ["t"]'))

    assert _needs(made, "m.0")["t"]["until"] == "done"


def test_roles_wait_for_each_other(world: Any) -> None:
    """Needs between roles become needs between their instances."""
    made = world.plan('[services.db]\nuse = "db"')

    assert [level[0] for level in made.levels] == ["db.pd.0", "db.kv.0", "db.sql.0"]
    (need,) = next(one for one in made.instances if one.instance.name == "db.kv.1").needs
    assert (need["instances"], need["of"]) == (["db.pd.0"], "quorum")


@pytest.mark.parametrize("other", ["nobody", "m"])
def test_need_of_nothing(world: Any, other: str) -> None:
    """A need of a service that is not there, or of itself, is a ConfigError."""
    fault = world.faults(_program("m", f'needs = ["{other}"]'))[0]

    assert fault.status == 3
    assert fault.subject.startswith("services.m.needs")


def test_need_of_a_disabled_service(world: Any) -> None:
    """A service that is switched off cannot be waited for."""
    fault = world.fault(_program("a", "enabled = false") + _program("m", 'needs = ["a"]'))

    assert fault.reference == "needs-nothing"


def test_cycle_is_named(world: Any) -> None:
    """A cycle through needs, links or references is told with all its members."""
    fault = world.fault(
        _program("a", 'needs = ["b"]') + _program("b", 'needs = ["c"]')
        + _program("c", 'ports = { x = 0 }\nenv = { A = "${services.a.host}" }')
    )  # fmt: skip

    assert (fault.status, fault.reference) == (3, "cycle")
    assert " -> " in fault.message
    assert all(name in fault.message for name in "abc")


def test_cycle_of_roles(world: Any, make_provider: Any) -> None:
    """Roles that wait for each other in a ring are a fault of their provider."""
    roles = tuple(
        Role(component="odd/a", name=name, needs=(Need(role=other),))
        for name, other in (("x", "y"), ("y", "x"))
    )
    world.providers["odd"] = make_provider(
        "odd", (Component(id="odd/a", program="a"),), expand=lambda service: roles
    )
    fault = world.fault('[services.o]\nuse = "odd"')

    assert (fault.status, fault.reference) == (4, "role-cycle")


def test_graph(world: Any) -> None:
    """The graph has a node for each service and an edge for each need."""
    graph = plan.graph(world.plan(f'{BUS}[services.f]\nuse = "files"\nevents = "bus"'))

    assert [(node["name"], node["level"]) for node in graph["nodes"]] == [("bus", 0), ("f", 1)]
    assert [(edge["from"], edge["to"], edge["reason"]) for edge in graph["edges"]] == [
        ("f", "bus", "link events")
    ]
