"""What ``configure`` writes: pure, complete, and only what was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import (
    BootyErrors,
    ConfigError,
    Consumer,
    Dirs,
    Endpoint,
    Instance,
    Launch,
    Peer,
    Secret,
    ServiceSpec,
)
from booty_provider_nats import BOOTY_API, components, configure, expand
from booty_provider_nats.resources import Bucket, Objects, Stream
from booty_provider_nats.resources import Consumer as Consumes
from booty_provider_nats.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
DIRS = Dirs(**{name: f"@{{booty:{name}}}" for name in ("data", "config", "logs", "run", "root")})


def secret(name: str, form: str = "") -> str:
    """A reference as the plan writes it."""
    return str(Secret(f"bus.{name}", 1, form))


def endpoints(number: int, *names: str) -> dict[str, Endpoint]:
    """Listeners as the plan gives them."""
    known = {"client": 4222, "monitor": 8222, "cluster": 6222, "leaf": 7422, "websocket": 8080}
    return {name: Endpoint(name, "tcp", "127.0.0.1", known[name] + number) for name in names}


def instance(number: int = 0, replicas: int = 1, *more: str, **changed: Any) -> Instance:
    """A server as the plan describes it."""
    names = ("client", "monitor", *(("cluster",) if replicas > 1 else ()), *more)
    consumers = tuple(
        Consumer(
            name=name,
            secrets={
                "password": secret(f"{name}.password"),
                "password:bcrypt": secret(f"{name}.password", "bcrypt"),
            },
        )
        for name in ("main", "user")
    )
    own = {
        **{name: secret(name) for name in ("system", "health", "route")},
        **{f"{name}:bcrypt": secret(name, "bcrypt") for name in ("system", "health")},
        **{f"certificate:{part}": secret("certificate", part) for part in ("key", "cert", "ca")},
    }
    given: dict[str, Any] = {
        "name": f"bus.{number}",
        "service": "bus",
        "stack": "shop",
        "index": number,
        "replicas": replicas,
        "component": "nats",
        "version": "2.15.0",
        "program": "@{booty:program:nats@2.15.0}",
        "dirs": DIRS,
        "endpoints": endpoints(number, *names),
        "settings": Settings(),
        "secrets": own,
        "consumers": consumers,
        "peers": tuple(
            Peer(name=f"bus.{n}", role="", index=n, endpoints=endpoints(n, *names))
            for n in range(replicas)
        ),
    }
    return Instance(**{**given, **changed})


def written(one: Instance) -> dict[str, Any]:
    """The server's file, read back."""
    launch = configure(instance=one)
    found: dict[str, Any] = json.loads(launch.files["@{booty:config}/nats.json"].content)
    return found


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("single", instance()),
        ("member", instance(1, 3)),
        (
            "everything",
            instance(
                0,
                1,
                "leaf",
                "websocket",
                settings=Settings(
                    domain="hub",
                    max_payload=8 * 1024**2,
                    max_memory=64 * 1024**2,
                    max_file=1024**3,
                    sync_interval="always",
                    tls=True,
                    debug=True,
                ),
                config={"write_deadline": "10s", "jetstream": {"max_outstanding_catchup": 1024}},
            ),
        ),
    ],
)
def test_golden(name: str, one: Instance) -> None:
    """The file is as it was looked at and found good; a change shows here first."""
    assert written(one) == json.loads((GOLDEN / f"{name}.json").read_text())


def test_pure() -> None:
    """The same instance gives an equal launch."""
    assert configure(instance=instance(2, 5)) == configure(instance=instance(2, 5))


def test_file_is_private_and_checked() -> None:
    """Mode 0600, and the server's own check must say that the file is valid."""
    launch: Launch = configure(instance=instance())

    assert {file.mode for file in launch.files.values()} == {0o600}
    assert launch.check is not None
    assert launch.check.argv[-1] == "-t"
    assert launch.check.expect == "is valid"


def test_arguments_hold_the_file_only() -> None:
    """What everybody on the machine can see tells nothing."""
    launch: Launch = configure(instance=instance())

    assert launch.argv == ("@{booty:program:nats@2.15.0}", "-c", "@{booty:config}/nats.json")


def test_bind_address_is_obeyed() -> None:
    """Every listener binds what the endpoint says, not where it is reached."""
    one = instance(0, 1, "leaf", "websocket")
    moved = {name: evolve(each, bind="10.0.0.7") for name, each in one.endpoints.items()}
    found = written(evolve(one, endpoints=moved))

    assert found["listen"] == "10.0.0.7:4222"
    assert found["http"] == "10.0.0.7:8222"
    assert found["leafnodes"]["listen"] == "10.0.0.7:7422"
    assert found["websocket"]["listen"] == "10.0.0.7:8080"


def test_raw_configuration_is_merged() -> None:
    """Raw keys are laid over ours, deep, and lists replace."""
    raw = {"server_tags": ["a"], "jetstream": {"sync_interval": "1s"}, "mqtt": {"port": 1883}}
    found = written(instance(config=raw))

    assert found["server_tags"] == ["a"]
    assert found["jetstream"]["sync_interval"] == "1s"
    assert found["jetstream"]["store_dir"] == "@{booty:data}"
    assert found["mqtt"] == {"port": 1883}


