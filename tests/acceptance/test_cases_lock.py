"""booty.lock from end to end: other platforms, --frozen, versions that are gone."""

from __future__ import annotations

import json
import subprocess
import tomllib
from typing import Any

from booty import Platform
from conftest_hello import ELSEWHERE, HERE, VERSIONS, Hello, Publisher


def programs(hello: Hello) -> dict[str, Any]:
    """Return what booty.lock says of programs."""
    found: dict[str, Any] = tomllib.loads(hello.lock())["programs"]
    return found


def error(hello: Hello, *words: str, status: int) -> dict[str, Any]:
    """Run a command that fails; returns what it says."""
    done = hello.run(*words, "--json", status=status)
    found: dict[str, Any] = json.loads(done.stdout)["error"]
    return found


def test_other_platforms_are_locked_without_a_download(hello: Hello, publisher: Publisher) -> None:
    """What the sums file says of another platform stands in the lock; nothing of it is fetched."""
    hello.run("lock")
    entry = programs(hello)["hello@0.0.2"][ELSEWHERE]["release"]

    assert entry["trust"] == "publisher's sums file"
    assert entry["url"].endswith(f"hello-0.0.2-{ELSEWHERE}.tar.gz")
    assert len(entry["digest"]) == 64
    assert entry["size"] == 0
    assert not [one for one in publisher.seen if ELSEWHERE in one]


def test_frozen_takes_what_stands_there(hello: Hello) -> None:
    """A locked stack comes up, and neither lock nor anything else is changed."""
    hello.run("lock")
    before = hello.lock()
    hello.run("up", "-d", "--frozen")
    hello.run("fetch", "--frozen")

    assert hello.lock() == before


def test_frozen_refuses_what_is_not_locked(hello: Hello, publisher: Publisher) -> None:
    """Another version in the file, or no lock at all: refused before anything is asked for."""
    for words in (("up", "-d"), ("fetch",), ("lock",)):
        found = error(hello, *words, "--frozen", status=3)
        assert (found["reference"], found["subject"]) == ("lock-drift", "hello@0.0.2")
    assert publisher.seen == []
    assert not (hello.root / "booty.lock").exists()

    hello.run("lock")
    hello.write('[services.main]\nuse = "hello"\nversion = "0.0.1"\n')
    before = hello.lock()
    found = error(hello, "up", "-d", "--frozen", status=3)
    assert "it holds 0.0.2" in found["faults"][0]["message"]
    assert "no service uses it any more" in found["faults"][1]["message"]
    assert hello.lock() == before


def test_frozen_knows_what_another_platform_lacks(hello: Hello) -> None:
    """A lock made elsewhere, by somebody whose source lists this platform not: drift."""
    hello.run("lock")
    text = hello.lock().replace(HERE, "linux-mips")
    (hello.root / "booty.lock").write_text(text)

    found = error(hello, "lock", "--frozen", status=3)
    assert f"it does not hold it for {Platform.current()}" in found["message"]


def test_a_locked_version_that_vanished(hello: Hello, publisher: Publisher) -> None:
    """The publisher took it away: nothing else is taken, and the way out is named."""
    hello.run("lock")
    hello.publisher.files.clear()
    for one in (hello.root.parent / "home/store").glob("hello/*/*/entry.json"):
        one.unlink()

    found = error(hello, "up", "-d", status=5)
    assert "404" in found["message"]
    assert "booty lock --upgrade hello" in found["hint"]


def test_two_who_add_different_things(hello: Hello) -> None:
    """Far apart, version control merges; side by side, booty lock takes both sides."""
    both = "".join(
        f'[services.{name}]\nuse = "hello"\nversion = "{version}"\n'
        for name, version in zip("ab", VERSIONS, strict=True)
    )
    hello.write(both)
    hello.run("lock")
    whole = hello.lock()
    hello.write('[services.a]\nuse = "hello"\n')
    hello.run("lock")
    ours = hello.lock()
    hello.write('[services.a]\nuse = "hello"\nversion = "0.0.1"\n')
    (hello.root / "booty.lock").unlink()
    hello.run("lock")
    theirs = hello.lock()

    hello.write(both)
    for name, text in (("ours", ours), ("base", "format = 1\n"), ("theirs", theirs)):
        (hello.root / name).write_text(text)
    done = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"],
        cwd=hello.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "<<<<<<< ours" in done.stdout
    (hello.root / "booty.lock").write_text(done.stdout)
    found = error(hello, "up", "-d", status=3)
    assert (found["reference"], found["hint"]) == ("lock-unreadable", "booty lock takes both")
    hello.run("lock")
    assert hello.lock() == whole


def test_what_nobody_uses_goes(hello: Hello) -> None:
    """A version left over is drift for --frozen, and dropped by lock."""
    hello.run("lock")
    text = hello.lock()
    more = text[text.index("\n[prog") :].replace("hello@0.0.2", "hello@0.0.1")
    (hello.root / "booty.lock").write_text(text + more)
    error(hello, "lock", "--frozen", status=3)
    hello.run("lock")

    assert hello.lock() == text
