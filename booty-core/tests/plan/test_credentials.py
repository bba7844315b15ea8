"""Which secrets a plan asks for, by which names, and where their references go."""

from __future__ import annotations

from typing import Any

from booty import plan

BUS = '[services.bus]\nuse = "bus"\n'
MAIN = '[services.main]\nuse = "program"\nrun = ["./main"]\n'


def _needs(made: Any) -> dict[str, Any]:
    return {need["name"]: need for need in made.secrets}


def test_names(world: Any) -> None:
    """Secrets are named per consumer, per service and per instance."""
    made = world.plan(f'{BUS}[services.f]\nuse = "files"\nevents = "bus"')

    assert sorted(_needs(made)) == [
        "bus.0/node", "bus.cluster", "bus.f.password", "bus.user.password",
    ]  # fmt: skip
    assert _needs(made)["bus.f.password"] == {
        "name": "bus.f.password",
        "number": 1,
        "kind": "password",
        "forms": ["bcrypt"],
    }


def test_certificate(world: Any) -> None:
    """A certificate is made where its setting is on, for the addresses it is reached by."""
    made = world.plan(f'{BUS}bind = "10.0.0.7"\nsettings = {{ tls = true }}')
    bus = made.instances[0].instance
    need = _needs(made)["bus.tls"]

    assert (need["kind"], need["hosts"]) == ("certificate", ["10.0.0.7", "127.0.0.1", "localhost"])
    assert need["forms"] == ["ca", "cert", "key"]
    assert bus.secrets["tls:key"] == "@{booty:secret:bus.tls#1:key}"
    assert bus.endpoints["client"].scheme == "bus+tls"


def test_certificates_are_trusted_by_a_file(world: Any) -> None:
    """Who uses a service with a certificate is told the file of its authority, by path."""
    tls = f"{BUS}settings = {{ tls = true }}\n"
    links = '[services.f]\nuse = "files"\nevents = "bus"\n'
    made = world.plan(f'{tls}{links}{MAIN}env = {{ CA = "${{services.bus.ca}}" }}')
    bus, files, main = (one for name in ("bus", "f", "main") for one in _of(made, name))
    path = "@{booty:state}/config/bus.0/ca.pem"

    assert bus.launch.files["@{booty:config}/ca.pem"].content == "@{booty:secret:bus.tls#1:ca}"
    assert main.launch.env["CA"] == files.instance.links["events"].ca == path
    assert plan.env(made)["BUS_CA"] == path


def test_no_certificate_no_file(world: Any) -> None:
    """Without TLS there is no such file: asking for it is a fault, and no variable is made."""
    fault = world.fault(f'{BUS}{MAIN}env = {{ CA = "${{services.bus.ca}}" }}')
    made = world.plan(BUS)

    assert (fault.reference, fault.subject) == ("reference-to-nothing", "services.main.env.CA")
    assert "tls = true" in fault.hint
    assert "BUS_CA" not in plan.env(made)
    assert not [path for one in made.instances for path in one.launch.files if "ca.pem" in path]


def _of(made: Any, service: str) -> list[Any]:
    return [one for one in made.instances if one.instance.service == service]


def test_rotation_is_a_change(world: Any) -> None:
    """Another number changes every reference, and so whoever reads it."""
    text = f'{BUS}{MAIN}env = {{ U = "${{services.bus.url}}" }}'
    before = world.plan(text)
    world.saved_with(secrets={"bus.main.password": 2})
    after = world.again(before, text)
    actions = {step.subject: step.action for step in after.steps}

    assert _needs(after)["bus.main.password"]["number"] == 2
    assert actions == {"bus.0": "reload", "main.0": "restart", "bus": "bootstrap"}


def test_user_secret(world: Any) -> None:
    """``secret://name`` becomes a variable that refers to what the user stored."""
    made = world.plan(f'{MAIN}secrets = {{ API_KEY = "secret://api-key" }}')

    assert made.instances[0].launch.env == {"API_KEY": "@{booty:secret:user/api-key#1}"}
    assert _needs(made)["user/api-key"]["kind"] == "user"


def test_env_file(world: Any) -> None:
    """What stands in an env-file is carried by reference; its digest is an input."""
    (world.root / "x.env").write_text("A=canary\n")
    spec = world.spec(f'{MAIN}env-file = "x.env"')
    (file,) = spec.services["main"].env_file
    world.machine_with(files={file: "d1"}, names={file: ("A",)})
    before = world.plan(f'{MAIN}env-file = "x.env"')
    world.machine_with(files={file: "d2"})
    after = world.again(before, f'{MAIN}env-file = "x.env"')
    (need,) = before.secrets

    assert need["name"].startswith("env-file/")
    assert need["name"].endswith("/A")
    assert (need["kind"], need["path"], need["variable"]) == ("env-file", file, "A")
    assert before.instances[0].launch.env["A"] == f"@{{booty:secret:{need['name']}#1}}"
    assert after.steps[0].action == "restart"


def test_env_file_that_was_not_read(world: Any) -> None:
    """An env-file that nobody looked at is an error, not an empty one."""
    assert world.fault(f'{MAIN}env-file = "x.env"').reference == "env-file-unreadable"


def test_pass_env(world: Any) -> None:
    """Variables of the shell are passed where they are set, by reference."""
    world.machine_with(env={"TERM": "canary"})
    made = world.plan(f'{MAIN}pass-env = ["TERM", "UNSET"]')

    assert made.instances[0].launch.env == {"TERM": "@{booty:secret:env/TERM#1}"}
