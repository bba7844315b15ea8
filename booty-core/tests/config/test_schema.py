"""The JSON Schema: what the reader takes is valid by it, what the reader refuses is not."""

from __future__ import annotations

import tomllib
from typing import Any

import jsonschema
import pytest
from booty import config
from booty.config import keys

from .test_reading import READ, WRONG


@pytest.fixture(scope="module")
def validator() -> Any:
    """The validator of a schema without providers."""
    schema = config.schema(())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _document(key: str, value: str) -> dict[str, Any]:
    use = "" if key == "use" or "use =" in value else 'use = "nats"\n'
    use = 'use = "program"\n' if key == "run" else use
    return tomllib.loads(f"[services.a]\n{use}{value}\n")


@pytest.mark.parametrize("key", READ)
def test_what_is_read_is_valid(validator: Any, key: str) -> None:
    """Every value that the reader takes is valid."""
    assert list(validator.iter_errors(_document(key, READ[key][0]))) == []


@pytest.mark.parametrize("key", WRONG)
def test_what_is_refused_is_not_valid(validator: Any, key: str) -> None:
    """Every value that the reader refuses is not."""
    assert list(validator.iter_errors(_document(key, f"{key} = {WRONG[key]}")))


def test_every_key_is_drawn(validator: Any) -> None:
    """The schema has every key of a service, described, and no other."""
    drawn = validator.schema["$defs"]["service"]["properties"]

    assert set(drawn) == set(keys.SERVICE_KEYS)
    assert [name for name in drawn if not drawn[name].get("description")] == []


def test_unknown_key_is_not_valid(validator: Any) -> None:
    """Nor is a key that does not exist, anywhere."""
    assert list(validator.iter_errors({"stak": {}}))
    assert list(validator.iter_errors({"stack": {"nme": "x"}}))
    assert list(validator.iter_errors({"services": {"a": {"use": "nats", "wach": 1}}}))
