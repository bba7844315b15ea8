"""What ``configure`` says, what the user lays over it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from booty.model.component import Component, SecretNeed
from booty.model.instance import Command, File, Instance, Launch

BUS = '[services.bus]\nuse = "bus"\n'


def test_default_launch(world: Any) -> None:
    """A provider that says nothing starts the program as it is."""
    (one,) = world.plan('[services.f]\nuse = "files"').instances

    assert one.launch.argv == ("@{booty:program:files@1.0.0}",)
    assert one.launch.cwd == "@{booty:data}"


def test_program(world: Any) -> None:
    """A program runs as it is, in the folder of booty.toml; a string is a line for the shell."""
    made = world.plan(
        '[services.a]\nuse = "program"\nrun = ["./a", "-x"]\n'
        '[services.b]\nuse = "program"\nrun = "b | c"\ncwd = "sub"'
    )
    first, second = (one.launch for one in made.instances)

    assert (first.argv, first.cwd) == (("./a", "-x"), "@{booty:root}")
    assert (second.argv, second.cwd) == (("/bin/sh", "-c", "b | c"), "@{booty:root}/sub")


def test_user_is_laid_over(world: Any) -> None:
    """Variables, limits, umask and folder of the file hold over those of the provider."""
    (one,) = world.plan(
        f'{BUS}env = {{ A = "1" }}\nlimits = {{ core = "1MiB" }}\numask = "077"\ncwd = "/srv"'
    ).instances

    assert one.launch.env == {"A": "1"}
    assert one.launch.limits == {"nofile": 4096, "core": 1048576}
    assert (one.launch.umask, one.launch.cwd) == ("077", "/srv")


def test_raw_configuration_reaches_the_provider(world: Any) -> None:
    """Raw configuration is given to ``configure``, replaced."""
    (one,) = world.plan(f'{BUS}config = {{ name = "${{instance.name}}" }}').instances

    assert '"name": "bus.0"' in one.launch.files["@{booty:config}/bus.json"].content


@pytest.mark.parametrize(
    ("key", "raw"), [("port", "port = 1"), ("cluster.name", "cluster.name = 'x'")]
)
def test_owned_configuration(world: Any, key: str, raw: str) -> None:
    """Ports and addresses cannot be overridden by raw configuration."""
    fault = world.fault(f"{BUS}replicas = 3\nconfig = {{ {raw} }}")

    assert (fault.status, fault.reference) == (3, "owned-config")
    assert fault.subject == f"services.bus.config.{key}"


def test_service_with_roles_takes_their_own(world: Any) -> None:
    """Settings, variables, limits and grace of a role are laid over those of the service."""
    made = world.plan(
        '[services.db]\nuse = "db"\nenv = { A = "1" }\ngrace = "3s"\n'
        '[services.db.roles.pd]\nenv = { A = "2" }\ngrace = "9s"\nlimits = { nofile = 7 }'
    )
    found = {one.instance.name: one for one in made.instances}

    assert found["db.pd.0"].launch.env == {"A": "2"}
    assert found["db.pd.0"].launch.limits == {"nofile": 7}
    assert [found[n].policy["stop"]["grace"] for n in ("db.pd.0", "db.kv.0")] == [9.0, 3.0]


def _bad(what: str) -> Any:
    def configure(instance: Instance) -> Launch:
        secret, config = instance.secrets["key"], instance.dirs.config
        return {
            "no program": Launch(argv=()),
            "argument": Launch(argv=("x", secret)),
            "check": Launch(argv=("x",), check=Command(argv=("x", secret))),
            "outside": Launch(argv=("x",), files={"/etc/x": File(content="")}),
            "upward": Launch(argv=("x",), files={f"{config}/../x": File(content="")}),
            "readable": Launch(
                argv=("x",), files={f"{config}/x": File(content=secret, mode=0o644)}
            ),
            "folder": Launch(argv=("x",), dirs=("/srv/x",)),
            "limit": Launch(argv=("x",), limits={"files": 1}),
        }[what]

    return configure


@pytest.mark.parametrize(
    "what",
    ["no program", "argument", "check", "outside", "upward", "readable", "folder", "limit"],
)
def test_impossible_launch(world: Any, make_provider: Any, what: str) -> None:
    """A launch that leaks a secret or leaves its folders is a fault of the provider."""
    component = Component(id="odd", program="odd", secrets=(SecretNeed(name="key"),))
    world.providers["odd"] = make_provider("odd", (component,), configure=_bad(what))
    fault = world.fault('[services.o]\nuse = "odd"')

    assert (fault.status, fault.reference, fault.subject) == (4, "provider-launch", "odd")


def test_provider_that_raises(world: Any, make_provider: Any) -> None:
    """A hook that raises anything is told beside the other faults, with the provider's name."""

    def configure(instance: Instance) -> Launch:
        raise KeyError("nothing")

    component = Component(id="odd", program="odd")
    world.providers["odd"] = make_provider("odd", (component,), configure=configure)
    faults = world.faults(
        '[services.o]\nuse = "odd"\n[services.m]\nuse = "program"\nrun = ["${ports.x}"]'
    )

    assert [one.reference for one in faults] == ["hook-failed", "reference-to-nothing"]


def test_program_on_the_data_of_another(world: Any) -> None:
    """Another engine is refused on data that it cannot read, and goes on with what it can."""
    world.saved_with(data={"s.0": {"version": "1.0.0", "component": "safe/vault"}})
    fault = world.fault('[services.s]\nuse = "safe/bao"')

    assert (fault.status, fault.reference) == (10, "data-of-another")
    assert "booty backup s OUT" in fault.hint
    assert world.faults('[services.s]\nuse = "safe/vault"') == []

    bao = world.providers["safe"].components["safe/bao"]
    known = {**world.providers["safe"].components, bao.id: evolve(bao, reads=("safe/vault",))}
    world.providers["safe"] = evolve(world.providers["safe"], components=known)
    assert world.faults('[services.s]\nuse = "safe/bao"') == []


def test_older_program_on_newer_data(world: Any) -> None:
    """A program older than what wrote its data is refused, with the way out."""
    world.saved_with(data={"bus.0": {"version": "2.15.0"}})
    fault = world.fault(f'{BUS}version = "2.14"')

    assert (fault.status, fault.reference) == (10, "older-program")
    assert "2.15.0" in fault.hint
    assert world.faults(f'{BUS}version = "2.15"') == []
