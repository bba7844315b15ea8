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
ASK = """
import json, sys
from booty import providers
from booty.errors import BootyError
try:
    print(json.dumps({"ok": CALL}))
except BootyError as error:
    print(json.dumps(error.to_data() | {"cause": type(error.__cause__).__name__}))
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


def ask(place: Path, call: str) -> dict[str, object]:
    """Evaluate an expression over ``providers`` where the folder's packages are installed."""
    env = os.environ | {"PYTHONPATH": str(place)}
    code = ASK.replace("CALL", call)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
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
        (GOOD.replace("BOOTY_API = 1", "BOOTY_API = 0"), "provider-api", "mine is too old"),
        (GOOD.replace("BOOTY_API = 1", ""), "provider-api", "states no BOOTY_API"),
        ("import sys; sys.exit(3)", "provider-broken", "SystemExit"),
        (GOOD.replace("return", "yield 1 / 0\n    return"), "hook-failed", "ZeroDivisionError"),
        (GOOD.replace("[Component", "['x', Component"), "provider-component", '"str"'),
        (GOOD.replace('"x")]', '"x")] * 2'), "provider-component", "declared twice"),
        (GOOD + "@hookimpl\ndef configur(instance): pass\n", "provider-hook", "configur"),
        (GOOD + "@hookimpl\ndef configure(instanze): pass\n", "provider-hook", "instanze"),
        (GOOD.replace('id="{name}"', 'id="other"'), "provider-component", "other"),
        (GOOD.replace("[Component", "[][:0] and [Component"), "provider-component", "no component"),
        (GOOD.replace("BOOTY_API = 1", "BOOTY_API = '1'"), "provider-api", "its BOOTY_API is '1'"),
    ],
    ids=[
        "import",
        "newer",
        "older",
        "no number",
        "exits",
        "generator",
        "no component",
        "twice",
        "hook",
        "argument",
        "id",
        "nothing",
        "text",
    ],
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


FIELDS = (
    ('versions="1.0"', 'versions is of type "str", not "tuple[str, ...]"'),
    ('grace="5s"', 'grace is of type "str", not "float"'),
    ('changes={"version": "reload"}', 'changes.version is of type "str", not "Change"'),
    ("settings=5", 'settings is of type "int"'),
    ("settings=int", 'settings "int" is no attrs class'),
    ('kind="server"', 'kind "server" is none of service, task'),
    ('stop_signal="SIGTERM"', 'stop_signal "SIGTERM" is no signal'),
    ("stop_after_ready=True", "stop_after_ready says nothing without ready"),
    ('log_time="%H:%M"', 'log_time "%H:%M" cannot be read by: it has no year'),
    ('wants=(Want(link="needs", interface="x"),)', 'the key "needs" belongs to core'),
    ('wants=(Want(link="My Bus", interface="x"),)', '"My Bus" is no key'),
    ('resources=(Resource(key="env", entry=Probe),)', 'the key "env" belongs to core'),
    ('resources=(Resource(key="bags", entry=int),)', 'the entry of resource "bags"'),
    ('ports=(Port("a"), Port("a"))', 'the port "a" is declared twice'),
    ('offers=(Interface(name="x", port="a"),)', 'interface "x" names the port "a"'),
    ('metrics=(Metrics(port="a"),)', 'metrics names the port "a"'),
    ('ready=Probe(tcp="a")', 'ready looks at the port "a", which is not declared'),
    ("ready=Probe()", "ready is exactly one of"),
    ('live=Probe(log="x", file="/x")', "and not log, file"),
    ('ready=Probe(log="(")', 'ready has a pattern that is none, "("'),
    ('secrets=(SecretNeed(name="p", kind="pin"),)', 'kind "pin" is none of'),
    ('secrets=(SecretNeed(name="p", per="user"),)', 'per "user" is none of'),
    ('secrets=(SecretNeed(name="p", forms=("rot13",)),)', 'form "rot13" is none of'),
    ('secrets=(SecretNeed(name="p", when="tls"),)', 'when "tls" is no field'),
)


@pytest.mark.parametrize(("field", "words"), FIELDS, ids=[field for field, _ in FIELDS])
def test_what_is_declared_is_looked_at(tmp_path: Path, field: str, words: str) -> None:
    """What would crash, be ignored or wait for ever later is refused when it is loaded."""
    text = GOOD.replace('program="x"', f'program="x", {field}').replace("{name}", "mine")
    install(tmp_path, "mine", text.replace("import Component,", "import *\nfrom booty import"))
    found = load(tmp_path, "mine")

    assert found["reference"] == "provider-component"
    assert words in str(found["message"])


def test_what_it_prints_is_no_answer(tmp_path: Path) -> None:
    """The stdout of a command is its own: a provider that prints does not spoil it."""
    install(tmp_path, "mine", GOOD.format(name="mine") + "print('hello')\n")

    assert load(tmp_path, "mine")["ids"] == ["mine"]


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


