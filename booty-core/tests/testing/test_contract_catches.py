"""The kit would have caught it: for each test of the contract, a provider that fails it.

Every provider here is the good one with one thing made wrong. It must fail the test that is named,
that test alone unless said otherwise, with words that tell its author what is wrong.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import pytest
from booty.testing import ProviderContract

GOOD = """
import json
from attrs import frozen
from booty import (
    Change, Component, File, Health, Interface, Launch, OnPath, Port, Probe, Release, SecretNeed,
    hookimpl,
)
BOOTY_API = 1
URL = "https://example.org/{version}/x-{os}-{arch}.tar.gz"
SUMS = "https://example.org/{version}/SHA256SUMS"
@frozen(kw_only=True)
class Settings:
    label: str = ""
@hookimpl
def components():
    return [Component(
        id="NAME", program="x", versions=("1.0.0",),
        sources=(Release(url=URL, member="x", sums=SUMS),),
        ports=(Port("main", 7400, "http"),),
        offers=(Interface(name="NAME", port="main"),),
        settings=Settings,
        secrets=(SecretNeed(name="password", per="consumer"),),
        ready=Probe(http="main/healthz"),
        reload_signal="HUP",
        changes={"consumers": Change.RELOAD, "settings.label": Change.NONE},
        clients={"NAME": "json:dumps"},
    )]
@hookimpl
def configure(instance):
    main = instance.endpoints["main"]
    path = f"{instance.dirs.config}/x.json"
    users = {one.name: one.secrets["password"] for one in instance.consumers}
    text = json.dumps({"bind": main.bind, "port": main.port, "users": users,
        "label": getattr(instance.settings, "label", "")})
    return Launch(argv=(instance.program, "-c", path), files={path: File(text)})
@hookimpl
async def health(instance):
    import anyio
    main = instance.endpoints["main"]
    try:
        async with await anyio.connect_tcp(main.host, main.port) as link:
            await link.receive()
    except (OSError, anyio.EndOfStream) as error:
        return Health(alive=False, ready=False, good=False, reason=str(error))
    return Health(alive=True, ready=True, good=True)
