"""The store's own commands: what is there, is it whole, may it go."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest_hello import Hello

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(hello: Hello) -> Path:
    """The home of the stack, which is of hello 0.0.1."""
    write(hello, "0.0.1")
    return hello.root.parent / "home"


def write(hello: Hello, version: str) -> None:
    """Write a stack of one version of hello."""
    hello.write(f'[services.main]\nuse = "hello"\nversion = "{version}"\n', name="shop")


def listed(hello: Hello) -> dict[str, Any]:
    """Return what the store holds, by key."""
    programs = json.loads(hello.run("store", "ls", "--json").stdout)["programs"]
    return {one["key"]: one for one in programs}


def test_what_is_there_and_who_uses_it(hello: Hello, home: Path) -> None:
    """A program is shown with its trust, size, users and last use; both A3 fetches are there."""
    hello.run("fetch", "hello@0.0.1", "hello@0.0.2")
    again = hello.run("fetch", "hello@0.0.1", "hello@0.0.2")
    before = listed(hello)
    hello.run("up", "-d")
    table = hello.run("store", "ls").stdout
    rows = listed(hello)

    assert "fetched in" not in again.stderr
    assert [one["users"] for one in before.values()] == [[], []]
    assert rows["hello@0.0.1"]["users"] == [
        {"stack": "shop", "root": str(hello.root), "running": True}
    ]
    assert rows["hello@0.0.2"]["users"] == []
    assert rows["hello@0.0.1"]["used"] >= before["hello@0.0.1"]["used"]
    assert rows["hello@0.0.1"]["bytes"] > 300
    assert "publisher's sums file" in table
    assert "shop (runs)" in table


def test_one_version_goes_the_other_stays(hello: Hello, home: Path) -> None:
    """A4: what is removed is named; a version that is not there is said to be missing."""
    hello.run("fetch", "hello@0.0.1", "hello@0.0.2")
    done = hello.run("store", "rm", "hello@0.0.1")
    refused = hello.run("store", "rm", "hello@0.0.1", status=3)

    assert "removed: hello@0.0.1" in done.stderr
    assert list(listed(hello)) == ["hello@0.0.2"]
    assert 'not-stored: cannot find "hello@0.0.1"' in refused.stderr


def test_a_used_program_is_not_removed(hello: Hello, home: Path) -> None:
    """A5: refused while it runs, and while a stack names it unless told; then fetched again."""
    hello.run("up", "-d")
    running = hello.run("store", "rm", "hello", "--yes", status=10)
    hello.run("down")
    stopped = hello.run("store", "rm", "hello", status=10)
    hello.run("store", "rm", "hello", "--yes")
    empty = listed(hello)
    back = hello.run("up", "-d")

    assert f'"shop" ({hello.root}) runs it' in running.stderr
    assert "hint: booty --stack shop down first" in running.stderr
    assert "hint: booty store rm --yes hello@0.0.1" in stopped.stderr
    assert empty == {}
    assert "fetched in" in back.stderr


def test_every_byte_is_looked_at(hello: Hello, home: Path) -> None:
    """One flipped bit, one file more, one file less: all told at once, exit status 6."""
    hello.run("fetch", "hello@0.0.1", "hello@0.0.2")
    good = json.loads(hello.run("store", "verify", "--json").stdout)
    (first, second) = sorted((home / "store").glob("hello/*/*/hello-*"))
    data = first / "hello-tool"
    data.chmod(0o755)
    data.write_bytes(data.read_bytes().replace(b"serves", b"serveS"))
    (second / "evil.so").write_bytes(b"x")
    bad = hello.run("store", "verify", status=6)
    one = hello.run("store", "verify", "hello@0.0.2", status=6)

    assert [row["key"] for row in good["verified"]] == ["hello@0.0.1", "hello@0.0.2"]
    assert 'cannot trust "hello@0.0.1": "hello-0.0.1/hello-tool"' in bad.stderr
    assert 'cannot trust "hello@0.0.2": "hello-0.0.2/evil.so" was put' in bad.stderr
    assert "0.0.1" not in one.stderr


def test_a_file_put_beside_a_program_is_noticed(hello: Hello, home: Path) -> None:
    """A library laid beside a checked program keeps it from being started."""
    hello.run("up", "-d")
    hello.run("down")
    next((home / "store").glob("hello/*/*/hello-*")).joinpath("libc.so.6").write_bytes(b"x")

    assert "store-changed" in hello.run("up", "-d", status=6).stderr


def test_only_what_nobody_uses_goes(hello: Hello, home: Path) -> None:
    """Used by the lock, by a saved lock, by the plan that runs: kept; the rest goes when asked."""
    hello.run("up", "-d")
    hello.run("fetch", "hello@0.0.2")
    near = hello.run("store", "gc")
    dry = hello.run("store", "gc", "--dry-run", "--age", "0s")
    unasked = hello.run("store", "gc", "--age", "0s", status=3)
    kept = set(listed(hello))
    hello.run("store", "gc", "--age", "0s", "--yes")
    left = set(listed(hello))
    write(hello, "0.0.2")
    hello.run("lock")  # the plan that runs is of the former one
    hello.run("store", "gc", "--age", "0s", "--yes")

    assert "1 more used a short while ago" in near.stderr
    assert "would go: 1 program" in dry.stderr
    assert "hello@0.0.2" in dry.stdout
    assert "gc-not-confirmed" in unasked.stderr
    assert kept == {"hello@0.0.1", "hello@0.0.2"}
    assert left == {"hello@0.0.1"}
    assert set(listed(hello)) == {"hello@0.0.1", "hello@0.0.2"}


def test_a_saved_lock_keeps_its_programs(hello: Hello, home: Path) -> None:
    """What a rollback would go back to stays."""
    hello.run("up", "-d")
    hello.run("down")
    (saved,) = (hello.root / ".booty/locks").glob("*.lock")
    write(hello, "0.0.2")
    hello.run("lock")
    for plan in (hello.root / ".booty/plans").glob("*.json"):
        plan.unlink()
    hello.run("store", "gc", "--age", "0s", "--yes")
    both = set(listed(hello))
    saved.unlink()
    hello.run("store", "gc", "--age", "0s", "--yes")

    assert both == {"hello@0.0.1", "hello@0.0.2"}
    assert set(listed(hello)) == {"hello@0.0.2"}


def test_a_lock_that_cannot_be_read_stops_it(hello: Hello, home: Path) -> None:
    """Nobody can tell what such a stack uses: nothing is removed."""
    hello.run("up", "-d")
    hello.run("down")
    (hello.root / "booty.lock").write_text("format = 9\n")
    refused = hello.run("store", "gc", "--age", "0s", "--yes", status=3)
    spared = hello.run("store", "rm", "hello", "--yes", status=3)
    hello.run("store", "verify")

    assert "lock-unreadable" in refused.stderr
    assert "lock-unreadable" in spared.stderr
    assert set(listed(hello)) == {"hello@0.0.1"}


def test_what_runs_outside_of_a_stack_is_kept(hello: Hello, home: Path) -> None:
    """A process that nobody else accounts for keeps the program that it runs."""
    hello.run("fetch", "hello@0.0.2")
    tool = next((home / "store").glob("hello/*/*/hello-*/hello"))
    tool.unlink()
    shutil.copy(shutil.which("sleep") or "", tool)
    with subprocess.Popen([tool, "1000"]) as process:
        hello.run("store", "gc", "--age", "0s", "--yes")
        refused = hello.run("store", "rm", "hello", "--yes", status=10)
        process.kill()
    hello.run("store", "gc", "--age", "0s", "--yes")

    assert f'"pid {process.pid}" runs it' in refused.stderr
    assert listed(hello) == {}


def test_leftovers_go_when_nobody_is_at_work(hello: Hello, home: Path) -> None:
    """Half an install and half a download are removed, but not under somebody's hands."""
    hello.run("fetch", "hello@0.0.1")
    entry = next((home / "store").glob("hello/*/*"))
    half, part = entry.parent / f".new-{entry.name}-x1", home / "cache/downloads/tool.part"
    half.mkdir()
    (half / "tool").write_bytes(bytes(100))
    part.write_bytes(bytes(100))
    lock = home / "store/.locks/get-hello@0.0.1"
    with subprocess.Popen(
        ["python3", "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        hello.run("store", "gc", "--yes")
        busy = half.exists() and part.exists()
        holder.communicate()
    said = json.loads(hello.run("store", "gc", "--yes", "--json").stdout)

    assert busy
    assert sorted(said["leftovers"]) == sorted([str(half), str(part)])
    assert said["bytes"] == 200
    assert not half.exists()
    assert not part.exists()
    hello.run("store", "verify")


def test_killed_in_the_midst_of_a_removal(hello: Hello, home: Path) -> None:
    """A folder without its record, as a killed removal leaves it, is no program; made anew."""
    hello.run("fetch", "hello@0.0.1")
    entry = next((home / "store").glob("hello/*/*"))
    (entry / "entry.json").unlink()
    gone = listed(hello)
    begin = time.time()
    hello.run("fetch", "hello@0.0.1")

    assert gone == {}
    assert (entry / "entry.json").stat().st_mtime >= begin - 1


def test_carried_to_another_home(hello: Hello, home: Path, tmp_path: Path) -> None:
    """Exported and imported: the same bytes, read-only; a second time changes nothing."""
    hello.run("lock")
    hello.run("fetch", "hello@0.0.2")
    first = json.loads(hello.run("store", "export", "one.tar", "--json").stdout)
    second = json.loads(hello.run("store", "export", "two.tar", "--json").stdout)
    hello.env["BOOTY_HOME"] = str(tmp_path / "other")
    done = hello.run("store", "import", "one.tar")
    again = hello.run("store", "import", "one.tar")
    hello.publisher.files.clear()
    hello.run("up", "-d", "--frozen")
    rows = listed(hello)

    assert first["sha256"] == second["sha256"]
    assert "imported: hello@0.0.1, hello@0.0.2" in done.stderr
    assert "imported: nothing, 2 were there" in again.stderr
    assert rows["hello@0.0.1"]["trust"] == "imported: publisher's sums file"
    assert list((tmp_path / "other/store").glob(".import-*")) == []
    program = next((tmp_path / "other/store").glob("hello/0.0.1/*/hello-*/hello"))
    assert program.stat().st_mode & 0o777 == 0o555


@pytest.mark.parametrize("what", ["a byte", "a program", "the record", "a path", "cut", "no tar"])
def test_a_bad_export_is_refused(hello: Hello, home: Path, tmp_path: Path, what: str) -> None:
    """Whatever is wrong with the file: refused in one sentence, and nothing of it is kept."""
    hello.run("lock")
    hello.run("store", "export", "one.tar")
    file = hello.root / "one.tar"
    data = file.read_bytes()
    changes = {
        "a byte": (b'"hello 0.0.1 serves"', b'"hello 0.0.1 servez"'),
        "a program": (b"hello-0.0.1/hello-tool\0", b"hello-0.0.1/hello-evil\0"),
        "the record": (b'"files": {', b'"filez": {'),
        "a path": (b'"program": "hello"', b'"program": "../..'),
        "cut": (data[len(data) // 2 :], b""),
        "no tar": (data, b"PK\3\4"),
    }
    old, new = changes[what]
    assert old in data
    file.write_bytes(data.replace(old, new))
    hello.env["BOOTY_HOME"] = str(tmp_path / "other")
    done = hello.run("store", "import", "one.tar", status=5 if what in {"cut", "no tar"} else 6)

    assert "unexpected:" not in done.stderr
    assert "hint: " in done.stderr
    assert listed(hello) == {}
    assert list((tmp_path / "other/store").glob(".import-*")) == []
