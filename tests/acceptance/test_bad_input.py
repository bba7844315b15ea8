"""Bad input: one clear error with reference, exit status and hint; nothing started, nothing lost.

What is shown elsewhere is not shown again: digests, archives and another architecture
(``fetch/test_release.py``); an early end, a program that never gets ready, a cut state file and
state of another machine (``supervise/test_stacks.py``); a broken provider
(``providers/test_broken_in_a_stack.py``).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest_acceptance import GOOD, HEAD, SLEEPER, refused, running, write

BUSLIKE = "[services.b]\nuse = 'links/bus'\n"
OTHER = "[services.o]\nuse = 'links/other'\n"
BUS = '[services.bus]\nuse = "nats"\n'
PORT = f"[services.x]\n{SLEEPER}ports.http = {{ port = 18765, exact = true }}\n"

# A provider of somebody else: one component that links to a bus, one that offers it, one neither.
PROVIDER = """
from booty import Component, Interface, Launch, OnPath, Port, Want, hookimpl

BOOTY_API = 1


def one(name, **more):
    return Component(
        id="links/" + name, program="sleep", summary="Sleeps.", versions=("1",),
        sources=(OnPath(version_args=()),), **more
    )


@hookimpl
def components():
    return (
        one("user", wants=(Want(link="events", interface="bus", required=True),)),
        one(
            "bus", ports=(Port("main", 7500, "tcp"),),
            offers=(Interface(name="bus", port="main", url="tcp://{host}:{port}"),),
        ),
        one("other"),
    )


