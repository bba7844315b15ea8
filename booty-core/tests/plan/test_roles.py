"""Which components a service is made of, and how many of each."""

from __future__ import annotations

from typing import Any

import pytest
from booty import plan
from booty.errors import BootyErrors
from booty.model.component import Component, Interface, Need, Want
from booty.model.expand import Role
from booty.model.source import OnPath
from booty.model.stack import ServiceSpec
from booty.stack import replicas

DB = '[services.db]\nuse = "db"\n'


def _names(made: Any) -> list[str]:
    return sorted(one.instance.name for one in made.instances)


def test_roles_are_expanded(world: Any) -> None:
    """A service becomes its roles, each with its own number of instances."""
    assert _names(world.plan(DB)) == ["db.kv.0", "db.kv.1", "db.kv.2", "db.pd.0", "db.sql.0"]


def test_role_has_its_own_number(world: Any) -> None:
    """``roles.R.replicas`` holds over what the provider says."""
    assert "db.kv.1" not in _names(world.plan(f"{DB}[services.db.roles.kv]\nreplicas = 1"))


def test_unknown_role(world: Any) -> None:
    """A role that does not exist is not ignored."""
    fault = world.fault(f"{DB}[services.db.roles.kw]\nreplicas = 1")

    assert (fault.reference, fault.subject) == ("role-missing", "services.db.roles.kw")
    assert '"kv"' in fault.hint


@pytest.mark.parametrize("number", [2, 4])
def test_forbidden_replicas(world: Any, number: int) -> None:
    """A number that the component forbids is an error that names the allowed ones."""
    fault = world.fault(f'[services.bus]\nuse = "bus"\nreplicas = {number}')

    assert (fault.status, fault.reference) == (3, "replicas-forbidden")
    assert "1, 3, 5" in fault.message


def test_engine_is_named_once(world: Any) -> None:
    """A component named by ``use`` and another one by ``engine`` are a contradiction."""
    fault = world.fault('[services.s]\nuse = "safe/vault"\nengine = "bao"')
    made = world.plan('[services.s]\nuse = "safe/bao"\nengine = "bao"')

    assert (fault.reference, fault.hint) == ("engine-twice", 'write use = "safe"')
    assert made.services["s"]["component"] == "safe/bao"


def test_engine_chooses_the_component(world: Any) -> None:
    """An engine is a component of the same provider; one that is not there is named."""
    made = world.plan('[services.s]\nuse = "safe"\nengine = "bao"')
    fault = world.fault('[services.s]\nuse = "safe"\nengine = "boa"')

    assert made.services["s"]["component"] == "safe/bao"
    assert (fault.reference, fault.hint) == ("engine-missing", 'did you mean "bao"?')


def test_use_must_name_a_component(world: Any) -> None:
    """A provider with several components and no rule of its own needs one to be named."""
    assert world.fault('[services.s]\nuse = "safe"').reference == "component-missing"


def test_provider_that_is_not_there(world: Any) -> None:
    """A service of a provider that was not loaded is a ProviderError with the way to get it."""
    del world.providers["bus"]
    fault = world.fault('[services.bus]\nuse = "bus"')

    assert (fault.status, fault.hint) == (4, "pip install booty-provider-bus")


@pytest.mark.parametrize(
    "roles",
    [
        (Role(component="odd/none"),),
        (Role(component="odd/a", name="x"), Role(component="odd/a", name="x")),
    ],
)
def test_impossible_roles(world: Any, roles: tuple[Role, ...], request: Any) -> None:
    """A provider that answers with what it lacks is named, and nothing else breaks."""
    make = request.getfixturevalue("make_provider")
    odd = make("odd", (Component(id="odd/a", program="a"),), expand=lambda service: roles)
    world.providers["odd"] = odd
    fault = world.fault('[services.o]\nuse = "odd"')

    assert (fault.status, fault.reference) == (4, "provider-roles")


def test_saved_scale(world: Any) -> None:
    """A saved scale is laid over the file, by service and by role."""
    world.saved_with(scale={"db.kv": 5, "bus": 3})
    made = world.plan(f'{DB}[services.bus]\nuse = "bus"')

    assert {"db.kv.4", "bus.2"} <= set(_names(made))


