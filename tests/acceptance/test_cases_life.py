"""Cases B16 to B20, B22, B25 and B27: what happens while a stack lives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from conftest_acceptance_provider import install
from conftest_cases import CHAIN, ORDER, Case, fake, shell
from test_cases_stop import kept, put

DIES = 'echo . >> tries; echo up; sleep 0.2; echo "try $(wc -l < tries)"; exit 7'
"""Gets ready, and then ends with code 7."""


def test_b16_a_critical_service_is_lost(case: Case) -> None:
    """Name, code, the last ten lines and where the rest is; all is stopped; status 11."""
    dies = fake("b", ORDER.format("a"), "critical = true", 'restart = "never"',
                after=1, code=7, lines=12)  # fmt: skip
    case.write(fake("a") + dies)
    with case.follow("up") as up:
        assert up.end() == 11
    shown = [f"line {number} of b" for number in range(12) if f"| line {number} of b" in up.said]

    assert "critical-lost: " in up.said
    assert '"b.0"' in up.said
    assert "code 7" in up.said
    assert shown[-10:] == [f"line {number} of b" for number in range(2, 12)]
    assert up.said.index("last lines of b.0") < up.said.index("critical-lost")
    assert ".booty/logs/b.0.log" in up.said
    assert case.notes()[-2:] == ["a SIGTERM", "a bye"]
    assert case.left() == []


def test_b17_another_service_is_lost(case: Case) -> None:
    """It is told, the rest runs, and ``ps`` shows how it ended."""
    case.write(fake("a") + fake("b", 'restart = "never"', after=1, code=7))
    with case.follow("up") as up:
        up.until("b.0 failed.*code 7")
        rows = case.ps()
        shown = case.run("ps").stdout
        up.type(b"\x03")
        assert up.end() == 0

    assert rows["a.0"]["state"] == "ready"
    assert (rows["b.0"]["state"], rows["b.0"]["exit"]["code"]) == ("failed", 7)
    (line,) = (line for line in shown.splitlines() if line.startswith("b "))
    assert "failed" in line
    assert "code 7" in line


def test_b18_restarts_grow_rarer_and_end(case: Case) -> None:
    """It becomes ready and dies, again and again: growing pauses, then given up with its story."""
    more = ('ready = { log = "up" }',
            'backoff = { next = "200ms", factor = 4, give-up = 3 }')  # fmt: skip
    case.write(fake("a") + shell("b", DIES, *more))
    with case.follow("up") as up:
        up.until("b.0 failed")
        up.type(b"\x03")
        assert up.end() == 0
    pauses = [
        float(event["detail"]["reason"].partition("restarted in ")[2].split()[0])
        for event in case.events("state")
        if event["detail"]["to"] == "backoff"
    ]

    assert pauses == sorted(pauses)
    assert len(set(pauses)) == len(pauses) == 2
    assert (case.root / "tries").read_text().split() == ["."] * 4
    assert "code 7" in up.said
    assert "| try 4" in up.said


def test_b19_never_ready_is_told_by_its_check(case: Case) -> None:
    """After its time the check is named, the rest is stopped, status 8."""
    never = fake("b", ORDER.format("a"), 'ready-timeout = "1s"', slow=100)
    case.write(fake("a") + never)
    with case.follow("up") as up:
        assert up.end() == 8

    assert "/health" in up.said
    assert '"b.0"' in up.said
    assert case.notes()[-4:-2] == ["b SIGTERM", "b bye"]
    assert case.notes()[-2:] == ["a SIGTERM", "a bye"]
    assert case.left() == []


def test_b20_down_and_up_keep_data_ports_versions(case: Case) -> None:
    """What was written is there again, at the same address, under the same plan."""
    case.write(CHAIN)
    case.run("up", "-d")
    put(case, "b.0", "word")
    before = {name: (row["ports"], row["component"]) for name, row in case.ps().items()}
    plan = case.run("plan", "--json").stdout
    case.run("down")
    case.run("up", "-d")

    assert kept(case, "b.0") == ["word"]
    assert {name: (row["ports"], row["component"]) for name, row in case.ps().items()} == before
    assert (
        json.loads(case.run("plan", "--json").stdout)["instances"] == json.loads(plan)["instances"]
    )


def test_b22_a_hundred_looks_change_nothing(case: Case) -> None:
    """Commands that look write nothing, however often."""
    case.write(fake("a"))
    case.run("up", "-d")
    put(case, "a.0", "word")

    def seen() -> dict[str, tuple[int, str]]:
        # the supervisor notes when logs have grown, whoever looks meanwhile
        files = [file for file in case.state.rglob("*") if file.is_file() and file.name != "marks"]
        return {
            str(file): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
            for file in files
        }

    before = seen()
    looks = [["ps"], ["ls"], ["describe", "a"], ["ps", "--json"], ["logs", "a"]] * 20
    for _ in range(0, len(looks), 4):
        some = [case.start(*looks.pop()) for _ in range(4)]
        assert [(one.communicate(), one.returncode)[1] for one in some] == [0] * 4

    assert looks == []
    assert seen() == before


PROVIDER = """
from booty import Component, File, Launch, OnPath, Port, hookimpl
BOOTY_API = 1

@hookimpl
def components():
    return [Component(id="conf", program="sleep", versions=("1",),
                      sources=(OnPath(version_args=()),),
                      replicas=(1, 2), ports=(Port("main", 7500, "tcp"),))]

@hookimpl
def configure(instance):
    own = instance.config | {"port": instance.endpoints["main"].port}
    lines = "".join(f"{key} = {value}\\n" for key, value in sorted(own.items()))
    files = {f"{instance.dirs.config}/conf": File(lines)}
    return Launch(argv=(instance.program, "1000"), files=files)
"""


def test_b25_the_users_file_is_left_as_it_is(case: Case, tmp_path: Path) -> None:
    """Two instances from one configuration of the user: his file is the same, theirs differ."""
    own = case.root / "conf.toml"
    own.write_text('[services.s]\nuse = "conf"\nreplicas = 2\n[services.s.config]\ndepth = 7\n')
    before = own.read_bytes()
    case.root.joinpath("booty.toml").write_text(
        'include = "conf.toml"\n[stack]\nformat = 1\nname = "t"\n'
    )
    case.env["PYTHONPATH"] = install(tmp_path / "packages", "conf", PROVIDER)
    case.run("up", "-d")
    files = [(case.state / f"config/s.{number}/conf").read_text() for number in range(2)]

    assert own.read_bytes() == before
    assert files[0] != files[1]
    assert ["depth = 7" in text for text in files] == [True, True]


def test_b27_a_detached_start_that_fails(case: Case) -> None:
    """The starter shows the same report as in the foreground, and no process is left."""
    case.write(fake("a") + shell("b", "echo alas; exit 7", ORDER.format("a")))
    detached = case.run("up", "-d", status=7)
    with case.follow("up", terminal=False) as up:
        assert up.end() == 7

    def report(said: str) -> str:
        return said[said.index("last lines of b.0") :]

    assert report(detached.stderr) == report(up.said)
    assert "| alas" in detached.stderr
    assert "code 7" in detached.stderr
    assert case.left() == []
