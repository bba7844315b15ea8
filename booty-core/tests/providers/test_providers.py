"""Providers as somebody else would install them: good, broken, misspelt, twice, too old."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from booty import Component, hookimpl
BOOTY_API = 1
@hookimpl
def components():
    return [Component(id="{name}", program="x")]
"""
CODE = """
import json, sys
from booty import providers
from booty.errors import BootyError
try:
    loaded = providers.load(sys.argv[1])
    print(json.dumps({"ids": list(loaded.components), "hooks": sorted(loaded.hooks)}))
except BootyError as error:
    print(json.dumps(error.to_data()))
"""


def install(place: Path, name: str, text: str, distribution: str | None = None) -> None:
    """Make a distribution with one provider, as pip would leave it."""
    module = f"{(distribution or name).replace('-', '_')}_module"
    (place / f"{module}.py").write_text(text)
    info = place / f"{distribution or name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: booty-provider-{distribution or name}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[booty]\n{name} = {module}\n")


def load(place: Path, name: str) -> dict[str, object]:
    """Load a provider in a process that sees what is installed in a folder."""
    env = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, name], env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_good_one_is_loaded(tmp_path: Path) -> None:
    """A module with a component and its API number is all it takes."""
    install(tmp_path, "mine", GOOD.format(name="mine"))

    assert load(tmp_path, "mine") == {"ids": ["mine"], "hooks": ["components"]}


@pytest.mark.parametrize(
    ("text", "reference", "word"),
    [
        ("import nothing_like_that", "provider-broken", "nothing_like_that"),
        (GOOD.replace("BOOTY_API = 1", "BOOTY_API = 9"), "provider-api", "booty is too old"),
        (GOOD.replace("BOOTY_API = 1", ""), "provider-api", "API None"),
        (GOOD + "@hookimpl\ndef configur(instance): pass\n", "provider-hook", "configur"),
        (GOOD + "@hookimpl\ndef configure(instanze): pass\n", "provider-hook", "instanze"),
        (GOOD.replace('id="{name}"', 'id="other"'), "provider-component", "other"),
    ],
    ids=["import", "newer", "no number", "hook", "argument", "id"],
)
def test_a_bad_one_fails_with_a_sentence(
    tmp_path: Path, text: str, reference: str, word: str
) -> None:
    """Each fault has its reference, names what is wrong, and says what to do."""
    install(tmp_path, "mine", text.replace("{name}", "mine"))
    found = load(tmp_path, "mine")

    assert found["reference"] == reference
    assert word in str(found["message"])
    assert found["hint"]


def test_one_that_is_not_installed(tmp_path: Path) -> None:
    """The hint is what to install."""
    assert "pip install booty-provider-tidb" in str(load(tmp_path, "tidb")["hint"])


def test_a_name_claimed_twice(tmp_path: Path) -> None:
    """Two distributions with one name: an error that names both."""
    install(tmp_path, "mine", GOOD.format(name="mine"), "one")
    install(tmp_path, "mine", GOOD.format(name="mine"), "two")
    found = load(tmp_path, "mine")

    assert found["reference"] == "provider-twice"
    assert "booty-provider-one" in str(found["message"])
    assert "booty-provider-two" in str(found["message"])
