"""``${…}`` as each reader sees it, and what must not be read where."""

from __future__ import annotations

from typing import Any

import pytest
from booty import plan
from booty.model import codec

BUS = '[services.bus]\nuse = "bus"\n'
MAIN = '[services.main]\nuse = "program"\nrun = ["./main"]\nports = { http = 8000 }\n'


def _main(made: Any, number: int = 0) -> Any:
    return next(one for one in made.instances if one.instance.name == f"main.{number}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${stack.name}", "shop"),
        ("${stack.root}/a", "@{booty:root}/a"),
        ("${instance.name}-${instance.index}", "main.0-0"),
        ("${ports.http}", "8000"),
        ("${dirs.data}", "@{booty:data}"),
        ("${services.bus.url}", "bus://main:@{booty:secret:bus.main.password#1}@127.0.0.1:4222"),
        ("${services.bus.host}:${services.bus.port}", "127.0.0.1:4222"),
        ("${services.bus.endpoints.monitor.url}", "http://127.0.0.1:8222"),
        ("${env.TOKEN}", "@{booty:secret:env/TOKEN#1}"),
        ("${env.NONE:-fallback}", "fallback"),
        ("$$HOME $x", "$HOME $x"),
    ],
)
def test_values(world: Any, text: str, value: str) -> None:
    """Every form of name is replaced; secrets and places stay references."""
    world.machine_with(env={"TOKEN": "canary"})
    made = world.plan(f'{BUS}{MAIN}env = {{ V = "{text}" }}')

    assert _main(made).launch.env["V"] == value


def test_each_instance_reads_its_own(world: Any) -> None:
    """Replicas read their own name, number and port."""
    made = world.plan(f'{MAIN}replicas = 2\nenv = {{ V = "${{instance.index}} ${{ports.http}}" }}')

    assert [_main(made, number).launch.env["V"] for number in (0, 1)] == ["0 8000", "1 8001"]


def test_settings_resources_and_labels(world: Any) -> None:
    """Strings of settings, resources and labels are replaced before they are read."""
    made = world.plan(
        f'{BUS}settings = {{ label = "${{instance.name}}" }}\n'
        'labels = { at = "${ports.client}" }\n'
        '[services.bus.streams.s]\nsubjects = ["${stack.name}.>"]'
    )
    bus = made.instances[0]

    assert bus.instance.settings.label == "bus.0"
    assert bus.instance.resources["streams"]["s"].subjects == ("shop.>",)
    assert bus.policy["labels"] == {"at": "4222"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${ports.htp}", "http"),
        ("${services.bus.endpoints.nothing.url}", "client, monitor"),
        ("${services.main.url}", "bus"),
    ],
)
def test_names_that_name_nothing(world: Any, text: str, hint: str) -> None:
    """A name of nothing is a ConfigError with what there is."""
    fault = world.fault(f'{BUS}{MAIN}env = {{ V = "{text}" }}')

    assert (fault.status, fault.reference, fault.subject) == (
        3, "reference-to-nothing", "services.main.env.V",
    )  # fmt: skip
    assert hint in fault.hint


@pytest.mark.parametrize(
    "argument", ["${services.bus.url}", "--token=${env.TOKEN}", "${env.NONE:-x}"]
)
@pytest.mark.parametrize("form", ['run = ["./main", "{}"]', 'run = "./main {}"'])
def test_secret_in_arguments(world: Any, argument: str, form: str) -> None:
    """Credentials and variables of the shell have no place in arguments, set or not."""
    world.machine_with(env={"TOKEN": "canary"})
    fault = world.fault(f'{BUS}[services.main]\nuse = "program"\n{form.replace("{}", argument)}')

    assert (fault.status, fault.reference, fault.subject) == (
        3, "secret-in-argv", "services.main.run",
    )  # fmt: skip
    assert "env = {" in fault.hint


