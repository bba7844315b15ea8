"""Newer versions, and those that were taken back: lock --upgrade, fetch --explain, --accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest_hello import VERSIONS, WHEEL, Hello, Publisher


def told(hello: Hello, *words: str, status: int = 0) -> dict[str, Any]:
    """Run a command; returns its JSON."""
    found: dict[str, Any] = json.loads(hello.run(*words, "--json", status=status).stdout)
    return found


def everything(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_upgrade_shows_old_and_new(hello: Hello, publisher: Publisher) -> None:
    """A newer tested version comes only when it is asked for; both are shown with dates."""
    for version, day in zip(VERSIONS, ("Wed, 25 Nov 2026", "Thu, 01 Oct 2026"), strict=True):
        publisher.dates[publisher.path(version)] = f"{day} 10:00:00 GMT"
    hello.provide(VERSIONS[1:])
    hello.run("lock")
    hello.provide(VERSIONS)
    hello.run("lock")
    assert "hello@0.0.1" in hello.lock()
    assert "hello@0.0.2" not in hello.lock()

    (move,) = told(hello, "lock", "--upgrade", "main")["programs"]
    trust = "publisher's sums file"
    assert move["old"] == {"version": "0.0.1", "published": "2026-10-01", "trust": trust}
    assert move["new"] == {"version": "0.0.2", "published": "2026-11-25", "trust": trust}
    assert "hello@0.0.1" not in hello.lock()
    again = hello.run("lock", "--upgrade")
    assert "the same" in again.stdout
    assert "is as it was" in again.stderr


def test_upgrade_passes_over_what_is_gone(hello: Hello, publisher: Publisher) -> None:
    """The newest is not there, the locked one has vanished: both are said."""
    hello.provide(("0.0.3", *VERSIONS))
    hello.write('[services.main]\nuse = "hello"\nversion = "0.0.1"\n')
    hello.run("lock")
    hello.write()
    del publisher.files[publisher.path("0.0.1")]

    (move,) = told(hello, "lock", "--upgrade")["programs"]
    assert move["new"]["version"] == "0.0.2"
    assert move["notes"] == [
        "0.0.3 is passed over: no source has it",
        "0.0.1 has vanished from release: the server says 404",
    ]


def test_explain_touches_nothing(hello: Hello, publisher: Publisher) -> None:
    """Before and after a fetch: every source, what vouches, its size, which one is taken."""
    size = len(publisher.files[publisher.path("0.0.2")])
    before = everything(hello.root.parent)
    (one,) = told(hello, "fetch", "--explain")["sources"]
    assert everything(hello.root.parent) == before
    assert (one["program"], one["source"], one["size"]) == ("hello@0.0.2", "release", size)
    assert (one["can"], one["taken"], one["stored"], one["locked"]) == (True, True, False, False)
    assert one["trust"] == "publisher's sums file"
    assert [word for word in publisher.seen if not word.startswith("HEAD")] == []

    hello.run("fetch")
    publisher.files.clear()
    (one,) = told(hello, "fetch", "--explain")["sources"]
    assert (one["can"], one["taken"], one["stored"], one["locked"]) == (False, True, True, True)
    assert one["why"] == "the server says 404"
    (other,) = told(hello, "fetch", "hello@0.0.1", "--explain")["sources"]
    assert (other["can"], other["taken"]) == (False, False)


def test_a12_yanked_versions(hello: Hello, publisher: Publisher) -> None:
    """A12: latest skips a yanked version; an exact one is taken only by who accepts it."""
    hello.provide(VERSIONS, WHEEL)
    hello.env["PIP_INDEX_URL"] = publisher.index({"0.0.1": None, "0.0.2": "eats data"})
    (move,) = told(hello, "lock", "--upgrade")["programs"]
    assert move["new"]["version"] == "0.0.1"
    assert move["notes"] == ["0.0.2 is passed over: withdrawn: eats data"]
    assert hello.stored() == ["0.0.1"]

    found = told(hello, "fetch", "hello@0.0.2", status=5)["error"]
    assert "its publisher has withdrawn it: eats data" in found["message"]
    assert "--accept NAME takes this one" in found["hint"]
    done = hello.run("fetch", "hello@0.0.2", "--accept", "hello")
    assert "warning: hello@0.0.2: its publisher has withdrawn it: eats data" in done.stderr
    assert hello.stored() == ["0.0.1", "0.0.2"]
