"""Programs out of wheels, from an index of the user's own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import ArtifactWish, Component, Wheel
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Progress, Store, ensure
from booty.model.plan import Artifact
from conftest_fetch import HERE, SCRIPT, Publisher, zipped

METADATA = b"Metadata-Version: 2.1\nName: tool-bin\nVersion: %s\nRequires-Python: >=3.99\n"
TAGS = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: py3-none-any\n"


def wheel(version: str) -> bytes:
    """Return a wheel with the tool, for a Python that does not exist yet."""
    info = f"tool_bin-{version}.dist-info"
    return zipped(
        {
            "tool_bin/tool": SCRIPT,
            f"{info}/METADATA": METADATA % version.encode(),
            f"{info}/WHEEL": TAGS,
            f"{info}/RECORD": b"",
        }
    )


@pytest.fixture
def index(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """A private index with two builds of the program, known from pip's own setting."""
    links = ""
    for version in ("1.2.3.1", "1.2.3.2"):
        name = f"tool_bin-{version}-py3-none-any.whl"
        publisher.files[f"/files/{name}"] = wheel(version)
        links += f'<a href="/files/{name}">{name}</a>'
    publisher.files["/simple/tool-bin/"] = f"<!DOCTYPE html><html>{links}</html>".encode()
    publisher.kind = "text/html"
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("PIP_TARGET", "/nowhere")
    return publisher


def wish(build: str = "1.2.3.1", **more: Any) -> ArtifactWish:
    """Return a wish for the tool out of a wheel."""
    digests = {
        f"{one}/{HERE}": hashlib.sha256(wheel(one)).hexdigest() for one in ("1.2.3.1", "1.2.3.2")
    }
    fields = {"digests": digests, "platforms": {str(HERE): ("any",)}, **more}
    source = Wheel(
        distribution="tool-bin",
        releases={"1.2.3": build},
        member="tool_bin/tool",
        python="3.99",
        **fields,
    )
    component = Component(id="tool", program="tool", versions=("1.2.3",), sources=(source,))
    return ArtifactWish(key="tool@1.2.3", component=component, version="1.2.3")


def get(store: Store, asked: ArtifactWish, lock: Lock | None = None) -> tuple[Artifact, Lock]:
    """Fetch, and check what came."""
    found, after = ensure([asked], platform=HERE, lock=lock or Lock(), store=store)
    store.check(found["tool@1.2.3"])
    return found["tool@1.2.3"], after


def test_a_private_index_serves(index: Publisher, store: Store) -> None:
    """The user's own index is asked, as pip is set; whatever Python runs booty."""
    artifact, lock = get(store, wish())

    assert (store.root / artifact.path / "tool_bin/tool").read_bytes() == SCRIPT
    assert artifact.url == "pypi:tool-bin==1.2.3.1#tool_bin-1.2.3.1-py3-none-any.whl"
    assert index.url not in lock.text()
    assert not list((store.root.parent / "cache" / "downloads").iterdir())


def test_the_locked_build_stays(index: Publisher, store: Store) -> None:
    """A newer provider knows a newer build: what is locked is what comes."""
    first, lock = get(store, wish())
    store.remove(first)
    again, after = get(store, wish("1.2.3.2"), lock)

    assert again == first
    assert after == lock


def test_another_file_than_recorded(index: Publisher, store: Store) -> None:
    """An index that gives another file: exit 6, nothing kept, no other source tried."""
    other = wish("1.2.3.2").component.sources[0]
    asked = wish(digests={f"1.2.3.1/{HERE}": "0" * 64})
    sources = (*asked.component.sources, evolve(other, name="other"))
    asked = evolve(asked, component=evolve(asked.component, sources=sources))

    with pytest.raises(VerifyError) as caught:
        get(store, asked)
    assert caught.value.status == 6
    assert store.list() == []
    assert not list((store.root.parent / "cache" / "downloads").iterdir())


def test_an_index_without_it(index: Publisher, store: Store) -> None:
    """A build that the index does not have is refused in pip's own words."""
    told: list[Progress] = []
    asked = wish("1.2.3.9", digests={f"1.2.3.9/{HERE}": "0" * 64})

    with pytest.raises(FetchError, match=r"found for tool-bin==1\.2\.3\.9"):
        ensure([asked], platform=HERE, lock=Lock(), store=store, tell=told.append)
    assert [one.phase for one in told][-1] == "refused"


def test_nothing_vouches(index: Publisher, store: Store) -> None:
    """A build whose digest nobody recorded is not even asked for."""
    with pytest.raises(FetchError, match="nothing vouches"):
        get(store, wish(digests={}))
    assert index.seen == []


def test_what_a_killed_one_left_goes(index: Publisher, store: Store, tmp_path: Path) -> None:
    """A folder that a killed download left is removed by the next."""
    left = store.root.parent / "cache" / "downloads" / "wheel-tool@1.2.3-killed"
    left.mkdir(parents=True)
    (left / "half.whl").write_text("x")
    get(store, wish())

    assert not left.exists()


@pytest.mark.parametrize("how", ["unasked", "accepted", "locked"])
def test_a_withdrawn_build(index: Publisher, store: Store, how: str) -> None:
    """Refused unless it is accepted, or locked already; then a warning says why it was."""
    page = index.files["/simple/tool-bin/"].replace(b'.whl">', b'.whl" data-yanked="broken">')
    index.files["/simple/tool-bin/"] = page
    told: list[Progress] = []
    asked, lock = wish(), Lock()
    if how == "locked":
        got = get(store, evolve(asked, accepted=True))
        store.remove(got[0])
        lock = got[1]
    if how == "unasked":
        with pytest.raises(FetchError, match="has withdrawn it: broken") as caught:
            get(store, asked)
        assert "--accept NAME" in str(caught.value.hint)
        assert store.list() == []
        return
    asked = evolve(asked, accepted=how == "accepted")
    ensure([asked], platform=HERE, lock=lock, store=store, tell=told.append)
    assert [one.note for one in told if one.phase == "warning"] == [
        "its publisher has withdrawn it: broken"
    ]
