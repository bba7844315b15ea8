"""No key is ignored: each changes the plan, is seen elsewhere, or is refused as not built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import plan
from booty.config.keys import TABLES
from booty.config.sources import GO_KEYS, RELEASE_KEYS, WHEEL_KEYS

BASE = """
[services.bus]
use = "bus"
{bus}
[services.db]
use = "db"
{db}
[services.safe]
{safe}
[services.far]
use = "external"
{far}
[services.m]
use = "program"
{m}
"""
PLAIN = {
    "bus": 'settings = { label = "x" }',
    "db": "",
    "safe": 'use = "safe/vault"',
    "far": 'offers = "mysql"\nurl = "mysql://far:1"',
    "m": 'run = ["./m"]\nports = { http = 8080 }\nsecrets = { S = "secret://s" }',
}
PROBE = "ready = {{ {} = {} }}"
SEEN: dict[str, tuple[str, str]] = {
    "use": ("safe", 'use = "safe/bao"'),
    "version": ("bus", 'version = "2.14"'),
    "binary": ("bus", 'binary = "bin/mine"'),
    "replicas": ("m", "replicas = 2"),
    "enabled": ("m", "enabled = false"),
    "critical": ("m", "critical = true"),
    "kind": ("m", 'kind = "task"'),
    "ports": ("m", "ports = { http = 8080, more = 0 }"),
    "bind": ("m", 'bind = "0.0.0.0"'),
    "settings": ("bus", 'settings = { label = "y" }'),
    "config": ("bus", "config = { a = 1 }"),
    "roles": ("db", "roles = { kv = { replicas = 5 } }"),
    "run": ("m", 'run = "./m | ./n"'),
    "cwd": ("m", 'cwd = "sub"'),
    "env": ("m", 'env = { A = "1" }'),
    "env-file": ("m", 'env-file = "x.env"'),
    "pass-env": ("m", 'pass-env = ["TERM"]'),
    "secrets": ("m", 'secrets = { T = "secret://s" }'),
    "secrets-as": ("m", 'secrets-as = "file"'),
    "ready": ("m", "ready = { notify = true }"),
    "ready-timeout": ("m", 'ready-timeout = "7s"'),
    "live": ("m", 'live = { file = "x" }'),
    "needs": ("m", 'needs = ["bus"]'),
    "restart": ("m", 'restart = "always"'),
    "backoff": ("m", 'backoff = { next = "7s" }'),
    "reload": ("m", 'reload = { signal = "HUP" }'),
    "watch": ("m", 'watch = ["src/*"]'),
    "stop-signal": ("m", 'stop-signal = "INT"'),
    "grace": ("m", 'grace = "7s"'),
    "exit-codes": ("m", "exit-codes = [7]"),
    "limits": ("m", "limits = { nofile = 7 }"),
    "umask": ("m", 'umask = "027"'),
    "stdin": ("m", 'stdin = "in.txt"'),
    "labels": ("m", 'labels = { a = "b" }'),
    "log": ("m", 'log = { size = "1MiB" }'),
    "log.size": ("m", 'log = { size = "1MiB" }'),
    "log.age": ("m", 'log = { age = "1d" }'),
    "log.keep": ("m", "log = { keep = 1 }"),
    "offers": ("far", 'offers = "s3"'),
    "url": ("far", 'url = "mysql://far:2"'),
    "ports.port": ("m", "ports = { http = { port = 8090 } }"),
    "ports.scheme": ("m", 'ports = { http = { port = 8080, scheme = "https" } }'),
    "ports.protocol": ("m", 'ports = { http = { port = 8080, protocol = "udp" } }'),
    "ports.socket": ("m", "ports = { http = { port = 8080, socket = true } }"),
    "needs.service": ("m", 'needs = [{ service = "bus" }]'),
    "needs.until": ("m", 'needs = [{ service = "bus", until = "good" }]'),
    "needs.of": ("m", 'needs = [{ service = "bus", of = "any" }]'),
    "needs.restart": ("m", 'needs = [{ service = "bus", restart = true }]'),
    "ready.tcp": ("m", PROBE.format("tcp", '"http"')),
    "ready.http": ("m", PROBE.format("http", '"http/x"')),
    "ready.log": ("m", PROBE.format("log", '"up"')),
    "ready.exec": ("m", PROBE.format("exec", '"true"')),
    "ready.file": ("m", PROBE.format("file", '"x"')),
    "ready.notify": ("m", PROBE.format("notify", "true")),
    "ready.first-bytes": ("m", 'ready = { tcp = "http", first-bytes = "INFO" }'),
    "ready.status": ("m", 'ready = { http = "http/x", status = 204 }'),
    "ready.body": ("m", 'ready = { http = "http/x", body = "ok" }'),
    "ready.timeout": ("m", 'ready = { tcp = "http", timeout = "7s" }'),
    "live.interval": ("m", 'live = { tcp = "http", interval = "7s" }'),
    "live.failures": ("m", 'live = { tcp = "http", failures = 7 }'),
    "backoff.next": ("m", 'backoff = { next = "7s" }'),
    "backoff.factor": ("m", "backoff = { factor = 7 }"),
    "backoff.max": ("m", 'backoff = { max = "7s" }'),
    "backoff.reset": ("m", 'backoff = { reset = "7s" }'),
    "backoff.give-up": ("m", "backoff = { give-up = 7 }"),
    "reload.signal": ("m", 'reload = { signal = "USR1" }'),
    "reload.exec": ("m", 'reload = { exec = "true" }'),
    **{f"limits.{one}": ("m", f"limits = {{ {one} = 7 }}")
       for one in ("nofile", "nproc", "core", "memlock", "as", "fsize")},
    "roles.ROLE.replicas": ("db", "roles = { kv = { replicas = 5 } }"),
    "roles.ROLE.config": ("db", "roles = { kv = { config = { a = 1 } } }"),
    "roles.ROLE.ports": ("db", "roles = { kv = { ports = { client = 3000 } } }"),
    "roles.ROLE.env": ("db", 'roles = { kv = { env = { A = "1" } } }'),
    "roles.ROLE.limits": ("db", "roles = { kv = { limits = { nofile = 7 } } }"),
    "roles.ROLE.grace": ("db", 'roles = { kv = { grace = "7s" } }'),
}  # fmt: skip
"""Keys of services by their path: a service of the base, and a line that must make a difference."""
ELSEWHERE = {
    "engine": "plan/test_roles.py::test_engine_chooses_the_component",
    "source": "plan/test_keys.py::test_source_is_pinned",
    **dict.fromkeys(
        ["source.release", *(f"source.release.{name}" for name in RELEASE_KEYS)],
        "plan/test_sourced.py::test_what_a_provider_can_say_of_a_release",
    ),
    **dict.fromkeys(
        ["source.wheel", *(f"source.wheel.{name}" for name in WHEEL_KEYS)],
        "plan/test_sourced.py::test_what_a_provider_can_say_of_a_wheel",
    ),
    **dict.fromkeys(
        ["source.go", *(f"source.go.{name}" for name in GO_KEYS)],
        "plan/test_sourced.py::test_what_a_provider_can_say_of_a_module",
    ),
    "source.path": "plan/test_sourced.py::test_a_file_of_ones_own",
    **dict.fromkeys(
        ["source.url", "source.sha256", "source.member"],
        "plan/test_sourced.py::test_an_address_with_a_digest",
    ),
    "source.older-on-newer": "plan/test_sourced.py::test_older_on_newer",
    "ports.exact": "plan/test_ports.py::test_exact_and_busy",
    "roles.ROLE.settings": "plan/test_keys.py::test_settings_of_a_role",
    "File.stack": "config/test_reading.py::test_keys_of_the_stack",
    "File.include": "config/test_layers.py::test_include",
    "File.defaults": "config/test_layers.py::test_defaults",
    "File.services": "config/test_reading.py::test_keys_of_a_service",
    "File.profiles": "config/test_layers.py::test_profile",
    "stack.format": "config/test_reading.py::test_keys_of_the_stack",
    "stack.name": "config/test_reading.py::test_keys_of_the_stack",
    "stack.lifetime": "config/test_layers.py::test_precedence",
    "stack.requires": "config/test_reading.py::test_required_version",
    "stack.state-dir": "config/test_reading.py::test_keys_of_the_stack",
    "stack.mirrors": "config/test_layers.py::test_users_own_file",
    "stack.tokens": "config/test_layers.py::test_users_own_file",
    "stack.secrets": "config/test_reading.py::test_other_backends_are_not_built",
    "profile.stack": "config/test_layers.py::test_profile",
    "profile.defaults": "config/test_layers.py::test_profile",
    "profile.services": "config/test_layers.py::test_profile",
    "user.mirrors": "config/test_layers.py::test_users_own_file",
    "user.tokens": "config/test_layers.py::test_users_own_file",
    "user.secrets": "config/test_reading.py::test_other_backends_are_not_built",
}
"""Keys that no run sheet shows, and the test that shows them."""
PREFIXES = {
    "The file": "File.",
    "`[stack]`": "stack.",
    "`[services.NAME]` and `[defaults]`": "",
    "`[profiles.NAME]`": "profile.",
    "The user's own `config.toml`": "user.",
}


def _text(**changes: str) -> str:
    # a line takes the place of the one that gives the same key
    parts = dict(PLAIN)
    for name, line in changes.items():
        key = line.partition(" ")[0]
        kept = [one for one in parts[name].splitlines() if one.partition(" ")[0] != key]
        parts[name] = "\n".join([*kept, line])
    return BASE.format(**parts)


def _sheet(world: Any, text: str) -> Any:
    if 'x.env"' in text:
        files = {"x.env": "digest"}
        world.machine = evolve(world.machine, files=files, names={"x.env": ("B",)})
    world.machine = evolve(world.machine, env={"TERM": "dumb"})
    made = world.plan(text)
    data = json.loads(plan.to_json(made))
    return _bare([plan.sheet(made)[0]["instances"], data["services"], data["levels"]])


def _bare(data: Any) -> Any:
    # a digest may differ for a key that nobody acts upon
    if isinstance(data, dict):
        return {key: _bare(one) for key, one in data.items() if key not in {"inputs", "digest"}}
    return [_bare(one) for one in data] if isinstance(data, list) else data


def test_every_key_is_here() -> None:
    """Each key of booty.toml stands in exactly one of the two tables; no other does."""
    known = {
        PREFIXES.get(title, title.strip("`").replace(".NAME", "") + ".") + name
        for title, _, keys in TABLES
        for name in keys
    }

    assert {*SEEN, *ELSEWHERE} == known
    assert len(SEEN) + len(ELSEWHERE) == len(known)


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_the_test_is_there(test: str) -> None:
    """A key that is shown elsewhere is shown there."""
    file, _, name = test.partition("::")

    assert f"def {name}(" in (Path(__file__).parent.parent / file).read_text()


@pytest.mark.parametrize("key", SEEN)
def test_key_makes_a_difference(world: Any, key: str) -> None:
    """What is written with the key is planned otherwise than without."""
    service, line = SEEN[key]

    assert _sheet(world, _text(**{service: line})) != _sheet(world, _text())


def test_source_is_pinned(world: Any) -> None:
    """The name of a source goes along with the wish for the program."""
    spec = world.spec('[services.bus]\nuse = "bus"\nsource = "wheel"')

    assert [one.source for one in plan.resolve(spec, world.providers, {})] == ["wheel"]


def test_settings_of_a_role(world: Any) -> None:
    """Settings of a role are read by its component, which has none here."""
    fault = world.fault('[services.db]\nuse = "db"\n[services.db.roles.kv]\nsettings = { a = 1 }')

    assert fault.reference == "no-settings"