def test_three_claim_one_name(tmp_path: Path) -> None:
    """All of them are named; the others are listed and can be used."""
    for distribution in ("one", "two", "three"):
        install(tmp_path, "mine", GOOD.format(name="mine"), distribution)
    install(tmp_path, "other", GOOD.format(name="other"))
    message = str(load(tmp_path, "mine")["message"])

    assert all(f'"booty-provider-{one}"' in message for one in ("one", "two", "three"))
    assert load(tmp_path, "other")["ids"] == ["other"]


def test_a_damaged_distribution_takes_nobody_along(tmp_path: Path) -> None:
    """Metadata that cannot be read hides its own entry points and nothing else."""
    install(tmp_path, "mine", GOOD.format(name="mine"))
    info = tmp_path / "damaged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: damaged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[booty]\nno equals sign\n")

    assert load(tmp_path, "mine")["ids"] == ["mine"]
    assert ask(tmp_path, "sorted(providers.installed())")["ok"] == sorted(
        {"mine", "program", "external", *_ours(tmp_path)}
    )


def _ours(place: Path) -> list[str]:
    # what the environment of the tests has beside the built-in ones
    empty = place / "empty"
    empty.mkdir()
    found = ask(empty, "sorted(providers.installed())")["ok"]
    assert isinstance(found, list)
    return found


def test_listing_imports_nobody(tmp_path: Path) -> None:
    """Providers, commands and drivers are listed by name; a broken one is not even touched."""
    install(tmp_path, "mine", "raise RuntimeError('imported')")
    extra = "[booty.commands]\nmine = mine_module:command\n[booty.drivers]\nmine = mine_module:d\n"
    with (tmp_path / "mine-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write(extra)
    call = """[providers.installed()["mine"].version, list(providers.commands()),
        "mine" in providers.drivers(), "mine_module" in sys.modules]"""

    assert ask(tmp_path, call)["ok"] == ["1.0", ["mine"], True, False]


def test_only_the_owner_is_imported(tmp_path: Path) -> None:
    """Loading one provider leaves the modules of the others alone."""
    install(tmp_path, "mine", GOOD.format(name="mine"))
    install(tmp_path, "other", "raise RuntimeError('imported')")
    call = '[list(providers.load("mine").components), "other_module" in sys.modules]'

    assert ask(tmp_path, call)["ok"] == [["mine"], False]


HOOKS = (
    GOOD
    + """
from booty import ConfigError
@hookimpl
def configure(instance):
    if instance == "ours":
        raise ConfigError("cannot do it", reference="ours", hint="try")
    raise KeyError(instance)
@hookimpl
async def stop(instance):
    return None
@hookimpl
def expand(service):
    return service and [service]
@hookimpl
def preflight(services):
    yield from services
@hookimpl
def fetch(wish):
    raise SystemExit(3)
"""
)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ('.call("configure", instance="ours")', ("ours", "cannot do it")),
        (
            '.call("configure", instance="x")',
            ("hook-failed", 'hook "configure" of provider "mine"'),
        ),
        ('.call("fetch", wish=1)', ("hook-failed", 'hook "fetch" of provider "mine": SystemExit')),
        ('.call("expand", service=5)', ("hook-answer", '[0] is of type "int", not "Role"')),
        ('.call("preflight", services=[5])', ("hook-answer", 'is of type "int", not "Problem"')),
        ('.call("preflight", services=5)', ("hook-failed", "TypeError")),
    ],
)
def test_what_a_hook_raises(tmp_path: Path, call: str, answer: tuple[str, str]) -> None:
    """Our exceptions pass; others become a fault that names provider and verb."""
    install(tmp_path, "mine", HOOKS.format(name="mine"))
    found = ask(tmp_path, f'providers.load("mine"){call}')

    assert found["reference"] == answer[0]
    assert answer[1] in str(found["message"])


def test_verbs_that_are_not_there_and_awaitables(tmp_path: Path) -> None:
    """A verb without implementation answers nothing; an awaitable comes back as it is."""
    install(tmp_path, "mine", HOOKS.format(name="mine"))
    call = """(lambda mine: [sorted(mine.hooks), mine.call("drain", instance=1),
        (lambda made: [type(made).__name__, made.close()])(mine.call("stop", instance=1))])(
        providers.load("mine"))"""

    assert ask(tmp_path, call)["ok"] == [
        ["components", "configure", "expand", "fetch", "preflight", "stop"],
        None,
        ["coroutine", None],
    ]


TWO = """
from booty import Component, hookimpl
BOOTY_API = 1
@hookimpl
def components():
    return [Component(id=id, program="x") for id in ("mine/server", "mine/proxy")]
"""


def test_components_by_use(tmp_path: Path) -> None:
    """A full id, or the bare name of a provider with one component; else the nearest is named."""
    install(tmp_path, "mine", TWO)
    install(tmp_path, "solo", GOOD.format(name="solo").replace('id="solo"', 'id="solo/it"'))
    full = ask(tmp_path, 'providers.component("mine/proxy")[1].id')
    bare = ask(tmp_path, 'providers.component("solo")[1].id')
    wrong = ask(tmp_path, 'providers.component("mine/sever")')

    assert (full["ok"], bare["ok"]) == ("mine/proxy", "solo/it")
    assert (wrong["status"], wrong["reference"]) == (3, "component-missing")
    assert wrong["hint"] == 'did you mean "mine/server"? it has mine/server, mine/proxy'