@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "1000"))
"""


def test_no_file(booty: Any, root: Path) -> None:
    """Without booty.toml there is nothing to do, for any command."""
    for command in (("up", "-d"), ("ps", "--json"), ("down",), ("plan",)):
        said = booty(*command, status=3).stderr

        assert "no-file: " in said
        assert "hint: booty init" in said
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "reference", "text", "words"),
    [
        (3, "toml-syntax", f"{GOOD}[services.x\n", ["booty.toml:7", "line 7"]),
        (3, "name-twice", f"{GOOD}{GOOD}", ["booty.toml:7"]),
        (3, "unknown-key", f"{GOOD}[services.x]\n{SLEEPER}replcas = 2\n", ['"replicas"?']),
        (3, "unknown-key", f"{GOOD}[service.x]\n{SLEEPER}", ['"services"?']),
        (3, "wrong-type", f"{GOOD}replicas = 'two'\n", ["whole number", "booty.toml:7"]),
        (3, "wrong-type", f"{GOOD}needs = 'x'\n", ["booty.toml:7"]),
        (4, "provider-missing", f"{GOOD}[services.x]\nuse = 'porgram'\n", ['mean "program"?']),
        (4, "provider-missing", f"{GOOD}[services.x]\nuse = 'postgres'\n",
         ["hint: pip install booty-provider-postgres"]),
        (3, "component-missing", f"{GOOD}[services.x]\nuse = 'nats/jetstrem'\n", ["nats"]),
        (3, "component-missing", f"{GOOD}[services.x]\nuse = 'program/other'\n", ["program"]),
        (3, "cycle", f"{GOOD}needs = ['x']\n[services.x]\n{SLEEPER}needs = ['good']\n",
         ["good -> x -> good"]),
        (3, "cycle", f"{GOOD}needs = ['good']\n", ["good -> good"]),
        (3, "service-unknown", f"{GOOD}needs = ['god']\n", ['"good"']),
        (3, "bad-value", f"{BUS}replicas = 0\n{GOOD}", ["services.bus.replicas", "from 1"]),
        (3, "replicas-forbidden", f"{BUS}replicas = 2\n{GOOD}", ["1, 3, 5"]),
        (3, "service-unknown", f"{GOOD}env.X = '${{services.bus.url}}'\n", ["booty.toml:7"]),
        (3, "template-name", f"{GOOD}env.X = '${{dirs.nope}}'\n", ["dirs.data", "booty.toml:7"]),
        (3, "reference-to-nothing", f"{GOOD}env.X = '${{ports.http}}'\n", ["${ports.http}"]),
        (3, "variable-missing", f"{GOOD}env.X = '${{env.BOOTYS_NO_SUCH}}'\n",
         ["BOOTYS_NO_SUCH"]),
        (3, "secret-missing", f"{GOOD}secrets.X = 'secret://never-set'\n", ["never-set"]),
        (3, "port-twice", PORT + PORT.replace("services.x", "services.y"), ["x.0/http"]),
        (3, "bad-value", f"{GOOD}ports.http = 70000\n", ["70000", "65535"]),
        (3, "bad-value", f"{GOOD}ports.http = -1\n", ["-1", "65535"]),
        (3, "port-outside", f"{GOOD}replicas = 2\nports.http = {{ port = 65535, exact = true }}\n",
         ["65536"]),
        (3, "version-missing", f"{GOOD}{BUS}version = '99'\n", ["2.15.0"]),
        (3, "link-to-nothing", f"{GOOD}[services.x]\nuse = 'links/user'\nevents = 'bus'\n",
         ["add a service that offers bus"]),
        (3, "link-to-nothing", f"{GOOD}[services.x]\nuse = 'links/user'\nevents = 'x'\n", ["x"]),
        (3, "link-missing", f"{GOOD}[services.x]\nuse = 'links/user'\n{BUSLIKE}",
         ["bus is offered by b"]),
        (3, "no-such-interface", f"{BUSLIKE}{OTHER}[services.x]\nuse='links/user'\nevents='o'\n",
         ["bus is offered by b"]),
        (3, "wrong-type", f"{GOOD}{BUS}streams = {{ s = {{ subjects = 7 }} }}\n", ["streams"]),
    ],
)  # fmt: skip
def test_file_is_refused(  # noqa: PLR0917 - fixtures and a row of the table
    booty: Any,
    root: Path,
    tmp_path: Path,
    status: int,
    reference: str,
    text: str,
    words: list[str],
) -> None:
    """What booty.toml asks for cannot be: nothing of it is started, the good part neither."""
    write(root, text)
    refused(booty, root, status, reference, *words, PYTHONPATH=install(tmp_path / "packages"))


def install(place: Path) -> str:
    """Install the provider ``links``; returns the folder for PYTHONPATH."""
    info = place / "links-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "links_module.py").write_text(PROVIDER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: links\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[booty]\nlinks = links_module\n")
    return str(place)


def test_link_to_what_offers_it_is_taken(booty: Any, root: Path, tmp_path: Path) -> None:
    """The provider of these tests is a good one: its links are refused for their own sake."""
    write(root, "[services.x]\nuse = 'links/user'\nevents = 'b'\n[services.b]\nuse = 'links/bus'\n")

    booty("plan", PYTHONPATH=install(tmp_path / "packages"))


def test_all_faults_are_told_at_once(booty: Any, root: Path) -> None:
    """Each with its own reference and hint, the exit status is that of the first."""
    write(root, f"{GOOD}kind = 'thing'\ngrace = 'soon'\nneeds = 'x'\n")
    done = booty("up", "-d", "--json", status=3)
    said = done.stderr
    fault = json.loads(done.stdout)["error"]

    assert said.count("hint: ") == 3
    assert [one["message"] in said for one in fault["faults"]] == [True] * 3
    assert fault.items() >= fault["faults"][0].items()
    assert running(booty) == []


def test_reader_and_plan_speak_at_once(booty: Any, root: Path) -> None:
    """What reader, providers, machine and plan find comes in one go, each with its place."""
    write(
        root,
        f"{GOOD}grace = 'soon'\n[services.x]\nuse = 'postgres'\n{BUS}version = '99'\n"
        f"settings = {{ max-paylod = 1 }}\n[services.y]\n{SLEEPER}env-file = 'none.env'\n"
        "env.A = '${ports.http}'\nenv.B = '${services.x.url}'\nenv.C = '${env.BOOTYS_NO_SUCH}'\n"
        "secrets.D = 'secret://never-set'\n",
    )
    before = sorted(root.iterdir())
    done = booty("up", "-d", "--json", status=3)
    faults = json.loads(done.stdout)["error"]["faults"]

    assert [(one["reference"], one["message"].rpartition("booty.toml:")[2]) for one in faults] == [
        ("bad-duration", "7)"),
        ("provider-missing", "9)"),
        ("env-file-unreadable", "17)"),
        ("version-missing", "12)"),
        ("unknown-key", "13)"),
        ("reference-to-nothing", "18)"),
        ("variable-missing", "20)"),
        ("secret-missing", "21)"),
    ]
    assert sorted(root.iterdir()) == [root / ".booty", *before]
    assert running(booty) == []


@pytest.mark.parametrize("file", ["booty.local.toml", "more/one.toml", "profile"])
def test_the_place_may_be_in_another_file(booty: Any, root: Path, file: str) -> None:
    """A fault of the plan names the file that it stands in: overlay, included file, profile."""
    (root / "more").mkdir()
    wrong, env = "\nreplicas = 2\n", {}
    bus = BUS if file == "booty.local.toml" else ""
    if file == "profile":
        write(root, f"{BUS}[profiles.p.services.bus]{wrong}")
        place, env = "booty.toml:7", {"BOOTY_PROFILE": "p"}
    else:
        write(root, bus, head=f'include = "more/*.toml"\n{HEAD}')
        write(root, f"{BUS.strip() if not bus else '[services.bus]'}{wrong}", file, head="")
        place = f"{file}:{2 if bus else 3}"
    said = refused(booty, root, 3, "replicas-forbidden", place, **env)

    assert said.count(".toml:") == 1


def test_nothing_is_fetched_for_a_file_with_faults(booty: Any, root: Path, tmp_path: Path) -> None:
    """A link to nothing is told before a program is looked for."""
    write(root, "[services.x]\nuse = 'links/user'\nevents = 'b'\n")
    place = install(tmp_path / "packages")
    said = refused(booty, root, 3, "link-to-nothing", "booty.toml:6", PYTHONPATH=place)

    assert "fetched" not in said
    assert not (root / "booty.lock").exists()


def test_missing_values_lose_no_plan(booty: Any, root: Path) -> None:
    """A variable that is not set is seen before the plan takes the place of the former one."""
    write(root, GOOD)
    booty("up", "-d")
    before = (root / ".booty/plans/latest.json").read_text()
    write(root, f"{GOOD}env.X = '${{env.BOOTYS_NO_SUCH}}'\n")
    said = booty("up", "-d", status=3).stderr

    assert "variable-missing: " in said
    assert "(booty.toml:7)" in said
    assert (root / ".booty/plans/latest.json").read_text() == before
    assert running(booty) == ["supervisor", "good.0"]


def test_one_name_in_two_files(booty: Any, root: Path) -> None:
    """Two included files with a service of the same name: both places are named."""
    write(root, GOOD, "one.toml", head="")
    write(root, GOOD, "two.toml", head="")
    write(root, "", head=f'include = ["one.toml", "two.toml"]\n{HEAD}')

    refused(booty, root, 3, "name-twice", '"good"', "one.toml:1", "two.toml:1")


def test_included_file_is_missing(booty: Any, root: Path) -> None:
    """A file that is not there is no empty file."""
    write(root, GOOD, head=f'include = "one.toml"\n{HEAD}')

    refused(booty, root, 3, "include-missing", "one.toml")


def test_exact_port_is_busy(booty: Any, root: Path) -> None:
    """The holder is named: a program and its pid."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        number = held.getsockname()[1]
        write(root, f"{GOOD}ports.http = {{ port = {number}, exact = true }}\n")
        refused(booty, root, 10, "port-busy", f'"{number}"', str(os.getpid()))


