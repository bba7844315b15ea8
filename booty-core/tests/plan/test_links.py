"""Links, resources, and keys that nobody claims; who uses whom."""

from __future__ import annotations

from typing import Any

import pytest

BUS = '[services.bus]\nuse = "bus"\n'
FILES = '[services.files]\nuse = "files"\n'


def _one(made: Any, name: str) -> Any:
    return next(one for one in made.instances if one.instance.name == name)


def test_link(world: Any) -> None:
    """A link gives the URL with the consumer's own credentials, and makes it a consumer."""
    made = world.plan(f'{BUS}{FILES}events = "bus"\nbuckets = ["uploads"]')
    link = _one(made, "files.0").instance.links["events"]
    consumers = _one(made, "bus.0").instance.consumers

    assert link.url == "bus://files:@{booty:secret:bus.files.password#1}@127.0.0.1:4222"
    assert [(one.name, one.interfaces) for one in consumers] == [
        ("files", ("bus/stream",)),
        ("user", ()),
    ]
    assert set(_one(made, "files.0").instance.resources["buckets"]) == {"uploads"}


def test_url_of_several_instances(world: Any) -> None:
    """The component says how the URLs of several instances become one."""
    made = world.plan(f'{BUS}replicas = 3\n{FILES}events = "bus"')
    link = _one(made, "files.0").instance.links["events"]

    assert [part.rpartition(":")[2] for part in link.url.split(",")] == ["4222", "4223", "4224"]
    assert set(link.endpoints) == {"bus.0", "bus.1", "bus.2"}


def test_link_to_nothing(world: Any) -> None:
    """A link to a service that is not there names those that could do."""
    fault = world.fault(f'{BUS}{FILES}events = "bsu"')

    assert (fault.status, fault.reference) == (3, "link-to-nothing")
    assert fault.subject == "services.files.events"
    assert "bus" in fault.hint


def test_link_to_a_disabled_service(world: Any) -> None:
    """A disabled service cannot be linked to."""
    assert (
        world.fault(f'{BUS}enabled = false\n{FILES}events = "bus"').reference == "link-to-nothing"
    )


def test_link_without_the_interface(world: Any) -> None:
    """A link to something that lacks the interface names who has it."""
    fault = world.fault(f'{BUS}{FILES}events = "other"\n[services.other]\nuse = "files"')

    assert (fault.status, fault.reference) == (3, "no-such-interface")
    assert fault.hint == "bus/stream is offered by bus"


def test_resources_are_typed(world: Any) -> None:
    """Resources are read into the component's class; a list of names does where it may."""
    made = world.plan(f'{BUS}[services.bus.streams.orders]\nsubjects = ["orders.>"]')

    assert _one(made, "bus.0").instance.resources["streams"]["orders"].subjects == ("orders.>",)


def test_all_faults_at_once(world: Any) -> None:
    """Wrong settings of all services are told together."""
    faults = world.faults(f"{BUS}settings = {{ max-paylod = 1 }}\n{FILES}settings = {{ a = 1 }}")

    assert [(one.reference, one.subject) for one in faults] == [
        ("unknown-key", "services.bus.settings.max-paylod"),
        ("no-settings", "services.files.settings"),
    ]


def test_all_claims_at_once(world: Any) -> None:
    """Keys that nobody claims and resources of the wrong shape are told together."""
    faults = world.faults(f'{BUS}steams = ["a"]\n{FILES}evnts = "bus"\nbuckets = 3')

    assert [(one.reference, one.subject) for one in faults] == [
        ("unknown-key", "services.bus.steams"),
        ("unknown-key", "services.files.evnts"),
        ("wrong-type", "services.files.buckets"),
    ]


def test_unclaimed_key_has_a_hint(world: Any) -> None:
    """A key that neither core nor the component knows is an error with the nearest one."""
    fault = world.fault(f'{BUS}steams = ["a"]')

    assert (fault.reference, fault.hint) == ("unknown-key", 'did you mean "streams"?')


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('settings = { version = "2" }', '"version" stands in [services.bus] itself'),
        ("max-payload = 3", "it is one of the settings: settings = { max-payload = … }"),
    ],
)
def test_key_one_table_off(world: Any, text: str, hint: str) -> None:
    """A key that stands in the service instead of its settings, or the other way, is told where."""
    fault = world.fault(f"{BUS}{text}")

    assert (fault.reference, fault.hint) == ("unknown-key", hint)


def test_reference_makes_a_consumer(world: Any) -> None:
    """Whoever reads a service's URL has credentials of its own there."""
    made = world.plan(
        f'{BUS}[services.main]\nuse = "program"\nrun = ["x"]\n'
        'env = { U = "${services.bus.url}" }'
    )

    assert [one.name for one in _one(made, "bus.0").instance.consumers] == ["main", "user"]


def test_new_consumer_costs_a_reload(world: Any) -> None:
    """A newcomer changes its service by the class that the component declares, no more."""
    before = world.plan(BUS)
    after = world.again(before, f'{BUS}{FILES}events = "bus"')
    steps = {step.subject: step for step in after.steps}

    assert (steps["bus.0"].action, steps["files.0"].action) == ("reload", "start")
    assert steps["bus"].action == "bootstrap"


def test_broken_service_is_told_once(world: Any) -> None:
    """A link to a service that is wrong itself is no second fault."""
    assert (
        world.fault(f'{BUS}replicas = 2\n{FILES}events = "bus"').reference == "replicas-forbidden"
    )
