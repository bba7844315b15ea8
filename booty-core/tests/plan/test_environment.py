"""Variables of ``env`` and ``run``."""

from __future__ import annotations

from typing import Any

from booty import plan

BUS = '[services.bus]\nuse = "bus"\n'
SAFE = '[services.safe]\nuse = "safe"\n'
MAIN = (
    '[services.my-app]\nuse = "program"\nrun = ["x"]\nports = { http = 8000 }\n'
    'env = { U = "${services.bus.url}" }\n'
)


def test_variables_of_the_user(world: Any) -> None:
    """Everybody outside is the consumer ``user``, with its own credentials by reference."""
    found = plan.env(world.plan(f"{BUS}{MAIN}"))
    url = "bus://user:@{booty:secret:bus.user.password#1}@127.0.0.1:4222"

    assert found["BUS_URL"] == found["BUS_ADDR"] == url
    assert (found["BUS_HOST"], found["BUS_PORT"]) == ("127.0.0.1", "4222")
    assert found["BUS_USER"] == "user"
    assert found["BUS_PASSWORD"] == "@{booty:secret:bus.user.password#1}"
    assert found["BUS_MONITOR_URL"] == "http://127.0.0.1:8222"
    assert found["MY_APP_HTTP_URL"] == "http://127.0.0.1:8000"


def test_variables_as_a_service(world: Any) -> None:
    """``--as`` gives a service's own credentials, where it has some."""
    found = plan.env(world.plan(f"{BUS}{MAIN}"), "my-app")

    assert found["BUS_USER"] == "my-app"
    assert "bus.my-app.password" in found["BUS_URL"]


def test_chosen_services(world: Any) -> None:
    """Only what is asked for is given."""
    found = plan.env(world.plan(f"{BUS}{MAIN}"), "user", "my-app")

    assert all(name.startswith("MY_APP_") for name in found)


def test_field_names_need_one_of_the_kind(world: Any) -> None:
    """The field's own name is given when one service of the kind is there, not with two."""
    two = '[services.a]\nuse = "bus"\n[services.b]\nuse = "bus"\n'

    assert "BUS_ADDR" in plan.env(world.plan(BUS))
    assert "BUS_ADDR" not in plan.env(world.plan(two))


def test_field_names_need_one_giver(world: Any) -> None:
    """Two engines of one kind give the same names: neither is chosen quietly."""
    one, other = f"{SAFE}engine = 'vault'\n", "[services.b]\nuse = 'safe/bao'\n"

    assert "SAFE_ADDR" in plan.env(world.plan(one))
    assert "SAFE_ADDR" not in plan.env(world.plan(one + other))


def test_shared_password_has_its_own_user(world: Any) -> None:
    """A password that all consumers share goes with the one user that the URL names."""
    found = plan.env(world.plan(f"{SAFE}engine = 'vault'\n"))

    assert found["SAFE_USER"] == found["SAFE_LOGIN"] == "root"
    assert found["SAFE_URL"] == "safe://root:@{booty:secret:safe.password#1}@127.0.0.1:8200"
