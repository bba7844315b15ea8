"""What server and feed are told of the bus. Pure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty import ServiceSpec
from booty_provider_minio.drives import unqueued
from booty_provider_minio.feed.choice import Choice, Choices
from booty_provider_minio.feed.rules import rule

BUS = '[services.bus]\nuse = "nats"\n'
FAR = '[services.bus]\nuse = "external"\noffers = "nats/jetstream"\n'


def told(planned: Any, engine: str, bus: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the variables of the server, without the common beginning, and the feed's bus."""
    made = planned.plan(f'engine = "{engine}"\nevents = "bus"', bus)
    server, feed = (
        next(one for one in made.instances if one.instance.name == name)
        for name in ("it.0", "it.feed.0")
    )
    mark = "MINIO_NOTIFY_NATS_"
    names = {name: text for name, text in server.launch.env.items() if name.startswith(mark)}
    (file,) = feed.launch.files.values()
    return (
        {name[len(mark) :].removesuffix("_BOOTY"): text for name, text in names.items()},
        json.loads(file.content)["bus"],
    )


def test_bus_with_tls(planned: Any) -> None:
    """Server and feed speak TLS with the bus, and trust the authority that signed for it alone."""
    server, feed = told(planned, "minio", f"{BUS}settings = {{ tls = true }}")

    assert server["TLS"] == "on"
    assert server["CERT_AUTHORITY"] == feed["ca"]
    assert feed["ca"].endswith("/ca.pem")
    assert feed["servers"] == [f"tls://{server['ADDRESS']}"]
    assert "TLS_SKIP_VERIFY" not in server


def test_bus_without_tls(planned: Any) -> None:
    """Nothing is said of TLS where there is none."""
    server, feed = told(planned, "silo", BUS)

    assert not {"TLS", "CERT_AUTHORITY"} & set(server)
    assert feed["ca"] == ""


def test_bus_of_somebody_else(planned: Any) -> None:
    """A bus outside has TLS where its address says so; the system knows its authority."""
    server, feed = told(planned, "minio", f'{FAR}url = "tls://nats.example:4222"')

    assert server["TLS"] == "on"
    assert "CERT_AUTHORITY" not in server
    assert server["ADDRESS"] == "nats.example:4222"
    assert (feed["servers"], feed["ca"]) == (["tls://nats.example:4222"], "")


@pytest.mark.parametrize("engine", ["versitygw", "rclone"])
def test_engine_that_does_not_tell(planned: Any, engine: str) -> None:
    """An engine that is listed is told nothing of the bus."""
    server, feed = told(planned, engine, BUS)

    assert server == {}
    assert feed["servers"][0].startswith("nats://127.0.0.1:")


def by_way(planned: Any, lines: str) -> tuple[dict[str, str], dict[str, Any], str]:
    """Return what server and feed are told, and the arguments of both."""
    made = planned.plan(f'{lines}\nevents = "bus"', BUS)
    server, feed = (
        next(one for one in made.instances if one.instance.name == name)
        for name in ("it.0", "it.feed.0")
    )
    (file,) = feed.launch.files.values()
    env = {name: text for name, text in server.launch.env.items() if "NOTIFY" in name}
    return env, json.loads(file.content), " ".join([*server.launch.argv, *feed.launch.argv])


@pytest.mark.parametrize("engine", ["minio", "silo"])
def test_server_tells_the_feed(planned: Any, engine: str) -> None:
    """By HTTP, with a secret of its own, on loopback; the server is told nothing of the bus."""
    lines = f'engine = "{engine}"\nsettings = {{ events-way = "webhook" }}'
    env, feed, argv = by_way(planned, lines)
    mark, token = "MINIO_NOTIFY_WEBHOOK_", "@{booty:secret:it.hook#1}"

    assert env == {
        f"{mark}ENABLE_BOOTY": "on",
        f"{mark}ENDPOINT_BOOTY": f"http://127.0.0.1:{feed['hook']['port']}",
        f"{mark}AUTH_TOKEN_BOOTY": f"Bearer {token}",
        f"{mark}QUEUE_DIR_BOOTY": "@{booty:data}/events",
    }
    assert (feed["hook"]["host"], feed["hook"]["token"]) == ("127.0.0.1", token)
    assert feed["arn"] == "arn:minio:sqs::BOOTY:webhook"
    assert [one.endswith("/data/it.0/events/minio-webhook-BOOTY") for one in feed["queues"]] == [
        True
    ]
    assert feed["raw"] == ""
    assert token not in argv