"""
LAUNCH = "return Launch(argv=(instance.program"
LOOK = "    import anyio\n    main"


def wrong(test: str, *changes: tuple[str, str], **more: Any) -> Any:
    """Return a parameter: the test that must fail, and what is made wrong."""
    return pytest.param(test, changes, more, id=f"{test[5:]}: {changes[0][1]}".strip()[:70])


LAUNCHES = f"env = dict(A=WORD); {LAUNCH}"


def told(word: str) -> tuple[tuple[str, str], ...]:
    """Return the changes that give the program one variable more."""
    return ((LAUNCH, LAUNCHES.replace("WORD", word)), ("File(text)})", "File(text)}, env=env)"))


RELEASE = 'Release(url=URL, member="x", sums=SUMS)'


def source(text: str) -> tuple[str, str]:
    """Return the change that gives the component another source."""
    return (RELEASE, f"__import__('booty').{text}")


DECLARED = [
    wrong("test_provider_loads", ("BOOTY_API = 1", "BOOTY_API = 2"), says="speaks API 2"),
    wrong("test_provider_loads", ('id="NAME"', 'id="other"'), says='"other" does not begin'),
    wrong("test_provider_loads", ("reload_signal", "reload_sig"), says="reload_sig"),
    wrong(
        "test_provider_loads",
        source('GoInstall(module="e.org/x", ldflags=("{commit}",))'),
        says='"{commit}" is no template over {version} {release}',
    ),
    wrong("test_provider_loads", ('"main/healthz"', '"web/healthz"'), says='port "web/healthz"'),
    wrong("test_import_is_light", ("import json\n", "import json, asyncio\n"), says='"asyncio"'),
    wrong("test_versions_are_exact", ('("1.0.0",)', '(">=1",)'), says='">=1" is no exact'),
    wrong("test_versions_are_exact", ('("1.0.0",)', "()"), says="sources and no versions"),
    wrong("test_sources_are_safe", ('URL = "https', 'URL = "http'), says='"http://example.org'),
    wrong("test_sources_are_safe", ('SUMS = "https', 'SUMS = "http'), says="SHA256SUMS"),
    wrong("test_sources_are_vouched_for", (", sums=SUMS", ""), says='"1.0.0/darwin-arm64"'),
    wrong(
        "test_sources_are_vouched_for",
        (", sums=SUMS", ', digests={"1.0.0/linux-amd64": 64 * "0", "1.0.0/linux-arm64": 64 * "0"}'),
        says='"1.0.0/darwin-arm64"',
    ),
    *(
        wrong("test_sources_can_be_asked", source(text), says=says)
        for text, says in (
            ('GoInstall(module="e.org/x", tag="{version}")', "begins with no v"),
            ('GoInstall(module="e.org/x", packages=("e.org/xy",))', '"e.org/xy" is not in'),
            ('GoInstall(module="e.org/x", replaces={"e.org/y": "../y"})', "names no version"),
            ('Deb(packages=(), member="usr/bin/x")', "names no package"),
            ('Deb(packages=("x",), member="x", version_pattern="1")', "has no group"),
        )
    ),
    wrong("test_readiness_is_declared", ('ready=Probe(http="main/healthz"),', ""), says='"ready"'),
    wrong(
        "test_settings_have_defaults",
        ('label: str = ""', "label: str"),
        says='"label" has no default',
        service='settings = { label = "a" }',
    ),
    wrong("test_changes_are_classed", ("settings.label", "settings.name"), says='"settings.name"'),
    wrong("test_changes_are_classed", ("settings.label", "setting"), says='names "setting"'),
    wrong("test_client_commands_can_be_found", ("json:dumps", "json:dump_it"), says="dump_it"),
    wrong("test_client_commands_can_be_found", ("json:dumps", "json"), says='it has no ":"'),
]
CONFIGURED = [
    wrong("test_service_can_be_planned", ("(text)}", "(text, mode=0o644)}"), says="lets others"),
    wrong("test_service_can_be_planned", ("{instance.dirs.config}", "/etc"), says='"/etc/x.json"'),
    wrong("test_service_can_be_planned", ('"-c", path', "users['user']"), says="into an argument"),
    wrong("test_service_can_be_planned", ('points["main"]', 'points["web"]'), says="_module.py:"),
    wrong(
        "test_service_can_be_planned",
        ('label: str = ""', "label: str"),
        says='without "label"',
        also=("test_settings_have_defaults",),
    ),
    wrong(
        "test_plan_is_the_same_twice",
        *told("str(__import__('time').monotonic_ns())"),
        says="launch.env.A",
        also=("test_new_consumer_restarts_nobody",),
    ),
    wrong(
        "test_configure_touches_nothing",
        (LAUNCH, f"open('/dev/null').close(); {LAUNCH}"),
        says="open /dev/null",
    ),
    wrong(
        "test_settings_are_used",
        ('getattr(instance.settings, "label", "")', "''"),
        says="ignored",
    ),
    wrong(
        "test_settings_are_used",
        (LAUNCH, f"if instance.settings.label:\n        raise ValueError\n    {LAUNCH}"),
        says="\"label\": no value was found that it takes: not 'other'",
    ),
    wrong("test_given_ports_are_used", ('"port": main.port', '"port": 7400'), says="port 8400"),
    wrong("test_bind_is_obeyed", ('"bind": main.bind', '"bind": "127.0.0.1"'), says="127.0.0.77"),
    wrong("test_nothing_listens_everywhere", *told("'0.0.0.0'"), says='"0.0.0.0"'),
    wrong("test_no_secret_is_a_literal", *told("'s3Cr3t' * 8"), says='"s3Cr3t…"'),
    wrong("test_only_given_secrets_are_used", *told("'@{booty:secret:other#1}'"), says='"other"'),
    wrong(
        "test_new_consumer_restarts_nobody",
        ('"consumers": Change.RELOAD, ', ""),
        says='"it.0": restart when somebody begins to use it',
    ),
    wrong(
        "test_hooks_keep_their_deadlines",
        (LOOK, f"    __import__('select').select([], [], [], 4.8)\n{LOOK}"),
        says='hook "health" blocks',
    ),
    wrong(
        "test_health_tells_of_a_dead_server",
        ("except (OSError,", "except (KeyError,"),
        says="health of a dead server: cannot run hook",
    ),
    wrong(
        "test_health_tells_of_a_dead_server",
        ("alive=False, ready=False, good=False", "alive=True, good=True"),
        says="calls a dead server good",
    ),
]
LIFE = [
    wrong(
        "test_life",
        ('http="main/healthz"', 'http="main/healthz", status=(299,)'),
        says="waiting for http",
    ),
    wrong("test_life", ('http="main/healthz"', 'log="^ready to serve"'), says="log_line"),
    wrong("test_arguments_arrive", ('"-c", path', '"-c", "${ports.main}"'), says="${ports.main}"),
    wrong(
        "test_never_ready_is_cleaned_up",
        ('http="main/healthz"', 'exec=("true",)'),
        says="says nothing counts as ready",
    ),
    wrong(
        "test_early_end_is_told",
        ('program="x", v', 'program="x", kind="task", exit_codes=(0, 3), v'),
        says="no failed start",
    ),
]
REAL = {
    "exits": ("trap 'exit 3' TERM", "test_life", '"it.0" ended with code 3'),
    "deaf": ("trap '' TERM", "test_life", '"it.0" was killed'),
    "wipes": ('rm -rf "$1"/kept', "test_restart_keeps_data", "is gone after a restart"),
    "leaks": ("true", "test_real_program", "leaves a socket open"),
}
PROGRAM = """
import contextlib, socket
from booty import Component, Launch, OnPath, Probe, hookimpl
BOOTY_API = 1
@hookimpl
def components():
    own = OnPath(binary="/bin/sh", version_args=("-c", "echo 1.0"))
    return [Component(id="NAME", program="sh", versions=("1.0",), sources=(own,), grace=0.2,
        ready=Probe(log="serving"))]