def test_saved_scale_is_dropped(world: Any) -> None:
    """When the file's own number changes, the saved scale is dropped, and that is said."""
    text = '[services.bus]\nuse = "bus"\nreplicas = '
    before = world.plan(f"{text}1")
    world.saved_with(scale={"bus": 5})
    after = world.again(before, f"{text}3")

    assert _names(after) == ["bus.0", "bus.1", "bus.2"]
    assert after.warnings == ("the saved scale bus=5 is dropped: replicas was changed",)


def test_saved_scale_is_dropped_though_a_plan_was_made_since(world: Any) -> None:
    """What the file said when it was scaled counts, not what a plan that nobody ran says."""
    world.saved_with(scale={"bus": 5}, scaled_over={"bus": 1})
    text = '[services.bus]\nuse = "bus"\nreplicas = 3'
    made = world.again(world.plan(text), text)

    assert (len(made.instances), dict(made.scale)) == (3, {})
    assert made.warnings == ("the saved scale bus=5 is dropped: replicas was changed",)


def test_scale_of_roles_is_judged(world: Any) -> None:
    """A role must be named where there are several; one that is not there is refused."""
    spec = world.spec(DB)
    with pytest.raises(BootyErrors) as caught:
        replicas.refuse(spec, world.providers, {"db": 3, "db.kw": 3, "db.kv.0": 3})
    replicas.refuse(spec, world.providers, {"db.kv": 5})
    hints = [str(one.hint) for one in caught.value.faults]

    assert hints[0].startswith("booty scale db.")
    assert '"kv"' in hints[1]
    assert hints[2] == "booty scale db.kv=3"


def test_disabled_service_is_not_there(world: Any) -> None:
    """A disabled service makes nothing and asks for no provider."""
    del world.providers["bus"]

    assert world.plan('[services.bus]\nuse = "bus"\nenabled = false').instances == ()


def test_a_link_is_waited_for_by_who_wants_it(world: Any, make_provider: Any) -> None:
    """The other roles of a service do not wait for it, unless the file says so."""
    front = Component(id="duo/front", program="f", wants=(Want(link="events", interface="bus"),))
    back = Component(id="duo/back", program="b")
    roles = (Role(component="duo/front", name="front"), Role(component="duo/back", name="back"))
    bus = Component(id="bus", program="bus", offers=(Interface(name="bus", port="main"),))
    world.providers["bus"] = make_provider("bus", (bus,))
    world.providers["duo"] = make_provider("duo", (front, back), expand=lambda service: roles)
    text = '[services.d]\nuse = "duo"\nevents = "bus"\n[services.bus]\nuse = "bus"\n'
    linked = world.plan(text)
    asked = world.plan(text.replace("[services.bus]", 'needs = ["bus"]\n[services.bus]'))

    assert [waits(made, "d.front.0") for made in (linked, asked)] == [["bus"], ["bus"]]
    assert [waits(made, "d.back.0") for made in (linked, asked)] == [[], ["bus"]]


def waits(made: Any, name: str) -> list[str]:
    """Return the services that an instance waits for."""
    one = next(one for one in made.instances if one.instance.name == name)
    return [need["service"] for need in one.needs]


def test_a_program_apart_has_its_own_version(world: Any, make_provider: Any) -> None:
    """Version, source and binary of a service are not about a program of the provider beside it."""
    main = Component(id="two/main", program="main", versions=("2.0.0",), sources=(OnPath(),))
    side = Component(id="two/side", program="side", versions=("1",), sources=(OnPath(name="here"),))

    def expand(service: ServiceSpec) -> tuple[Role, ...]:
        return (
            Role(component="two/main"),
            Role(component="two/side", name="side", needs=(Need(role=""),), apart=True),
        )

    world.providers["two"] = make_provider("two", (main, side), expand=expand)
    text = '[services.t]\nuse = "two"\nversion = "2"\nsource = "on-path"\nbinary = "./mine"'
    wishes = {one.component.id: one for one in plan.resolve(world.spec(text), world.providers, {})}
    side_wish = wishes["two/side"]

    assert wishes["two/main"].binary.endswith("/mine")
    assert (side_wish.key, side_wish.source, side_wish.binary) == ("two/side@1", "", "")
    assert world.plan(text).levels == (("t.0",), ("t.side.0",))
