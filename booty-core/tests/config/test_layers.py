"""Layers over one another: which one holds, and what is told of where a value is from."""

from __future__ import annotations

from typing import Any

import pytest

A = '[services.a]\nuse = "nats"\n'


def test_include(files: Any) -> None:
    """Included files add services, in their own folders; each is read once."""
    files.write("services/b.toml", 'include = "../more.toml"\n[services.b]\nuse = "nats"\n')
    files.write("services/c.toml", 'include = "../more.toml"\n[services.c]\nuse = "nats"\n')
    files.write("more.toml", '[services.d]\nuse = "nats"\n')
    spec = files.load(f'include = ["services/*.toml", "none-*.toml"]\n{A}')

    assert sorted(spec.services) == ["a", "b", "c", "d"]
    assert spec.origins["services.b.use"] == "services/b.toml"


@pytest.mark.parametrize(
    ("included", "reference"),
    [
        (A, "name-twice"),
        ('include = "../booty.toml"', "include-cycle"),
        ('[stack]\nname = "x"', "unknown-key"),
        ("[services", "toml-syntax"),
    ],
)
def test_bad_include(files: Any, included: str, reference: str) -> None:
    """What an included file must not do."""
    files.write("sub/b.toml", included)

    assert files.faults(f'include = "sub/b.toml"\n{A}')[0].reference == reference


def test_missing_include(files: Any) -> None:
    """A file that is named must be there; a pattern may match nothing."""
    assert files.fault(f'include = "b.toml"\n{A}').reference == "include-missing"


def test_local_file(files: Any) -> None:
    """booty.local.toml is laid over all files; it may hold ``[stack]``, but include nothing."""
    files.write("booty.local.toml", '[stack]\nname = "mine"\n[services.a]\nreplicas = 3\n')
    spec = files.load(f'[stack]\nname = "shop"\n{A}grace = "1s"\n')
    files.write("booty.local.toml", 'include = "x.toml"')

    assert (spec.name, spec.services["a"].replicas, spec.services["a"].grace) == ("mine", 3, 1.0)
    assert spec.origins["services.a.replicas"] == "booty.local.toml"
    assert files.fault().reference == "unknown-key"


def test_defaults(files: Any) -> None:
    """``[defaults]`` lie under every service: its own tables merge, its own lists replace."""
    spec = files.load(
        '[defaults]\ngrace = "2s"\nlabels = { team = "core" }\nexit-codes = [1]\n'
        f'{A}labels = {{ tier = "db" }}\nexit-codes = [2]\n[services.b]\nuse = "nats"\n'
    )
    a, b = spec.services["a"], spec.services["b"]

    assert (a.grace, b.grace) == (2.0, 2.0)
    assert a.labels == {"team": "core", "tier": "db"}
    assert (a.exit_codes, b.exit_codes) == ((2,), (1,))
    assert spec.origins["services.a.grace"] == "booty.toml [defaults]"


def test_fault_in_defaults_is_told_once(files: Any) -> None:
    """A fault in ``[defaults]`` is not told for every service again."""
    fault = files.fault(f'[defaults]\ngrace = 1\n{A}[services.b]\nuse = "nats"\n')

    assert fault.subject == "defaults.grace"


def test_profile(files: Any) -> None:
    """Profiles lie over the file in the order named, over stack, defaults and services alike."""
    text = (
        f'{A}replicas = 1\nexit-codes = [1]\nlabels = {{ x = "1" }}\n'
        "[profiles.ha.services.a]\nreplicas = 3\nexit-codes = [2]\n"
        'labels = { y = "2" }\n'
        '[profiles.ha.services.extra]\nuse = "nats"\n'
        '[profiles.big.services.a]\nreplicas = 5\n[profiles.big.stack]\nname = "big"\n'
        '[profiles.big.defaults]\ngrace = "9s"\n'
    )
    plain = files.load(text)
    both = files.load(profiles=("ha", "big"))
    other = files.load(profiles=("big", "ha"))

    assert (list(plain.services), plain.services["a"].replicas) == (["a"], 1)
    assert (both.services["a"].replicas, other.services["a"].replicas) == (5, 3)
    assert both.services["a"].exit_codes == (2,)
    assert both.services["a"].labels == {"x": "1", "y": "2"}
    assert (both.name, both.services["extra"].grace) == ("big", 9.0)
    assert both.origins["services.a.replicas"] == "profile big"
    assert files.fault(profiles=("haa",)).hint == 'did you mean "ha"?'


