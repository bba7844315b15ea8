"""Where things of a user are."""

from __future__ import annotations

import platformdirs
import pytest
from booty import paths

HOMES = ({"HOME": "/home/u"}, {"HOME": "/home/u/"}, {"HOME": ""}, {"HOME": "here"}, {})
CHOSEN = ({}, {"XDG_{}_HOME": "/x/y"}, {"XDG_{}_HOME": "x/y"}, {"XDG_{}_HOME": ""})


@pytest.mark.parametrize("kind", ["cache", "config", "data", "state"])
@pytest.mark.parametrize("chosen", CHOSEN)
@pytest.mark.parametrize("home", HOMES)
def test_where_platformdirs_has_it(
    monkeypatch: pytest.MonkeyPatch, home: dict[str, str], chosen: dict[str, str], kind: str
) -> None:
    """What is said without its import is what it says, whatever the variables hold."""
    for name in ("HOME", "BOOTY_HOME", f"XDG_{kind.upper()}_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**home, **chosen}.items():
        monkeypatch.setenv(name.format(kind.upper()), value)
    found = {
        "cache": paths.cache(),
        "config": paths.config_file().parent,
        "data": paths.store().parent,
        "state": paths.registry().parent,
    }

    assert str(found[kind]) == getattr(platformdirs, f"user_{kind}_dir")("booty")


def test_one_folder_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """BOOTY_HOME moves store, cache, registry and secrets; the user's settings stay his own."""
    monkeypatch.setenv("BOOTY_HOME", "/b")
    found = (paths.store(), paths.cache(), paths.registry(), paths.secret_store())

    assert [str(one) for one in found] == ["/b/store", "/b/cache", "/b/stacks", "/b/secrets"]
    assert paths.store_name() == "/b/store"
    assert paths.config_file().parts[:2] != ("/", "b")
