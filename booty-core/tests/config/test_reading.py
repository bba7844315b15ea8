"""booty.toml to typed values, strictly, with every fault at its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from booty.config import keys, units
from booty.config.tables import NotYet
from booty.errors import ConfigError
from booty.model.component import Probe
from booty.model.stack import Backoff, LogPolicy, NeedSpec, PortSpec, Reload, RoleSpec

HEAD = '[services.a]\nuse = "nats"\n'
PROGRAM = '[services.a]\nuse = "program"\nrun = ["./a"]\n'
READ: dict[str, tuple[str, Any]] = {
    "use": ('use = "tidb/pd"', "tidb/pd"),
    "version": ('version = ">=2.14,<3"', ">=2.14,<3"),
    "engine": ('engine = "minio"', "minio"),
    "source": ('source = "release"', "release"),
    "binary": ('binary = "./nats-server"', "./nats-server"),
    "replicas": ("replicas = 3", 3),
    "enabled": ("enabled = false", False),
    "critical": ("critical = true", True),
    "kind": ('kind = "task"', "task"),
    "ports": (
        'ports = { client = 0, web = { port = 80, exact = true, scheme = "http" } }',
        {"client": PortSpec(port=0), "web": PortSpec(port=80, exact=True, scheme="http")},
    ),
    "bind": ('bind = "0.0.0.0"', "0.0.0.0"),
    "settings": ('settings = { max-payload = "8MiB" }', {"max-payload": "8MiB"}),
    "config": ("config = { a = { b = [1, true] } }", {"a": {"b": [1, True]}}),
    "roles": (
        'roles = { kv = { replicas = 3, grace = "1s" } }',
        {"kv": RoleSpec(replicas=3, grace=1.0)},
    ),
    "run": ('run = ["./a", "-x"]', ("./a", "-x")),
    "cwd": ('cwd = "sub"', "sub"),
    "env": ('env = { A = "${env.B:-c}" }', {"A": "${env.B:-c}"}),
    "env-file": ('env-file = ".env"', (".env",)),
    "pass-env": ('pass-env = ["TERM"]', ("TERM",)),
    "secrets": ('secrets = { K = "secret://k" }', {"K": "secret://k"}),
    "secrets-as": ('secrets-as = "file"', "file"),
    "ready": (
        'ready = { http = "http/x", status = [200, 204], body = "ok", timeout = "1s" }',
        Probe(http="http/x", status=(200, 204), body="ok", timeout=1.0),
    ),
    "ready-timeout": ('ready-timeout = "1m30s"', 90.0),
    "live": (
        'live = { exec = "true", interval = "250ms", failures = 2 }',
        Probe(exec=("/bin/sh", "-c", "true"), interval=0.25, failures=2),
    ),
    "needs": (
        'needs = ["b", { service = "b", until = "good", of = "quorum", restart = true }]',
        (NeedSpec(service="b"), NeedSpec(service="b", until="good", of="quorum", restart=True)),
    ),
    "restart": ('restart = "never"', "never"),
    "backoff": (
        'backoff = { next = "1s", factor = 1.5, max = "1m", reset = "1h", give-up = 3 }',
        Backoff(next=1.0, factor=1.5, max=60.0, reset=3600.0, give_up=3),
    ),
    "log": ('log = { size = "1MiB", age = "1d" }', LogPolicy(size=1 << 20, age=86400.0)),
    "reload": ('reload = { signal = "HUP" }', Reload(signal="HUP")),
    "watch": ('watch = ["src/**"]', ("src/**",)),
    "stop-signal": ('stop-signal = "INT"', "INT"),
    "grace": ('grace = "0"', 0.0),
    "exit-codes": ("exit-codes = [0, 3, -15]", (0, 3, -15)),
    "limits": (
        'limits = { nofile = 7, core = "1kB", as = 9 }',
        {"nofile": 7, "core": 1000, "as": 9},
    ),
    "umask": ('umask = "027"', "027"),
    "stdin": ('stdin = "in.txt"', "in.txt"),
    "labels": ('labels = { team = "core" }', {"team": "core"}),
    "offers": ('use = "external"\nurl = "mysql://a:1"\noffers = "mysql"', "mysql"),
    "url": ('use = "external"\nurl = "secret://a"', "secret://a"),
}
WRONG = {
    "use": "1",
    "version": "2.15",
    "engine": '"No Name"',
    "source": "true",
    "binary": '""',
    "replicas": "0",
    "enabled": '"yes"',
    "critical": "1",
    "kind": '"job"',
    "ports": "{ web = 65536 }",
    "bind": "0",
    "settings": "1",
    "config": '"x"',
    "roles": "{ kv = { cwd = 'x' } }",
    "run": "[]",
    "cwd": "1",
    "env": "{ A = 1 }",
    "env-file": "[1]",
    "pass-env": '["A B"]',
    "secrets": '{ K = "value" }',
    "secrets-as": '"memory"',
    "ready": '{ tcp = "a:1", http = "b" }',
    "ready-timeout": '"soon"',
    "live": "{ interval = '1s' }",
    "needs": '[{ service = "b", until = "later" }]',
    "restart": '"sometimes"',
    "backoff": "{ factor = 0.5 }",
    "reload": '{ signal = "HUP", exec = "x" }',
    "stop-signal": '"SIGNAL"',
    "grace": "10",
    "exit-codes": "[256]",
    "watch": "3",
    "limits": '{ nofile = "many" }',
    "umask": "22",
    "stdin": "[]",
    "labels": "{ a = 1 }",
    "log": "{ size = true }",
    "offers": '"S 3"',
    "url": '"nowhere"',
}


def test_every_key_is_tried() -> None:
    """Each key that is built is read, and each key is tried with a value that does not do."""
    built = {name for name, key in keys.SERVICE_KEYS.items() if not isinstance(key.kind, NotYet)}

    assert set(READ) == built
    assert set(WRONG) == set(keys.SERVICE_KEYS)


@pytest.mark.parametrize("key", READ)
def test_keys_of_a_service(files: Any, key: str) -> None:
    """Each key of a service becomes the typed value that its noun holds."""
    text, expected = READ[key]
    use = "" if "use =" in text else 'use = "nats"\n'
    use = 'use = "program"\n' if key == "run" else use
    spec = files.load(f'[services.b]\nuse = "nats"\n[services.a]\n{use}{text}\n')

    assert getattr(spec.services["a"], key.replace("-", "_")) == expected


@pytest.mark.parametrize("key", WRONG)
def test_value_that_does_not_do(files: Any, key: str) -> None:
    """A wrong value is told with its key, its file and its line."""
    use = "" if key == "use" else 'use = "nats"\n'
    found = files.faults(f'[services.b]\nuse = "nats"\n[services.a]\n{use}{key} = {WRONG[key]}\n')
    line = 5 if use else 4
    own = [one for one in found if (one.subject or "").startswith(f"services.a.{key}")]

    assert own, found
    assert f"(booty.toml:{line})" in own[0].message
    assert own[0].status == 3
    assert own[0].message.startswith("cannot ")
    assert own[0].hint


def test_a_script_of_several_lines(files: Any) -> None:
    """A string for the shell may be a script; an empty one is none."""
    head = '[services.a]\nuse = "program"\n'
    run = files.load(f"{head}run = '''\necho a\necho b\n'''\n").services["a"].run
    ready = files.load(f'{head}run = "a"\nready.exec = """\na\nb\n"""\n').services["a"].ready

    assert run == "echo a\necho b\n"
    assert ready.exec == ("/bin/sh", "-c", "a\nb\n")
    assert [one.subject for one in files.faults(f'{head}run = "\\n "\n')] == ["services.a.run"]


def test_keys_of_the_stack(files: Any) -> None:
    """The keys of ``[stack]``; without them the label is the folder's, the state beside it."""
    bare = files.load("")
    spec = files.load(
        '[stack]\nformat = 1\nname = "web"\nlifetime = "die-with-me"\nstate-dir = "../state"\n'
        'requires = ">=0.4"\nsecrets = "file"\nmirrors = { "*" = "https://m.example" }\n'
    )

    assert (bare.name, bare.state_dir) == ("shop", str(files.root / ".booty"))
    assert (spec.name, spec.lifetime, spec.secrets) == ("web", "die-with-me", "file")
    assert spec.state_dir == str(files.root.parent / "state")
    assert spec.mirrors == {"*": "https://m.example"}