def test_port_that_may_move_moves(booty: Any, root: Path) -> None:
    """A busy number that is not exact is no error."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        number = held.getsockname()[1]
        write(root, f"{GOOD}ports.http = {number}\n")
        booty("up", "-d")
        ports = json.loads(booty("ps", "--json").stdout)["services"][0]["ports"]

    assert ports["http"] != number


def test_binary_is_missing(booty: Any, root: Path) -> None:
    """A program of the user's own in place of a fetched one must be there."""
    write(root, f"{GOOD}{BUS}binary = './no-server'\n")

    refused(booty, root, 5, "no-source", "no-server", "hint: correct binary")


def test_state_folder_cannot_be_made(booty: Any, root: Path) -> None:
    """A file in its place: said by ``up``; commands that only look see that nothing runs."""
    (root / ".booty").write_text("mine\n")
    write(root, GOOD)
    refused(booty, root, 3, "folder-unwritable", ".booty", "state-dir")

    assert (root / ".booty").read_text() == "mine\n"


def test_state_folder_on_a_read_only_place(booty: Any, root: Path) -> None:
    """A file system that takes no folders."""
    write(root, GOOD, head=f'{HEAD}state-dir = "/proc/booty"\n')

    refused(booty, root, 3, "folder-unwritable", "/proc/booty", "state-dir")