def test_server_that_is_listed(planned: Any) -> None:
    """A server that could tell is listed if that is asked for: it keeps no queue."""
    env, feed, _ = by_way(planned, 'settings = { events-way = "listing", events-interval = "7s" }')

    assert env == {}
    assert (feed["arn"], feed["raw"], feed["hook"], feed["queues"]) == ("", "", None, [])
    assert feed["listing"] == feed["interval"] == 7


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ('settings = { events-interval = "7s" }', "events-interval", 'add events = "…"'),
        ('settings = { events-window = "7m" }', "events-window", 'add events = "…"'),
        ('settings = { events-way = "webhook" }', "events-way", 'add events = "…"'),
        (
            'engine = "rclone"\nevents = "bus"\nsettings = { events-listing = "7m" }',
            "events-listing",
            "looked at each events-interval",
        ),
    ],
)
def test_what_nobody_would_obey(planned: Any, lines: str, place: str, words: str) -> None:
    """A setting that would be taken and mean nothing is refused, with what it needs."""
    told = planned.faults(lines, BUS)

    assert list(told) == [f"settings.{place}"]
    assert words in told[f"settings.{place}"]


@pytest.mark.parametrize(
    ("engine", "way", "words"),
    [
        ("rclone", "webhook", "rclone has listing; minio and silo have it"),
        ("versitygw", "nats", "versitygw has listing; minio and silo have it"),
        ("minio", "pigeon", "minio has nats, webhook, listing"),
    ],
)
def test_ways_that_cannot_be(planned: Any, engine: str, way: str, words: str) -> None:
    """A way that the engine does not have is refused in the plan, with those that it has."""
    told = planned.faults(f'engine = "{engine}"\nsettings = {{ events-way = "{way}" }}')

    assert list(told) == ["settings.events-way"]
    assert words in told["settings.events-way"]


RESTRICTED = """
[services.it.buckets.uploads]
events = { prefix = "in/", suffix = ".csv" }
[services.it.buckets.private]
events = false
[services.it.buckets.plain]
events = true
"""


def chosen(planned: Any, engine: str) -> dict[str, Any]:
    """Return what the feed is told of buckets of which not all is told."""
    made = planned.plan(f'engine = "{engine}"\nevents = "bus"', RESTRICTED + BUS)
    feed = next(one for one in made.instances if one.instance.name == "it.feed.0")
    (file,) = feed.launch.files.values()
    found: dict[str, Any] = json.loads(file.content)["told"]
    return found


@pytest.mark.parametrize("engine", ["minio", "silo", "versitygw", "rclone"])
def test_what_is_chosen(planned: Any, engine: str) -> None:
    """The feed knows which keys of which buckets are told, whatever the engine."""
    wanted = {"uploads": {"prefix": "in/", "suffix": ".csv"}, "private": None}

    assert chosen(planned, engine) == wanted


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("in/a.csv", True),
        ("in/.csv", True),
        ("in/a/b.csv", True),
        ("out/a.csv", False),
        ("in/a.txt", False),
        ("IN/a.csv", False),
        ("in/", False),
    ],
)
def test_choice_takes(key: str, taken: bool) -> None:
    """A key is taken that begins with the prefix and ends with the suffix."""
    assert Choice("in/", ".csv").takes(key) is taken


def test_prefix_and_suffix_do_not_overlap() -> None:
    """A key that is shorter than both together is not taken; MinIO sees it so."""
    assert not Choice("in/a", "/a").takes("in/a")
    assert Choices({}).takes("any", "key")
    assert not Choices({"any": None}).takes("any", "key")


