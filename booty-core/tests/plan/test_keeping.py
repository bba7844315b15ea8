"""A service whose provider is broken now goes on as it was planned, and nobody forgets it."""

from __future__ import annotations

from typing import Any

BUS = '[services.bus]\nuse = "bus"\n'
FILES = '[services.files]\nuse = "files"\nevents = "bus"\n'
MORE = '[services.other]\nuse = "program"\nrun = "x"\nports = { http = 9000 }\n'


def kept(world: Any, text: str) -> tuple[Any, Any]:
    """Plan bus and files, then a text without the files, which go on."""
    before = world.plan(BUS + FILES)
    world.saved_with(kept=("files",))
    return before, world.again(before, text)


def test_it_is_in_the_plan_as_it_was(world: Any) -> None:
    """Instances, services, ports, programs and secrets of it are those of the former plan."""
    before, now = kept(world, BUS)

    assert [one.instance.name for one in now.instances] == ["bus.0", "files.0"]
    assert now.services["files"] == before.services["files"]
    assert now.ports == before.ports
    assert now.artifacts == before.artifacts
    assert now.secrets == before.secrets


def test_nothing_is_done_about_it(world: Any) -> None:
    """It is neither stopped nor restarted, and its credentials at others stay valid."""
    _, now = kept(world, BUS)

    assert {step.subject: step.action for step in now.steps} == {"bus.0": "keep", "files.0": "keep"}
    assert [one.name for one in now.instances[0].instance.consumers] == ["files", "user"]


def test_nobody_else_gets_its_ports(world: Any) -> None:
    """Not even while it is stopped."""
    before, now = kept(world, BUS + MORE)

    assert before.ports["files.0/s3"] == now.ports["files.0/s3"] == 9000
    assert now.ports["other.0/http"] != 9000


def test_it_is_of_no_concern_where_it_never_ran(world: Any) -> None:
    """A service that was never planned is simply not there."""
    world.saved_with(kept=("files",))

    assert list(world.plan(BUS).services) == ["bus"]


def test_it_is_gone_when_nobody_keeps_it(world: Any) -> None:
    """The same without the wish to keep it: the service has left the file."""
    before = world.plan(BUS + FILES)
    now = world.again(before, BUS)

    assert list(now.services) == ["bus"]