def test_somebody_else_is_planning(booty: Any, root: Path) -> None:
    """A second ``up`` while the first plans is told who is at work; afterwards it may."""
    write(root, GOOD)
    (root / ".booty").mkdir()
    with (root / ".booty/plan.lock").open("w") as lock:
        lock.write("pid 1 booty up")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(booty, root, 10, "busy-planning", "pid 1 booty up", "wait")
    booty("up", "-d")

    assert "good.0" in running(booty)


@pytest.mark.parametrize("command", ["down", "restart good", "stop good", "up -d"])
def test_copied_stack(booty: Any, root: Path, command: str) -> None:
    """A copy of a stack's folder is not the stack: no command in it touches what runs."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    said = booty(*command.split(), status=10, cwd=copy).stderr
    after = json.loads(booty("ps", "--json").stdout)["services"]

    assert "copied-stack: " in said
    assert "hint: rm " in said
    assert before == after


def test_copy_of_an_unwatched_stack(booty: Any, root: Path) -> None:
    """Nobody answers for the original, but its programs are not those of the copy."""
    write(root, GOOD)
    booty("up", "-d")
    stack = json.loads((root / ".booty/state/stack.json").read_text())
    for watcher in ("guardian", "supervisor"):
        os.kill(stack[watcher]["pid"], signal.SIGKILL)
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    said = booty("down", status=10, cwd=copy).stderr
    rows = json.loads(booty("ps", "--json").stdout)["services"]

    assert "copied-stack: " in said
    assert [row["state"] for row in rows] == ["ready"]


def test_copy_becomes_a_stack_of_its_own(booty: Any, root: Path) -> None:
    """What the hint says works: the copy starts its own program, the original goes on."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    said = booty("up", "-d", status=10, cwd=copy).stderr
    for file in said.partition("hint: rm ")[2].partition(" to make")[0].split():
        Path(file).unlink()
    booty("up", "-d", cwd=copy)
    own = json.loads(booty("ps", "--json", cwd=copy).stdout)["services"]
    booty("down", cwd=copy)
    after = json.loads(booty("ps", "--json").stdout)["services"]

    assert own[0]["pid"] != before[0]["pid"]
    assert before == after


def test_stack_that_runs_keeps_running(booty: Any, root: Path) -> None:
    """A file that became bad ends nothing of what runs; looking and ``down`` still work."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    write(root, f"{GOOD}[services.x\n")
    said = booty("up", "-d", status=3).stderr
    after = json.loads(booty("ps", "--json").stdout)["services"]
    booty("down")

    assert "toml-syntax: " in said
    assert before == after
    assert running(booty) == []


STATE = ("state/stack.json", "state/instances.jsonl", "state/ports.json", "plans/latest.json")


@pytest.mark.parametrize("file", STATE)
def test_state_is_cut_while_the_stack_runs(booty: Any, root: Path, file: str) -> None:
    """What runs is still seen and taken for what it is, and the file is written anew."""
    write(root, f"{GOOD}ports.http = 0\n")
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    path = root / ".booty" / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    if file == "state/stack.json":
        looked = booty("ps")
        assert f" ready  {before[0]['pid']} " in looked.stdout
        assert "damaged" in looked.stderr
    booty("up", "-d")
    after = json.loads(booty("ps", "--json").stdout)

    assert after["supervisor"] is not None
    assert after["services"] == before
    booty("down")
    assert running(booty) == []


def test_down_with_nobody_watching_and_a_cut_state(booty: Any, root: Path) -> None:
    """What runs is found by its own row, and ended."""
    write(root, GOOD)
    booty("up", "-d")
    path = root / ".booty/state/stack.json"
    stack = json.loads(path.read_text())
    for watcher in ("guardian", "supervisor"):
        os.kill(stack[watcher]["pid"], signal.SIGKILL)
    path.write_text(path.read_text()[:99])

    assert "good.0" in booty("down").stdout
    assert running(booty) == []


@pytest.mark.parametrize("file", STATE)
def test_down_with_a_cut_state(booty: Any, root: Path, file: str) -> None:
    """The stack is ended, whichever file is damaged."""
    write(root, GOOD)
    booty("up", "-d")
    path = root / ".booty" / file
    path.write_bytes(path.read_bytes()[:9])

    assert "good.0    ended well" in booty("down").stdout
    assert running(booty) == []
