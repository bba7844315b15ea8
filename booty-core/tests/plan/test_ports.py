"""Port numbers: wishes, offset, what is kept, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from booty import plan
from booty.model.component import Component, Port
from booty.model.state import Change
from booty.plan.inputs import short

BUS = '[services.bus]\nuse = "bus"\n'
MAIN = '[services.main]\nuse = "program"\nrun = ["./main"]\n'


def test_wishes_are_given(world: Any) -> None:
    """On a free machine everybody gets what the component prefers; optional ports stay closed."""
    assert world.plan(BUS).ports == {"bus.0/client": 4222, "bus.0/monitor": 8222}


def test_optional_port_is_asked_for(world: Any) -> None:
    """An optional port is opened where the file names it."""
    assert world.plan(f"{BUS}ports = {{ ws = 9300 }}").ports["bus.0/ws"] == 9300


def test_instance_n_gets_port_plus_n(world: Any) -> None:
    """The replicas of a service count upward from the row's first number."""
    ports = world.plan(f"{BUS}replicas = 3").ports

    assert [ports[f"bus.{number}/client"] for number in range(3)] == [4222, 4223, 4224]


def test_offset_moves_the_whole_stack(world: Any) -> None:
    """One busy port moves every port that is not exact by the smallest free multiple of 100."""
    world.machine_with(busy={8222: "pid 1"}, reserved={4322: "/elsewhere"})
    ports = world.plan(f"{BUS}[services.f]\nuse = 'files'\nports = {{ s3 = 9000 }}").ports

    assert ports == {"bus.0/client": 4422, "bus.0/monitor": 8422, "f.0/s3": 9200}


def test_ephemeral_range_is_avoided(world: Any) -> None:
    """A wish inside of the kernel's range moves on, one that the user names stays and is told."""
    world.machine_with(ephemeral=(4000, 5000))
    moved = world.plan(BUS)
    named = world.plan(f"{BUS}ports = {{ client = 4222 }}")

    assert moved.ports["bus.0/client"] == 5022
    assert named.ports["bus.0/client"] == 4222
    assert "port 4222" in named.warnings[0]


def test_everything_ephemeral(world: Any) -> None:
    """On a machine whose ephemeral range holds every port there is a plan all the same."""
    world.machine_with(ephemeral=(1024, 65535))

    assert world.plan(f"{BUS}{MAIN}ports = {{ http = 0 }}").ports["bus.0/client"] == 4222


def test_two_services_of_one_kind(world: Any) -> None:
    """Two rows with one wish lie beside each other, each row in one piece."""
    text = "".join(f'[services.{n}]\nuse = "bus"\nreplicas = 3\n' for n in ("a", "b"))
    ports = world.plan(text).ports

    assert [ports[f"a.{n}/client"] for n in range(3)] == [4222, 4223, 4224]
    assert [ports[f"b.{n}/client"] for n in range(3)] == [4232, 4233, 4234]


def test_named_port_goes_first(world: Any) -> None:
    """A number that the file names is given before one that a component only prefers."""
    ports = world.plan(f"{BUS}{MAIN}ports = {{ http = 4222 }}").ports

    assert (ports["main.0/http"], ports["bus.0/client"]) == (4222, 4232)


@pytest.mark.parametrize("second", ["4300", "{ port = 4300, exact = true }"])
def test_same_port_twice(world: Any, second: str) -> None:
    """One number named twice in the file is told once, with both places."""
    fault = world.fault(f"{BUS}ports = {{ client = 4300 }}\n{MAIN}ports = {{ http = {second} }}")

    assert (fault.status, fault.reference) == (3, "port-twice")
    assert "bus.0/client" in fault.message
    assert "main.0/http" in fault.message


def test_replicas_reach_another_port(world: Any) -> None:
    """A row that would run over a number that the file names elsewhere is told."""
    text = f"{BUS}replicas = 3\nports = {{ client = 4300 }}\n{MAIN}ports = {{ http = 4302 }}"

    assert world.fault(text).reference == "port-twice"


def test_exact_and_busy(world: Any) -> None:
    """An exact port that somebody holds is a ConflictError that names the holder."""
    world.machine_with(busy={8222: 'pid 4711 "monitor"'})
    fault = world.fault(f"{BUS}ports = {{ monitor = {{ port = 8222, exact = true }} }}")

    assert (fault.status, fault.reference) == (10, "port-busy")
    assert 'pid 4711 "monitor"' in fault.message


def test_exact_holds_for_the_row(world: Any) -> None:
    """Exact ports of several instances stay while the others move."""
    world.machine_with(busy={4222: "pid 1"})
    ports = world.plan(
        f"{BUS}replicas = 3\nports = {{ monitor = {{ port = 8222, exact = true }} }}"
    ).ports

    assert [ports[f"bus.{number}/monitor"] for number in range(3)] == [8222, 8223, 8224]
    assert ports["bus.0/client"] == 4322