@hookimpl
def configure(instance):
    script = '''DOES; echo serving; while :; do sleep 0.01; done'''
    return Launch(argv=(instance.program, "-c", script, "x", instance.dirs.data))
KEPT = []
@hookimpl
@contextlib.asynccontextmanager
async def client(instance):
    KEPT.append(socket.socket())
    yield KEPT
"""


def no_test(self: object) -> None:
    """Stands in the place of a test of the contract."""


class Kit:
    """Plays the contract against a provider that a test wrote."""

    def __init__(self, place: Path, name: str) -> None:
        self.place = place
        self.name = name
        self.fields: dict[str, Any] = {"provider": name, "patience": 0.5}

    def install(self, text: str) -> None:
        """Install the provider as pip would leave it."""
        (self.place / f"{self.name}_module.py").write_text(text.replace("NAME", self.name))
        info = self.place / f"{self.name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {self.name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[booty]\n{self.name} = {self.name}_module\n")

    def play(self, test: str) -> str:
        """Run one test; returns what it says when it fails, "skipped", or nothing."""
        contract: Any = type("TestIt", (ProviderContract,), self.fields)()
        place = self.place / test
        place.mkdir()
        method = getattr(contract, test)
        try:
            method(**({"tmp_path": place} if inspect.signature(method).parameters else {}))
        except pytest.skip.Exception:
            return "skipped"
        except (pytest.fail.Exception, AssertionError) as error:
            return str(error)
        return ""

    def failing(self, tests: list[str]) -> dict[str, str]:
        """Run some tests; returns what those that fail say."""
        said = {test: self.play(test) for test in tests}
        return {test: words for test, words in said.items() if words not in {"", "skipped"}}


NUMBERS = iter(range(1000))


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_home: Path) -> Kit:
    """A kit whose provider has a name and a module of its own."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("BOOTY_HOME", str(shared_home))
    monkeypatch.syspath_prepend(str(tmp_path))
    return Kit(tmp_path, f"mine{next(NUMBERS)}")


