"""All faults at once: what is sound is planned on, and nothing is told that only follows."""

from __future__ import annotations

from typing import Any

from booty import plan

BUS = '[services.bus]\nuse = "bus"\n'
FILES = '[services.files]\nuse = "files"\n'
MAIN = '[services.main]\nuse = "program"\nrun = ["./main"]\n'


def told(world: Any, text: str) -> set[tuple[str, str]]:
    """Return reference and subject of every fault; no program was looked for."""
    deciding = plan.Deciding(
        spec=world.spec(text),
        providers=world.providers,
        locked={},
        saved=world.saved,
        machine=world.machine,
    )
    made = deciding.plan()
    found = {(one.reference, str(one.subject)) for one in deciding.faults}
    assert (made is None) == bool(found)
    return found


def test_each_stage_goes_on(world: Any) -> None:
    """Versions, replicas, settings, links, resources, needs, ports, references: in one go."""
    bus = (
        f"{BUS}version = '99'\nreplicas = 2\nsettings = {{ max-paylod = 1 }}\n"
        "streams = { s = { subjects = 7 } }\nbuckts = ['a']\nports = { clint = 1 }\n"
        "config = { port = 3 }\nenv = { A = '${services.fine.endpoints.no.url}' }\n"
    )
    files = f"{FILES}events = 'main'\n"
    main = (
        f"{MAIN}needs = ['bus']\nports = {{ http = {{ port = 65535, exact = true }} }}\n"
        "replicas = 2\nenv = { B = '${ports.http}', C = '${services.bus.url}' }\n"
        "labels = { l = '${ports.no}' }\n"
    )
    fine = BUS.replace("services.bus", "services.fine")
    assert told(world, bus + files + main + fine) == {
        ("version-missing", "services.bus.version"),
        ("replicas-forbidden", "services.bus.replicas"),
        ("unknown-key", "services.bus.settings.max-paylod"),
        ("wrong-type", "services.bus.streams.s.subjects"),
        ("unknown-key", "services.bus.buckts"),
        ("unknown-key", "services.bus.ports.clint"),
        ("owned-config", "services.bus.config.port"),
        ("reference-to-nothing", "services.bus.env.A"),
        ("no-such-interface", "services.files.events"),
        ("port-outside", "services.main.ports.http"),
    }


def test_nothing_is_told_that_only_follows(world: Any) -> None:
    """Who leans on a service that cannot be planned is not blamed for it."""
    assert told(
        world,
        f"[services.gone]\nuse = 'bus/none'\n{FILES}events = 'gone'\n"
        f"{MAIN}needs = ['gone']\nenv = {{ A = '${{services.gone.url}}', B = '${{ports.no}}' }}\n",
    ) == {
        ("component-missing", "services.gone.use"),
        ("reference-to-nothing", "services.main.env.B"),
    }


def test_the_sound_part_is_launched_all_the_same(world: Any) -> None:
    """What is only seen at a launch is told together with faults of other services."""
    main = "[services.main]\nuse = 'program'\nrun = ['x', '${env.SECRET}']\nenv-file = 'no.env'\n"

    assert told(world, f"{BUS}version = '99'\n{main}") == {
        ("version-missing", "services.bus.version"),
        ("env-file-unreadable", "services.main.env-file"),
        ("secret-in-argv", "services.main.run"),
    }


def test_two_sources_for_one_program(world: Any) -> None:
    """One program in one version comes from one place, which any of its services may name."""
    other = BUS.replace("services.bus", "services.other")
    spec = world.spec(f"{BUS}{other}source = 'wheel'\n")

    assert [one.source for one in plan.resolve(spec, world.providers, {})] == ["wheel"]
    assert told(world, f"{BUS}source = 'on-path'\n{other}source = 'wheel'\n") == {
        ("source-twice", "services.other.source")
    }
    assert (
        told(world, f"{BUS}source = 'on-path'\n{other}source = 'wheel'\nversion = '2.14'") == set()
    )


def test_a_source_that_there_is_not(world: Any) -> None:
    """The name of a source is looked up, the nearest is named."""
    fault = world.fault(f"{BUS}source = 'whel'\n")

    assert (fault.reference, fault.subject) == ("source-missing", "services.bus.source")
    assert fault.hint == 'did you mean "wheel"?'