def test_outside_the_range(world: Any) -> None:
    """A row that runs over the last port is an error, not a wrap."""
    fault = world.fault(
        f"{BUS}replicas = 3\nports = {{ client = {{ port = 65534, exact = true }} }}"
    )

    assert (fault.status, fault.reference) == (3, "port-outside")


def test_saved_ports_are_kept(world: Any) -> None:
    """Numbers of before hold, whatever is reserved since, and what is new joins their offset."""
    world.saved_with(ports={"bus.0/client": 4522, "bus.0/monitor": 8522})
    world.machine_with(reserved={4522: "/elsewhere"})
    ports = world.plan(f"{BUS}[services.f]\nuse = 'files'").ports

    assert ports == {"bus.0/client": 4522, "bus.0/monitor": 8522, "f.0/s3": 9300}


def test_saved_and_busy(world: Any) -> None:
    """A saved port that a stranger holds is a ConflictError, never a silent move."""
    world.saved_with(ports={"bus.0/client": 4522})
    world.machine_with(busy={4522: 'pid 7 "stranger" of "/elsewhere"'})
    fault = world.fault(BUS)

    assert (fault.status, fault.reference, fault.subject) == (
        10, "port-busy", "services.bus.ports.client",
    )  # fmt: skip
    assert "stranger" in fault.message


def test_changed_wish_beats_saved(world: Any) -> None:
    """When the file names another number, the saved one is given up, running or not."""
    before = world.plan(BUS)
    text = f"{BUS}ports = {{ client = 4333 }}"
    running = world.again(before, text).ports["bus.0/client"]
    world.saved_with(plan=None)
    stopped = world.plan(text).ports["bus.0/client"]

    assert (running, stopped) == (4333, 4333)


def test_any_free_port(world: Any) -> None:
    """Port 0 gives the same free number each time, and another one when that is taken."""
    text = f"{MAIN}ports = {{ http = 0 }}"
    first = world.plan(text).ports["main.0/http"]
    world.machine_with(busy={first: "pid 1"})
    second = world.plan(text).ports["main.0/http"]

    assert 20000 <= first < 30000
    assert second != first


def test_scheme(world: Any) -> None:
    """A port named like a known scheme has it, another one is plain TCP, the file may say more."""
    made = world.plan(
        f'{MAIN}ports = {{ http = 0, odd = 0, api = {{ port = 0, scheme = "grpc" }} }}'
    )
    endpoints = made.instances[0].instance.endpoints

    assert [endpoints[name].scheme for name in ("http", "odd", "api")] == ["http", "tcp", "grpc"]


def test_bind_and_reach(world: Any) -> None:
    """What listens everywhere is reached by loopback; an address is both."""
    wide = world.plan(f'{BUS}bind = "0.0.0.0"').instances[0].instance.endpoints["client"]
    near = world.plan(f'{BUS}bind = "10.0.0.7"').instances[0].instance.endpoints["client"]

    assert (wide.bind, wide.host) == ("0.0.0.0", "127.0.0.1")
    assert (near.bind, near.host) == ("10.0.0.7", "10.0.0.7")


def test_unknown_port(world: Any) -> None:
    """A port that the component lacks is an error with the nearest name."""
    fault = world.fault(f"{BUS}ports = {{ cliant = 1 }}")

    assert (fault.status, fault.reference) == (3, "unknown-key")
    assert '"client"' in fault.hint


def test_reallocation(world: Any) -> None:
    """Asked for, saved numbers of what does not run are given up for a block that is free."""
    world.saved_with(
        ports={"bus.0/client": 4522, "bus.0/monitor": 8522}, running={}, reallocate=True
    )
    world.machine_with(busy={4522: "pid 1", 8222: "pid 1"})

    assert world.plan(BUS).ports == {"bus.0/client": 4322, "bus.0/monitor": 8322}


def test_reallocation_leaves_what_runs(world: Any) -> None:
    """An instance that runs keeps its numbers, and what is new joins their offset."""
    before = world.plan(f"{BUS}[services.f]\nuse = 'files'")
    world.saved_with(running={"bus.0": {"state": "ready"}}, reallocate=True)
    world.machine_with(busy={9000: "pid 1"})
    ports = world.again(before, f"{BUS}[services.f]\nuse = 'files'").ports

    assert ports == {"bus.0/client": 4222, "bus.0/monitor": 8222, "f.0/s3": 9010}


def test_data_that_holds_addresses(world: Any, make_provider: Any) -> None:
    """A port whose change takes a migration stays with its data, and is refused when it is held."""
    raft = Component(
        id="bus", program="bus", ports=(Port("client", 4222),), changes={"ports": Change.MIGRATE}
    )
    world.providers["bus"] = make_provider("bus", (raft,))
    world.saved_with(ports={"bus.0/client": 4522}, running={}, reallocate=True)
    without_data = world.plan(BUS).ports["bus.0/client"]
    world.saved_with(data={"bus.0": {"version": "1"}})
    free = world.plan(BUS).ports["bus.0/client"]
    world.machine_with(busy={4522: 'pid 7 "other"'})
    fault = world.fault(BUS)

    assert (without_data, free) == (4222, 4522)
    assert (fault.status, fault.reference) == (10, "port-busy")
    assert "the data of bus.0 holds this address" in fault.message
    assert "reallocate" not in str(fault.hint)