def test_profile_of_the_variable(files: Any) -> None:
    """``BOOTY_PROFILE`` names profiles unless the caller does, be it none."""
    text = f"{A}[profiles.ha.services.a]\nreplicas = 3\n"
    found = files.load(text, environ={"BOOTY_PROFILE": "ha, ha"})
    none = files.load(environ={"BOOTY_PROFILE": "ha"}, profiles=())

    assert (found.profiles, found.services["a"].replicas) == (("ha",), 3)
    assert none.services["a"].replicas is None


def test_profile_replaces_the_kind_of_a_probe(files: Any) -> None:
    """A stronger layer that names another kind of probe takes the place of the weaker one."""
    spec = files.load(
        f'{A}ready = {{ http = "http/x", timeout = "1s" }}\n'
        '[profiles.p.services.a]\nready = { tcp = "client" }\n',
        profiles=("p",),
    )
    ready = spec.services["a"].ready

    assert (ready.tcp, ready.http, ready.timeout) == ("client", None, 1.0)


def test_precedence(files: Any) -> None:
    """Command line > variable > profile > local file > file > user's file > default."""
    text = f'{A}[profiles.p.stack]\nlifetime = "outlive-me"\n'
    variable = {"BOOTY_LIFETIME": "die-with-me"}
    override = {"stack.lifetime": "outlive-me"}

    def held(**more: Any) -> tuple[str, str]:
        spec = files.load(**more)
        return spec.lifetime, spec.origins.get("stack.lifetime", "default")

    files.write("booty.toml", text)
    assert held() == ("", "default")
    files.write("booty.toml", f'[stack]\nlifetime = "outlive-me"\n{text}')
    assert held() == ("outlive-me", "booty.toml")
    files.write("booty.local.toml", '[stack]\nlifetime = "die-with-me"\n')
    assert held() == ("die-with-me", "booty.local.toml")
    assert held(profiles=("p",)) == ("outlive-me", "profile p")
    assert held(profiles=("p",), environ=variable) == ("die-with-me", "BOOTY_LIFETIME")
    assert held(environ=variable, overrides=override) == ("outlive-me", "--lifetime")


def test_bad_value_of_the_variable(files: Any) -> None:
    """A wrong value of a variable is told with its name."""
    fault = files.fault(A, environ={"BOOTY_LIFETIME": "for-ever"})

    assert fault.message.endswith("(from BOOTY_LIFETIME)")


def test_users_own_file(files: Any) -> None:
    """Mirrors and tokens of the user's own file lie under those of the stack."""
    files.write("~/config.toml", '[mirrors]\n"a.example" = "https://x"\n"*" = "https://y"\n'
                '[tokens]\n"a.example" = "${env.A_TOKEN}"\n')  # fmt: skip
    spec = files.load(
        '[stack]\nmirrors = { "*" = "https://z" }\ntokens = { "b.example" = "secret://b" }\n'
    )

    assert spec.mirrors == {"a.example": "https://x", "*": "https://z"}
    assert spec.tokens == {"a.example": "${env.A_TOKEN}", "b.example": "secret://b"}
    assert spec.origins['stack.mirrors."a.example"'] == "config.toml"
    assert files.write("~/config.toml", "miror = 1").fault("").reference == "unknown-key"


def test_a_service_may_be_completed_by_a_layer(files: Any) -> None:
    """A part of a service in the local file is checked with the rest, and told where it stands."""
    files.write("booty.local.toml", "[services.a]\nreplicas = 0\n")
    fault = files.fault(A)

    assert "booty.local.toml:2" in fault.message


def test_reading_twice_is_equal(files: Any) -> None:
    """Equal files give equal values, in the order of the file."""
    text = f'{A}[services.c]\nuse = "nats"\n[services.b]\nuse = "nats"\n'

    assert files.load(text) == files.load(text)
    assert list(files.load().services) == ["a", "c", "b"]