def test_secret_in_a_probe_command(world: Any) -> None:
    """The arguments of a probe are seen by everybody too."""
    fault = world.fault(f'{BUS}{MAIN}ready = {{ exec = ["check", "${{services.bus.url}}"] }}')

    assert (fault.reference, fault.subject) == ("secret-in-argv", "services.main.ready.exec")


def test_address_without_credentials_may_be_an_argument(world: Any) -> None:
    """Host, port and the plain URL of an endpoint are no secrets."""
    made = world.plan(
        f'{BUS}[services.main]\nuse = "program"\n'
        'run = ["./main", "${services.bus.port}", "${services.bus.endpoints.client.url}"]'
    )

    assert _main(made).launch.argv == ("./main", "4222", "bus://127.0.0.1:4222")


@pytest.mark.parametrize("key", ["binary", "bind", "env-file"])
def test_too_early(world: Any, key: str) -> None:
    """What is needed before ports are allocated cannot ask for them."""
    fault = world.fault(f'{BUS}{key} = "${{dirs.data}}/bus"')

    assert (fault.reference, fault.subject) == ("template-misplaced", f"services.bus.{key}")
    assert "${stack.root}" in fault.hint
    assert "(booty.toml:" in fault.message


def test_the_stacks_own_is_known_early(world: Any) -> None:
    """Name and folder of the stack are known before anything is planned."""
    world.machine_with(names={f"{world.root}/shop.env": ("A",)})
    spec = world.spec(
        f'{BUS}binary = "${{stack.root}}/bin/bus"\nbind = "${{stack.name}}"\n'
        'env-file = "${stack.root}/${stack.name}.env"'
    )
    made = plan.make(spec, world.providers, world.artifacts(spec), world.saved, world.machine)

    assert spec.services["bus"].binary == f"{world.root}/bin/bus"
    assert made.instances[0].instance.endpoints["client"].bind == "shop"
    assert set(made.instances[0].launch.env) >= {"A"}


def test_external_server(world: Any) -> None:
    """An external server's URL is the secret that says so; it is probed by its address."""
    text = (
        '[services.wh]\nuse = "external"\noffers = "mysql"\nurl = "secret://wh"\n'
        f'{MAIN}env = {{ U = "${{services.wh.url}}" }}'
    )
    made = world.plan(text)
    wh = next(one for one in made.instances if one.instance.service == "wh")

    assert _main(made).launch.env["U"] == "@{booty:secret:user/wh#1}"
    assert wh.policy["ready"]["tcp"] == "@{booty:secret:user/wh#1:address}"
    assert (wh.policy["kind"], made.services["wh"]["url"]) == ("external", "")


def test_external_server_with_a_plain_url(world: Any) -> None:
    """Host and port of a plain URL can be read, and variables inside it are secrets."""
    text = (
        '[services.wh]\nuse = "external"\noffers = "mysql"\nurl = "mysql://db.example/shop"\n'
        '[services.q]\nuse = "external"\noffers = "x"\nurl = "x://${env.Q}@q.example:7"\n'
        f'{MAIN}env = {{ A = "${{services.wh.host}}:${{services.wh.port}}", '
        'Q = "${services.q.url}" }'
    )
    made = world.plan(text)

    assert _main(made).launch.env == {
        "A": "db.example:3306",
        "Q": "x://@{booty:secret:env/Q#1}@q.example:7",
    }
    assert made.services["q"]["url"] == ""


def test_variable_is_an_input(world: Any) -> None:
    """Another value of a variable is a change, and the value stands nowhere."""
    text = f'{MAIN}env = {{ T = "${{env.TOKEN}}" }}'
    world.machine_with(env={"TOKEN": "canary-one"})
    before = world.plan(text)
    world.machine_with(env={"TOKEN": "canary-two"})
    after = world.again(before, text)

    assert [(step.action, step.reason) for step in after.steps] == [("restart", "env changed")]
    assert b"canary" not in codec.canonical(after)