@pytest.mark.parametrize(
    ("line", "reference"),
    [
        ("format = 2", "format-unknown"),
        ('requires = ">=99"', "version-required"),
        ('requires = "~~1"', "bad-value"),
    ],
)
def test_required_version(files: Any, line: str, reference: str) -> None:
    """A file for another booty says which one."""
    assert files.fault(f"[stack]\n{line}\n").reference == reference


@pytest.mark.parametrize("name", ["keyring", "vault"])
def test_other_backends_are_not_built(files: Any, name: str) -> None:
    """A backend that comes later is refused by its name, in the user's own file too."""
    in_stack = files.fault(f'[stack]\nsecrets = "{name}"\n')
    in_own = files.write("~/config.toml", f'secrets = "{name}"').fault("")

    assert in_stack.message.startswith(f'cannot use "{name}" yet')
    assert (in_stack.reference, in_own.reference) == ("not-yet", "not-yet")
    assert in_own.message.endswith("config.toml:1)")


def test_all_faults_at_once(files: Any) -> None:
    """Every fault of every file is told in one go, each at its line."""
    files.write("booty.local.toml", "[services.a]\ngrace = 1\n[services.c]\nlive = 1\n")
    found = files.faults(f'{PROGRAM}wach = 1\n[services.b]\n[services.user]\nuse = "nats"\n')

    assert sorted((one.message.rpartition("(")[2], one.reference) for one in found) == [
        ("booty.local.toml:2)", "wrong-type"),
        ("booty.local.toml:3)", "missing-key"),
        ("booty.local.toml:4)", "wrong-type"),
        ("booty.toml:5)", "missing-key"),
        ("booty.toml:6)", "bad-name"),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[stak]\n", 'did you mean "stack"?'),
        ("[stack]\nlife-time = 1\n", 'did you mean "lifetime"?'),
        ("[stack]\nstate_dir = 'x'\n", 'did you mean "state-dir"?'),
        (f"{PROGRAM}ready = {{ tpc = 'x' }}\n", 'did you mean "tcp"?'),
        (f"{PROGRAM}limits = {{ nofiles = 1 }}\n", 'did you mean "nofile"?'),
    ],
)
def test_unknown_key(files: Any, text: str, hint: str) -> None:
    """An unknown key of core's own tables is told with the nearest right one."""
    assert hint in [one.hint for one in files.faults(text)]