ALL = sorted(name for name in dir(ProviderContract) if name.startswith("test_"))
STARTING = [
    "test_arguments_arrive", "test_deaf_program_is_killed_and_told", "test_early_end_is_told",
    "test_life", "test_never_ready_is_cleaned_up", "test_real_program", "test_restart_keeps_data",
    "test_stop_twice", "test_stop_while_starting",
]  # fmt: skip
LOOKING = [name for name in ALL if name not in STARTING]


def test_the_good_one_passes(kit: Kit) -> None:
    """All of it, so that what fails below fails for its own reason."""
    kit.install(GOOD)
    kit.fields["patience"] = ProviderContract.patience

    assert kit.failing(ALL) == {}


ROLES = """
from booty import Need, Role
@hookimpl
def expand(service):
    return (
        Role(component="NAME/back", name="back", replicas=2),
        Role(component="NAME", name="front", needs=(Need(role="back", of="quorum"),)),
    )
"""
BACK = """    )] + [Component(id="NAME/back", program="x", versions=("1.0.0",),
        sources=(OnPath(),), ports=(Port("main", 7500),), ready=Probe(notify=True),
        changes={"consumers": Change.RELOAD}, reload_signal="HUP")]
"""


def test_a_good_one_with_roles_passes(kit: Kit) -> None:
    """The contract holds for every process of a service that is more than one."""
    kit.install(GOOD.replace("    )]\n", BACK) + ROLES)
    kit.fields["patience"] = ProviderContract.patience

    assert kit.failing(ALL) == {}


def changed(changes: tuple[tuple[str, str], ...]) -> str:
    """Return the good provider with some things made wrong."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(("test", "changes", "more"), DECLARED + CONFIGURED)
def test_what_is_wrong_is_told(kit: Kit, test: str, changes: Any, more: dict[str, Any]) -> None:
    """By the one test whose matter it is, with what is wrong and a hint."""
    kit.install(changed(changes))
    kit.fields["service"] = more.get("service", "")
    failing = kit.failing(LOOKING)

    assert sorted(failing) == sorted({test, *more.get("also", ())})
    assert more["says"] in failing[test]
    assert "\nhint: " in failing[test]


@pytest.mark.parametrize(("test", "changes", "more"), LIFE)
def test_what_is_wrong_in_life_is_told(
    kit: Kit, test: str, changes: Any, more: dict[str, Any]
) -> None:
    """By the test that starts a stand-in for it."""
    kit.install(changed(changes))
    said = kit.play(test)

    assert more["says"] in said
    assert "\nhint: " in said


@pytest.mark.parametrize("kind", REAL)
def test_what_only_the_real_program_shows(kit: Kit, kind: str) -> None:
    """The same tests with the program itself."""
    does, test, words = REAL[kind]
    kit.install(PROGRAM.replace("DOES", does))
    kit.fields["real"] = True
    said = kit.play(test)

    assert words in said
    assert "\nhint: " in said


def test_a_test_cannot_be_replaced_in_silence(kit: Kit) -> None:
    """But it may be marked as one that is known to fail, with a reason."""
    test = "test_no_contract_test_is_overridden"
    kit.install(GOOD)
    kit.fields["test_life"] = no_test
    replaced = kit.play(test)
    (kit.place / test).rmdir()
    kit.fields["test_life"] = pytest.mark.xfail(no_test)
    unexplained = kit.play(test)
    (kit.place / test).rmdir()
    kit.fields["test_life"] = pytest.mark.xfail(reason="it has no life")(no_test)

    assert '"test_life"' in replaced
    assert '"test_life"' in unexplained
    assert "\nhint: " in replaced
    assert kit.play(test) == ""


def test_every_test_can_fail() -> None:
    """Each has a provider here that fails it, but for those that only core itself could fail."""
    of_core = {
        "test_deaf_program_is_killed_and_told", "test_plan_survives_json", "test_stop_twice",
        "test_stop_while_starting",
    }  # fmt: skip
    caught = {one.values[0] for one in (*DECLARED, *CONFIGURED, *LIFE)}
    caught |= {test for _, test, _ in REAL.values()} | {"test_no_contract_test_is_overridden"}

    assert caught | of_core == set(ALL)
