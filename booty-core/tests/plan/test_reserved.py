"""The names that belong to core are those that core really uses."""

from __future__ import annotations

from typing import Any

import pytest
from booty.config import keys
from booty.errors import ProviderError
from booty.model import reserved
from booty.secrets.forms import derive

FOR_CERTIFICATES = frozenset(("pem-bundle",))


def test_the_keys_of_a_service() -> None:
    """The list that providers are held to is the list that booty.toml is read with."""
    assert set(keys.SERVICE_KEYS) == reserved.SERVICE_KEYS


@pytest.mark.parametrize("form", sorted(reserved.SECRET_FORMS - FOR_CERTIFICATES))
def test_forms_of_secrets_can_be_made(form: str) -> None:
    """Each form that a component may ask for is one that a value can be brought into."""
    assert derive("http://host:1", form)


def test_no_other_form_can_be_made() -> None:
    """A form that is not on the list is none."""
    with pytest.raises(ProviderError):
        derive("value", "rot13")


def test_what_changes_is_named(world: Any) -> None:
    """The first parts of the paths in a plan are those that change classes may be given for."""
    made = world.plan('[services.bus]\nuse = "bus"\nconfig = { a = 1 }\n')
    files = world.plan('[services.bus]\nuse = "bus"\n[services.f]\nuse = "files"\nevents = "bus"\n')
    heads = {
        path.partition(".")[0] for one in (*made.instances, *files.instances) for path in one.inputs
    }

    assert heads == reserved.CHANGE_PATHS