def test_keys_of_others_are_kept(files: Any) -> None:
    """What core does not know may be a link or a resource of the component."""
    spec = files.load(f'{HEAD}streams = ["a"]\n')

    assert spec.services["a"].extra == {"streams": ["a"]}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10.0), ("1h30m", 5400.0), ("7d", 604800.0), ("0.3s", 0.3), ("0", 0.0)],
)
def test_durations(text: str, seconds: float) -> None:
    """Durations, there and back."""
    assert units.duration(text) == seconds
    assert units.duration(units.format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["10", "s", "-1s", "1 s", "1y", "", "1s2", "٣s"])
def test_no_duration(text: str) -> None:
    """What is no duration."""
    with pytest.raises(ConfigError, match="cannot read"):
        units.duration(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("512B", 512), ("4MiB", 4194304), ("1GB", 10**9), ("1.5KiB", 1536), ("2 kB", 2000)],
)
def test_sizes(text: str, number: int) -> None:
    """Sizes, there and back."""
    assert units.size(text) == number
    assert units.size(units.format_size(number)) == number


@pytest.mark.parametrize("text", ["4", "4M", "-1B", "MiB", "4mib", ""])
def test_no_size(text: str) -> None:
    """What is no size."""
    with pytest.raises(ConfigError, match="cannot read"):
        units.size(text)


@pytest.mark.parametrize("key", ["use", "version", "engine"])
def test_no_template_in_names(files: Any, key: str) -> None:
    """``${…}`` is allowed in every string of a service but three."""
    use = "" if key == "use" else 'use = "nats"\n'
    found = files.faults(f'[services.a]\n{use}{key} = "${{env.X}}"\n')

    assert any(one.reference in {"template-misplaced", "bad-value"} for one in found)


@pytest.mark.parametrize(
    "text",
    ["${", "${}", "${ports}", "${nothing.x}", "${stack.name:-x}", "${services.b}", "${env.1}"],
)
def test_template_that_is_none(files: Any, text: str) -> None:
    """A ``${…}`` that cannot be is told where it stands."""
    fault = files.fault(f'{PROGRAM}env = {{ A = "{text}" }}\n')

    assert fault.reference in {"template-syntax", "template-name"}
    assert "services.a.env.A" in fault.message
    assert "booty.toml:4" in fault.message


def test_reference_to_no_service(files: Any) -> None:
    """A need or ``${services…}`` of nothing is told with the nearest service."""
    text = (
        f'{PROGRAM}needs = ["bus"]\nenv = {{ A = "${{services.bsu.url}}" }}\n'
        '[services.buz]\nuse = "nats"\n'
    )

    assert [(one.reference, one.hint) for one in files.faults(text)] == [
        ("service-unknown", 'did you mean "buz"?'),
        ("service-unknown", 'did you mean "buz"?'),
    ]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f'{HEAD}run = "x"\n', "key-misplaced"),
        (f'{HEAD}url = "a://b"\n', "key-misplaced"),
        ('[services.a]\nuse = "program"\n', "missing-key"),
        ('[services.a]\nuse = "external"\n', "missing-key"),
        ('[services.a]\nuse = "external"\nurl = "a://me:pass@b"\n', "secret-in-file"),
        (f"{PROGRAM}ports = {{ a = {{ port = 0, exact = true }} }}\n", "bad-value"),
        (f'{PROGRAM}ready = {{ tcp = "a:1", body = "x" }}\n', "bad-value"),
        (f'{PROGRAM}source = {{ url = "https://a" }}\n', "bad-value"),
        (f'{PROGRAM}ready = {{ log = "(" }}\n', "bad-value"),
    ],
)
def test_keys_that_do_not_go_together(files: Any, text: str, reference: str) -> None:
    """What makes no sense beside the rest is refused."""
    found = [one.reference for one in files.faults(text)]

    assert reference in found, found


def test_message_form(files: Any) -> None:
    """Every fault of the reader reads like the others."""
    text = "".join(f"{key} = {value}\n" for key, value in WRONG.items() if key != "use")
    for fault in files.faults(HEAD + text):
        assert re.fullmatch(r"cannot .*[^.]", fault.message, re.DOTALL), fault.message
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", fault.reference)
