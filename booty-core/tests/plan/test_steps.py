"""What happens, why, and by which class of change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from booty import plan
from booty.model.state import Change

BUS = '[services.bus]\nuse = "bus"\n'


def _steps(made: Any) -> dict[str, Any]:
    return {step.subject: step for step in made.steps}


def test_first_plan(world: Any) -> None:
    """At first everything is started and bootstrapped, in order, each with its reason."""
    made = world.plan(BUS)

    assert [(step.action, step.subject) for step in made.steps] == [
        ("start", "bus.0"),
        ("bootstrap", "bus"),
    ]
    assert all(step.reason for step in made.steps)


def test_missing_program_is_fetched(world: Any) -> None:
    """A program that is not in the store is a step of its own."""
    spec = world.spec(BUS)
    artifacts = {key: evolve(one, path="") for key, one in world.artifacts(spec).items()}
    made = plan.make(spec, world.providers, artifacts, world.saved, world.machine)

    assert (made.steps[0].action, made.steps[0].subject) == ("fetch", "bus@2.15.0")


def test_nothing_changed(world: Any) -> None:
    """The same file again keeps everything."""
    steps = world.again(world.plan(BUS), BUS).steps

    assert [(step.action, step.reason) for step in steps] == [("keep", "nothing changed")]


def test_setting_of_class_reload(world: Any) -> None:
    """A changed setting has the class that the component declares, and both values are told."""
    after = world.again(world.plan(BUS), f'{BUS}settings = {{ max-payload = "2MiB" }}')
    (step,) = after.steps

    assert (step.action, step.change) == ("reload", Change.RELOAD)
    assert step.reason == "settings.max-payload changed from 1048576 to 2097152"


def test_undeclared_change_is_a_restart(world: Any) -> None:
    """What the component does not name is a restart."""
    after = world.again(world.plan(BUS), f'{BUS}env = {{ A = "1" }}')

    assert (after.steps[0].action, after.steps[0].reason) == ("restart", "env changed")


def test_migration(world: Any) -> None:
    """A change of class migrate is a step of that name, for whoever runs already."""
    steps = _steps(world.again(world.plan(BUS), f"{BUS}replicas = 3"))

    assert (steps["bus.0"].action, steps["bus.0"].change) == ("migrate", Change.MIGRATE)
    assert "replicas changed from 1 to 3" in steps["bus.0"].reason
    assert steps["bus.2"].action == "start"


@pytest.mark.parametrize("named", [Change.RELOAD, Change.RESTART, Change.MIGRATE])
def test_a_declared_change_holds_without_the_launch(world: Any, named: Change) -> None:
    """A setting that the program never sees may move its data all the same."""
    bus = world.providers["bus"]
    quiet = evolve(
        bus.components["bus"], changes={"settings.tls": named}, secrets=(), ports=(), ready=None
    )
    world.providers["bus"] = evolve(bus, components={"bus": quiet}, hooks=frozenset())
    before = world.plan(BUS)
    after = world.again(before, f"{BUS}settings = {{ tls = true }}")
    other = world.again(before, f'{BUS}settings = {{ label = "b" }}')

    assert after.instances[0].digest == before.instances[0].digest
    assert (after.steps[0].action, after.steps[0].change) == (str(named), named)
    assert other.steps[0].action == "keep"


def test_version(world: Any) -> None:
    """Another version tells both."""
    after = world.again(world.plan(f'{BUS}version = "2.14"'), f'{BUS}version = "2.15"')

    assert 'version changed from "2.14.3" to "2.15.0"' in _steps(after)["bus.0"].reason


def test_policy_is_taken_over(world: Any) -> None:
    """What only the supervisor does otherwise costs no restart, and is told."""
    after = world.again(world.plan(BUS), f'{BUS}grace = "3s"\nrestart = "always"')

    assert [(step.action, step.reason) for step in after.steps] == [
        ("update", "grace, restart changed; no restart needed")
    ]


def test_new_need_is_taken_over(world: Any) -> None:
    """A need more holds for the next start; that another one has more replicas is no news."""
    side = '[services.side]\nuse = "program"\nrun = ["./side"]\n'
    before = world.plan(BUS + side)
    steps = _steps(world.again(before, f'{BUS}{side}needs = ["bus"]'))

    assert (steps["side.0"].action, steps["bus.0"].action) == ("update", "keep")
    assert steps["side.0"].reason == "needs changed; no restart needed"


def test_service_that_is_gone(world: Any) -> None:
    """What is gone from the file is stopped, dependants first, and its data is kept."""
    files = '[services.f]\nuse = "files"\nevents = "bus"\n'
    main = '[services.m]\nuse = "program"\nrun = ["./m"]\n'
    after = world.again(world.plan(f"{BUS}{files}{main}"), main)
    stops = [step for step in after.steps if step.action == "stop"]

    assert [step.subject for step in stops] == ["f.0", "bus.0"]
    assert "data is kept" in stops[0].reason


def test_resources(world: Any) -> None:
    """A changed resource is a bootstrap that says which one."""
    before = world.plan(f'{BUS}streams = ["a", "b"]')
    after = world.again(before, f'{BUS}streams = ["b", "c"]')

    assert _steps(after)["bus"].reason == (
        "streams.c is new, streams.a is no longer declared; it is kept"
    )


def test_diff(world: Any) -> None:
    """``diff`` gives the same steps between any two plans."""
    before = world.plan(BUS)
    data = json.loads(plan.to_json(before))

    assert plan.diff(None, before) == before.steps
    assert [step.action for step in plan.diff(data, before)] == ["keep"]


def test_secret_values_are_not_told(world: Any) -> None:
    """A reason never repeats a reference to a secret."""
    world.machine_with(env={"L": "canary"})
    after = world.again(world.plan(BUS), f'{BUS}settings = {{ label = "${{env.L}}" }}')

    assert after.steps[0].reason.endswith("settings.label changed")
    assert "booty:" not in after.steps[0].reason


def test_what_does_not_run_is_started(world: Any) -> None:
    """After a stop everything is to be started, whatever the saved plan says of it."""
    side = '[services.side]\nuse = "program"\nrun = ["./side"]\n'
    before = world.plan(BUS + side)
    rows = {
        one.instance.name: {"state": "stopped", "digest": one.digest, "inputs": one.inputs}
        for one in before.instances
    }
    world.saved = evolve(world.saved, running={**rows, "gone.0": {"state": "stopped"}})
    steps = world.again(before, BUS + side).steps

    assert [(step.action, step.subject, step.reason) for step in steps] == [
        ("start", "bus.0", "services.bus; it is stopped"),
        ("start", "side.0", "services.side; it is stopped"),
    ]


def test_what_runs_otherwise_than_planned(world: Any) -> None:
    """A start that failed half-way: what runs is compared, not what the last plan wished."""
    before = world.plan(BUS)
    planned = world.plan(f'{BUS}settings = {{ max-payload = "2MiB" }}')
    (one,) = before.instances
    row = {"state": "ready", "digest": one.digest, "inputs": one.inputs}
    world.saved = evolve(world.saved, running={"bus.0": row, "old.0": {"state": "ready"}})
    steps = world.again(planned, f'{BUS}settings = {{ max-payload = "2MiB" }}').steps

    assert [(step.action, step.subject, step.reason) for step in steps] == [
        ("stop", "old.0", "no longer in the file; its data is kept"),
        ("reload", "bus.0", "settings.max-payload changed"),
    ]


def test_stopped_data_is_still_data(world: Any) -> None:
    """What moves data is no plain start, though nothing runs."""
    before = world.plan(BUS)
    (one,) = before.instances
    row = {"state": "stopped", "digest": one.digest, "inputs": one.inputs}
    world.saved = evolve(world.saved, running={"bus.0": row})

    assert _steps(world.again(before, f"{BUS}replicas = 3"))["bus.0"].action == "migrate"


def test_task_that_is_done(world: Any) -> None:
    """A task that ran is not run again, until it is another one."""
    task = '[services.m]\nuse = "program"\nkind = "task"\nrun = ["./m"]\n'
    before = world.plan(task)
    (one,) = before.instances
    row = {"state": "done", "digest": one.digest, "inputs": one.inputs}
    world.saved = evolve(world.saved, running={"m.0": row})
    (again,) = world.again(before, task).steps
    (other,) = world.again(before, task.replace("./m", "./n")).steps

    assert (again.action, again.reason) == ("keep", "done already")
    assert (other.action, other.reason) == ("start", "run changed; it is done")