@pytest.mark.parametrize("value", [False, "disabled", 5])
def test_a_table_is_not_replaced_by_a_word(value: object) -> None:
    """``jetstream = false`` would take the store's folder with it."""
    with pytest.raises(ConfigError, match="must be a table") as caught:
        configure(instance=instance(config={"jetstream": value}))
    assert caught.value.subject == "services.bus.config.jetstream"


@pytest.mark.parametrize("raw", [{"HOST": "0.0.0.0"}, {"jetstream": {"Store_Dir": "/tmp"}}])
def test_other_case_is_no_way_around(raw: dict[str, Any]) -> None:
    """NATS reads keys in any case; what is booty's cannot be said that way either."""
    with pytest.raises(ConfigError, match="lower case"):
        configure(instance=instance(config=raw))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("domain", "a.b"),
        ("sync_interval", "often"),
        ("sync_interval", "10"),
        ("sync_interval", "0s"),
        ("max_connections", 0),
        ("max_payload", 0),
        ("max_payload", 65 * 1024**2),
        ("lame_duck_duration", 5.0),
        ("lame_duck_grace_period", 30.0),
    ],
)
def test_settings_that_nats_refuses(key: str, value: object) -> None:
    """What would be refused at the start is refused in the plan, by name."""
    with pytest.raises(ConfigError) as caught:
        configure(instance=instance(settings=Settings(**{key: value})))
    assert caught.value.subject == f"services.bus.settings.{key.replace('_', '-')}"


@pytest.mark.parametrize(
    ("given", "written_as"), [("always", "always"), ("1h30m", "1h30m"), ("1d", "86400000ms")]
)
def test_sync_interval(given: str, written_as: str) -> None:
    """Every duration that booty knows is written as one that NATS knows."""
    found = written(instance(settings=Settings(sync_interval=given)))

    assert found["jetstream"]["sync_interval"] == written_as


@pytest.mark.parametrize(
    ("kind", "name", "entry", "key"),
    [
        ("streams", "a.b", Stream(), "a.b"),
        ("streams", "a", Stream(subjects=("a b",)), "a.subjects"),
        ("streams", "a", Stream(subjects=("a..b",)), "a.subjects"),
        ("streams", "a", Stream(replicas=3), "a.replicas"),
        ("streams", "a", Stream(replicas=-1), "a.replicas"),
        ("consumers", "c d", Consumes(stream="a"), "c d"),
        ("consumers", "c", Consumes(stream="a", subjects=(">.a",)), "c.subjects"),
        ("kv", "a.b", Bucket(), "a.b"),
        ("kv", "a", Bucket(history=65), "a.history"),
        ("kv", "a", Bucket(history=0), "a.history"),
        ("objects", "a/b", Objects(), "a/b"),
    ],
)
def test_resources_that_nats_refuses(kind: str, name: str, entry: Any, key: str) -> None:
    """A declaration that no server would take is refused in the plan, by its path."""
    with pytest.raises(ConfigError) as caught:
        configure(instance=instance(resources={kind: {name: entry}}))
    assert caught.value.subject == f"services.bus.{kind}.{key}"
    assert caught.value.reference == "nats-resource"


def test_all_faults_at_once() -> None:
    """Two wrong settings and a wrong stream are told together."""
    wrong = instance(
        settings=Settings(domain="a b", max_payload=0),
        resources={"streams": {"a": Stream(subjects=("a b",))}},
    )

    with pytest.raises(BootyErrors) as caught:
        configure(instance=wrong)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    "text",
    [
        'streams.a]\nstorage = "disk"',
        'streams.a]\nretention = "all"',
        'streams.a]\ndiscard = "oldest"',
        'streams.a]\ncompression = "zip"',
        'kv.a]\nstorage = "disk"',
        'objects.a]\ncompression = "zip"',
        'consumers.c]\nstream = "a"\ndeliver = "first"',
        'consumers.c]\nstream = "a"\nack = "maybe"',
    ],
)
def test_words_are_known_beforehand(rig: Any, text: str) -> None:
    """What is one of several words is checked as the file is read, and the words are told."""
    with pytest.raises(ConfigError, match="cannot use") as caught:
        rig.plan(f"[services.bus.{text}\n")
    assert caught.value.hint


def test_roles_by_size() -> None:
    """A cluster opens the cluster port and is ready by its own health page."""
    single, cluster = (
        expand(service=ServiceSpec(name="bus", use="nats", replicas=number))[0]
        for number in (None, 3)
    )

    assert (single.replicas, single.ports, single.ready) == (1, (), None)
    assert (cluster.replicas, cluster.ports) == (3, ("cluster",))
    assert cluster.ready.http == "monitor/healthz"


def test_api_number_and_one_component() -> None:
    """The module states its API number and declares one program."""
    assert BOOTY_API == 1
    assert [one.id for one in components()] == ["nats"]