def test_udp_has_numbers_of_its_own(world: Any, make_provider: Any) -> None:
    """What listens by TCP is not in the way of a datagram port, and the other way round."""
    dns = Component(id="dns", program="dns", ports=(Port("query", 8600, "", "udp"),))
    world.providers["dns"] = make_provider("dns", (dns,))
    text = '[services.dns]\nuse = "dns"\n'
    world.machine_with(busy={8600: "pid 1"})
    beside = world.plan(text).ports["dns.0/query"]
    world.machine_with(busy={}, busy_udp={8600: "pid 1"})
    moved = world.plan(text).ports["dns.0/query"]

    assert (beside, moved) == (8600, 8700)


@pytest.mark.parametrize(
    ("port", "protocol", "url"),
    [
        ('q = { port = 8600, protocol = "udp" }', "udp", "udp://127.0.0.1:8700"),
        ('q = { port = 8600, scheme = "udp" }', "udp", "udp://127.0.0.1:8700"),
        ('q = { port = 8600, scheme = "dns", protocol = "udp" }', "udp", "dns://127.0.0.1:8700"),
        ("udp = 8600", "udp", "udp://127.0.0.1:8700"),
        ('udp = { port = 8600, protocol = "tcp" }', "tcp", "tcp://127.0.0.1:8600"),
        ("q = 8600", "tcp", "tcp://127.0.0.1:8600"),
    ],
)
def test_datagrams_of_a_program(world: Any, port: str, protocol: str, url: str) -> None:
    """A program's port for datagrams is told by protocol, scheme or name, and moves as such."""
    world.machine_with(busy={}, busy_udp={8600: "pid 1"})
    (one,) = world.plan(f"{MAIN}ports = {{ {port} }}").instances[0].instance.endpoints.values()

    assert (one.protocol, one.url) == (protocol, url)


def test_socket_handed_over(world: Any) -> None:
    """A port of the user's own program may be bound for it; its entry says where."""
    made = world.plan(f"{MAIN}ports = {{ http = {{ port = 8080, socket = true }}, raw = 9999 }}")
    sheet, _ = plan.sheet(made)
    plain, _ = plan.sheet(world.plan(f"{MAIN}ports = {{ http = 8080, raw = 9999 }}"))

    assert sheet["instances"][0]["sockets"] == [
        {"name": "http", "bind": "127.0.0.1", "port": 8080, "protocol": "tcp"}
    ]
    assert "sockets" not in plain["instances"][0]
    assert sheet["instances"][0]["digest"] != plain["instances"][0]["digest"]


def test_socket_of_a_component(world: Any, make_provider: Any) -> None:
    """A component that takes a socket is given one, unless the file says otherwise."""
    ports = (Port("client", 4222, socket=True), Port("monitor", 8222))
    world.providers["bus"] = make_provider("bus", (Component(id="bus", program="b", ports=ports),))
    given = world.plan(BUS).instances[0]
    without = world.plan(f"{BUS}ports = {{ client = {{ socket = false }} }}").instances[0]
    fault = world.fault(f"{BUS}ports = {{ monitor = {{ socket = true }} }}")

    assert [one["name"] for one in given.policy["sockets"]] == ["client"]
    assert "sockets" not in without.policy
    assert (fault.reference, fault.subject) == (
        "socket-not-taken", "services.bus.ports.monitor.socket",
    )  # fmt: skip


def test_protocol_of_a_component(world: Any) -> None:
    """What a component's port speaks is its own to say."""
    fault = world.fault(f'{BUS}ports = {{ client = {{ protocol = "udp" }} }}')

    assert (fault.status, fault.reference) == (3, "key-misplaced")


@pytest.mark.parametrize(("ready", "told"), [('"http"', 1), ('"127.0.0.1:8080"', 1), ('"raw"', 0)])
def test_own_answer_is_no_readiness(world: Any, ready: str, told: int) -> None:
    """Booty's own socket answers before the program: a bare connection says nothing of it."""
    text = f"{MAIN}ports = {{ http = {{ port = 8080, socket = true }}, raw = 9999 }}\n"
    faults = [one.reference for one in world.faults(f"{text}ready = {{ tcp = {ready} }}")]

    assert faults == ["ready-says-nothing"] * told
    assert not world.faults(f'{text}ready = {{ tcp = {ready}, first-bytes = "INFO" }}')


def test_digests_stay_as_they_were(world: Any) -> None:
    """A usual port has the digest that an older booty gave it: its news alone restart nothing."""
    made = world.plan(BUS).instances[0]
    endpoint = made.instance.endpoints["client"]
    known = {"name", "scheme", "host", "port", "bind"}

    assert made.inputs["ports.client"] == short({one: getattr(endpoint, one) for one in known})
