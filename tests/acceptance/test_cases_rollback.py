"""Back to the versions that ran before, and what stands against it."""

from __future__ import annotations

import json

from conftest_hello import PROVIDER, VERSIONS, Hello
from test_cases_program import OWN

DATA = '[services.main]\nuse = "hello"\n'
TWO = DATA + DATA.replace("main", "other")
ABLE = PROVIDER.replace("sources=(release,)", "sources=(release,), older_on_newer=True")

ABLE_OWN = "[services.main.source]\nolder-on-newer = true"


def moved(hello: Hello, text: str) -> None:
    """Bring a stack up with the older version, then with the newer one."""
    hello.provide(VERSIONS[1:], text)
    hello.run("up", "-d")
    hello.provide(VERSIONS, text)
    hello.run("lock", "--upgrade")
    hello.run("up", "-d")
    assert "hello 0.0.2 serves" in hello.run("logs").stdout


def test_back_and_forth(hello: Hello) -> None:
    """The former lock comes back, what runs follows it, and a second rollback goes forward."""
    moved(hello, ABLE)
    newer = hello.lock()
    pid = hello.pids()["main.0"]
    done = hello.run("rollback")
    assert "hello: 0.0.2 -> 0.0.1" in done.stderr
    assert "hello@0.0.1" in hello.lock()
    assert "hello@0.0.2" not in hello.lock()
    assert hello.pids()["main.0"] != pid
    assert "hello 0.0.1 serves" in hello.run("logs", "-n", "1").stdout

    hello.run("down")
    said = hello.run("rollback", "main").stderr
    assert "hello: 0.0.1 -> 0.0.2" in said
    assert "nothing runs: booty up starts it" in said
    assert hello.lock() == newer
    assert len(list((hello.state / "locks").iterdir())) == 3


def test_no_older_program_on_newer_data(hello: Hello) -> None:
    """A program that cannot read newer data is not put back: nothing has changed."""
    moved(hello, PROVIDER)
    before, pids = hello.lock(), hello.pids()
    found = json.loads(hello.run("rollback", "--json", status=10).stdout)["error"]
    assert (found["reference"], found["status"]) == ("older-program", 10)
    assert (hello.lock(), hello.pids()) == (before, pids)

    hello.run("down")
    hello.run("rollback", status=10)
    assert hello.lock() == before


def test_where_there_is_nothing_to_go_back_to(hello: Hello) -> None:
    """Never ready with other versions, or the file asks for another one: said, nothing written."""
    hello.run("up", "-d")
    hello.run("up", "-d", "--replan")
    found = json.loads(hello.run("rollback", "--json", status=3).stdout)["error"]
    assert found["reference"] == "no-former-lock"
    assert len(list((hello.state / "locks").iterdir())) == 1

    hello.write(DATA + 'version = "0.0.1"\n')
    hello.run("lock")
    before = hello.lock()
    found = json.loads(hello.run("rollback", "main", "--json", status=3).stdout)["error"]
    assert found["reference"] == "rollback-unfit"
    assert found["hint"] == 'write version = "0.0.2", or leave version out'
    assert hello.lock() == before


def test_a_program_of_ones_own(hello: Hello) -> None:
    """What the file pins is not overruled: the message says what to write."""
    for version in reversed(VERSIONS):
        hello.write(OWN.format(version=version))
        hello.run("up", "-d")
    found = json.loads(hello.run("rollback", "main", "--json", status=3).stdout)["error"]
    assert (found["reference"], found["hint"]) == ("rollback-unfit", 'write version = "0.0.1"')

    hello.write(OWN.format(version="0.0.1"))
    assert "written by 0.0.2" in hello.run("up", "-d", status=10).stderr
    able = OWN.replace(
        "[services.main.source.release]", f"{ABLE_OWN}\n[services.main.source.release]"
    )
    hello.write(able.format(version="0.0.1"))
    hello.run("up", "-d")
    assert "hello 0.0.1 serves" in hello.run("logs", "-n", "1", "main").stdout
