"""The plan as JSON, and the run sheet that the supervisor executes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from booty import plan
from booty.errors import ConflictError
from booty.model.component import Component, Probe

BUS = '[services.bus]\nuse = "bus"\n'
ALL = (
    f'{BUS}replicas = 3\nstreams = ["orders"]\n[services.files]\nuse = "files"\nevents = "bus"\n'
    '[services.db]\nuse = "db"\n'
    '[services.wh]\nuse = "external"\noffers = "mysql"\nurl = "secret://wh"\n'
    '[services.main]\nuse = "program"\nrun = ["./main", "${ports.http}"]\nports = { http = 0 }\n'
    'env = { U = "${services.bus.url}", T = "${env.TOKEN}" }\nsecrets = { K = "secret://k" }\n'
    'ready = { http = "http/healthz" }\nlive = { tcp = "http", interval = "10s", failures = 2 }\n'
    'needs = [{ service = "files", until = "good", of = "quorum", restart = true }]\n'
    'stop-signal = "INT"\ngrace = "3s"\nexit-codes = [7]\nlabels = { team = "a" }\n'
    'backoff = { next = "1s" }\nreload = { exec = ["./main", "reload"] }\n'
    'secrets-as = "file"\ncritical = true\n'
)


def _entry(sheet: Any, name: str) -> Any:
    return next(one for one in sheet["instances"] if one["name"] == name)


def test_round_trip(world: Any) -> None:
    """A plan survives its JSON to the byte; the same input gives the same bytes."""
    text = plan.to_json(world.plan(ALL))

    assert plan.to_json(plan.from_json(text)) == text
    assert plan.to_json(world.plan(ALL)) == text


@pytest.mark.parametrize("damage", [lambda text: text[:200], lambda text: b"[]", lambda text: b""])
def test_damaged_plan(world: Any, damage: Any) -> None:
    """A plan that was cut off is a ConflictError that says how to go on."""
    text = plan.to_json(world.plan(BUS))
    with pytest.raises(ConflictError) as caught:
        plan.from_json(damage(text))

    assert (caught.value.reference, caught.value.hint) == ("plan-unreadable", "booty up --replan")


def test_plan_of_a_later_format(world: Any) -> None:
    """A format of the future is refused, not guessed."""
    data = json.loads(plan.to_json(world.plan(BUS)))
    with pytest.raises(ConflictError, match="format 99"):
        plan.from_json(json.dumps({**data, "format": 99}).encode())


def test_no_value_is_anywhere(world: Any) -> None:
    """Values of variables and env-files stand in neither plan nor sheet."""
    (world.root / "x.env").write_text("A=canary-file\n")
    text = f'{ALL}env-file = "x.env"'
    (file,) = world.spec(text).services["main"].env_file
    world.machine_with(env={"TOKEN": "canary-env"}, files={file: "d"}, names={file: ("A",)})
    made = world.plan(text)

    assert b"canary" not in plan.to_json(made)
    assert "canary" not in json.dumps(plan.sheet(made))


def test_sheet_as_a_whole(world: Any) -> None:
    """The sheet holds artifacts, providers, services and instances in start order."""
    made = world.plan(ALL)
    sheet, blobs = plan.sheet(made)

    assert sheet["digest"] == plan.digest(made)
    assert sheet["stack"] == {"id": "5eed5eed5eed5eed", "name": "shop"}
    assert sheet["artifacts"]["bus@2.15.0"] == {"path": "bus/2.15.0", "executable": "bus-server"}
    assert sheet["providers"]["bus"]["hooks"] == ["bootstrap", "configure"]
    assert sheet["services"]["bus"]["instances"] == ["bus.0", "bus.1", "bus.2"]
    assert sheet["services"]["bus"]["url"].startswith("bus://127.0.0.1:4222,")
    assert sheet["services"]["bus"]["bootstrap"]
    assert sheet["services"]["files"]["bootstrap"] is None
    assert [one["name"] for one in sheet["instances"]] == [
        name for level in made.levels for name in level
    ]
    assert blobs == {}
    assert json.loads(json.dumps(sheet)) == sheet


def test_entry_of_a_program(world: Any) -> None:
    """Every key of the file is in its entry."""
    sheet, _ = plan.sheet(world.plan(ALL))
    main = _entry(sheet, "main.0")
    port = main["ports"]["http"]

    assert main["argv"] == ["./main", str(port)]
    assert main["ready"]["http"] == f"http://127.0.0.1:{port}/healthz"
    assert (main["live"]["tcp"], main["live"]["failures"]) == (f"127.0.0.1:{port}", 2)
    assert main["stop"] == {
        "signal": "INT", "grace": 3.0, "drain": "", "drain_timeout": 600.0, "after_ready": False,
    }  # fmt: skip
    assert main["reload"] == {"signal": "", "exec": ["./main", "reload"]}
    assert main["exit_codes"] == [0, 7]
    assert main["restart"] == {
        "policy": "on-failure", "next": 1.0, "factor": 2.0, "max": 30.0, "reset": 60.0,
        "give_up": 10,
    }  # fmt: skip
    assert (main["critical"], main["secrets_as"], main["labels"]) == (True, "file", {"team": "a"})
    assert [(need["service"], need["until"], need["of"]) for need in main["needs"]] == [
        ("bus", "ready", "all"), ("files", "good", "quorum"),
    ]  # fmt: skip
    assert main["urls"] == {"http": f"http://127.0.0.1:{port}"}


def test_entry_of_a_component(world: Any) -> None:
    """What the component declares is in the entry, with ports resolved."""
    sheet, _ = plan.sheet(world.plan(ALL))
    bus = _entry(sheet, "bus.1")
    (path,) = bus["files"]

    assert (bus["ready"]["tcp"], bus["ready"]["first_bytes"]) == ("127.0.0.1:4223", "INFO")
    assert bus["live"]["http"] == "http://127.0.0.1:8223/healthz"
    assert (bus["stop"]["drain"], bus["reload"]["signal"]) == ("USR2", "HUP")
    assert (bus["kind"], bus["exit_codes"], bus["limits"]) == ("service", [0, 1], {"nofile": 4096})
    assert (path, bus["files"][path]["mode"]) == ("@{booty:config}/bus.json", 0o600)
    assert bus["check"]["argv"][1] == "-t"
    assert bus["dirs"] == ["@{booty:data}"]
    assert bus["instance"]["peers"][2]["name"] == "bus.2"
    assert bus["changes"]["replicas"] == "migrate"
    assert {"settings.max-payload", "ports.client", "version", "consumers"} <= set(bus["inputs"])


def test_task(world: Any) -> None:
    """A task is not restarted unless the file says so."""
    sheet, _ = plan.sheet(world.plan('[services.t]\nuse = "program"\nrun = "x"\nkind = "task"'))

    assert sheet["instances"][0]["kind"] == "task"
    assert sheet["instances"][0]["restart"]["policy"] == "never"


def test_large_file_is_a_blob(world: Any) -> None:
    """A file of 64 KiB or more lies beside the sheet, by its digest."""
    made = world.plan(f'{BUS}config = {{ big = "{"x" * 65536}" }}')
    sheet, blobs = plan.sheet(made)
    (file,) = sheet["instances"][0]["files"].values()
    ((name, data),) = blobs.items()

    assert (file["content"], file["blob"]) == (None, name)
    assert hashlib.sha256(data).hexdigest() == name


def test_digest_follows_what_runs(world: Any) -> None:
    """Steps are no part of the digest; ports, versions and files are."""
    first = world.plan(BUS)
    again = world.again(first, BUS)
    other = world.again(first, f'{BUS}env = {{ A = "1" }}')

    assert plan.digest(again) == plan.digest(first)
    assert plan.digest(other) != plan.digest(first)


@pytest.mark.parametrize(
    ("file", "path"), [("run/ready", "@{booty:data}/run/ready"), ("/run/ready", "/run/ready")]
)
def test_a_providers_file_is_in_the_data_folder(
    world: Any, make_provider: Any, file: str, path: str
) -> None:
    """A provider cannot know where the data of an instance will be."""
    one = Component(id="bus", program="bus", ready=Probe(file=file))
    world.providers["bus"] = make_provider("bus", (one,))
    sheet, _ = plan.sheet(world.plan('[services.bus]\nuse = "bus"\n'))

    assert sheet["instances"][0]["ready"]["file"] == path