def test_rule_of_a_choice() -> None:
    """The rule for the server has a filter where there is one."""
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]

    assert rule("arn", Choice("in/", ".csv"))["Filter"] == {"Key": {"FilterRules": rules}}
    assert "Filter" not in rule("arn", Choice())


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('events = { prefix = "a/../b" }', "events.prefix"),
        ('events = { prefix = "./a" }', "events.prefix"),
        ('events = { prefix = "in/*" }', "events.prefix"),
        ('events = { suffix = "*.csv" }', "events.suffix"),
        ("events = { suffix = 'a\\b' }", "events.suffix"),
        ("events = { prefix = '" + "é" * 513 + "' }", "events.prefix"),
    ],
)
def test_filters_that_cannot_be(planned: Any, lines: str, place: str) -> None:
    """What MinIO would refuse, or take for a pattern, is refused in the plan, for every engine."""
    service = 'use = "minio"\nengine = "rclone"\nevents = "bus"\n'
    found = planned.faults(f"{service}[services.it.buckets.abc]\n{lines}\n{BUS}")

    assert list(found) == [f"buckets.abc.{place}"]


@pytest.mark.parametrize("events", ["false", '{ prefix = "in/" }'])
def test_filters_need_the_link(planned: Any, events: str) -> None:
    """Where nothing is told at all, a choice of it is refused."""
    found = planned.faults(f"[services.it.buckets.abc]\nevents = {events}")

    assert list(found) == ["buckets.abc.events"]
    assert 'write events = "NATS SERVICE"' in found["buckets.abc.events"]


def test_misspelt_filter(planned: Any) -> None:
    """A key of a filter that there is not gets the nearest name."""
    told = planned.faults('[services.it.buckets.abc]\nevents = { prefx = "in/" }')

    assert 'did you mean "prefix"?' in told["buckets.abc.events.prefx"]


@pytest.mark.parametrize(
    ("after", "step"),
    [
        ('events = { prefix = "in/" }', "restart"),
        ("events = false", "restart"),
        ('quota = "1GiB"', "none"),
        ("events = {}", "none"),
    ],
)
def test_feed_is_started_again_for_a_filter(planned: Any, after: str, step: str) -> None:
    """Another choice starts the feed anew, and nothing else; another resource not even that."""
    lines = 'events = "bus"\n[services.it.buckets.abc]\n'
    before = planned.plan(lines, BUS)
    made = planned.plan(lines + after, BUS, running=before)

    steps = {one.subject: str(one.change) for one in made.steps}
    assert steps["it.feed.0"] == step
    assert steps["it.0"] == "none"


def test_servers_of_a_cluster_are_told_alike(planned: Any) -> None:
    """They refuse each other when one word differs; yet each has a queue of its own."""
    made = planned.plan('replicas = 4\nevents = "bus"', BUS)
    servers = [one.launch for one in made.instances if one.instance.name.startswith("it.")][:4]
    names = {"MINIO_NOTIFY_NATS_QUEUE_DIR_BOOTY": "/proc/self/cwd/events"}
    told = [{name: one.env[name] for name in one.env if "NOTIFY" in name} for one in servers]

    assert len(servers) == 4
    assert all(one == told[0] for one in told)
    assert names.items() <= told[0].items()
    assert {one.cwd for one in servers} == {"@{booty:data}"}
    assert all("@{booty:data}/events" in one.dirs for one in servers)


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ({"replicas": 4, "extra": {"events": "bus"}}, 1),
        ({"replicas": 4, "extra": {"events": "bus"}, "settings": {"events-way": "listing"}}, 0),
        ({"replicas": 4}, 0),
        ({"extra": {"events": "bus"}}, 0),
    ],
)
def test_machines_without_a_folder_of_processes(
    tmp_path: Path, lines: dict[str, Any], count: int
) -> None:
    """A cluster that tells has no place for its events there: that is said before it starts."""
    service = ServiceSpec(name="files", use="minio", **lines)

    assert len(list(unqueued([service], "/not/there"))) == count
    assert list(unqueued([service], str(tmp_path))) == []
