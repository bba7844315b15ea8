"""Values are made once, kept privately, derived, handed over, and never shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from booty import secrets
from booty.errors import BootyError, ConfigError
from booty.secrets.backend import FileBackend
from booty.secrets.forms import derive
from booty.secrets.making import read_variables


def need(name: str, kind: str = "password", **more: Any) -> dict[str, Any]:
    """Return one entry of a plan's secrets."""
    return {"name": name, "number": 1, "kind": kind, "forms": [], **more}


@pytest.fixture
def kept(tmp_path: Path) -> FileBackend:
    """An empty backend."""
    return FileBackend(tmp_path / "kept")


def test_a_password_is_made_once(kept: FileBackend) -> None:
    """The second time gives the value of the first."""
    first = secrets.materialise([need("bus.password")], kept, {})
    second = secrets.materialise([need("bus.password")], kept, {})

    assert first == second
    assert len(first["bus.password#1"]) == 32


def test_a_new_number_is_a_new_value(kept: FileBackend) -> None:
    """A rotation makes another value; the former one is still kept."""
    first = secrets.materialise([need("bus.password")], kept, {})
    second = secrets.materialise([need("bus.password", number=2)], kept, {})

    assert first["bus.password#1"] != second["bus.password#2"]
    assert kept.get("bus.password#1") == first["bus.password#1"]


def test_files_are_private(kept: FileBackend, tmp_path: Path) -> None:
    """0600 in a folder 0700."""
    secrets.materialise([need("bus.password")], kept, {})
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "kept").iterdir()}

    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700


def test_bcrypt_form_fits_the_value(kept: FileBackend) -> None:
    """The derived form is made beside the value, with the prefix every server takes."""
    import bcrypt

    found = secrets.materialise([need("bus.password", forms=["bcrypt"])], kept, {})
    hashed = found["bus.password#1:bcrypt"]

    assert hashed.startswith("$2a$")
    assert bcrypt.checkpw(found["bus.password#1"].encode(), hashed.encode())


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("base64", "a b", "YSBi"),
        ("url", "p@ss/w", "p%40ss%2Fw"),
        ("json", 'say "hi"\n', 'say \\"hi\\"\\n'),
        ("address", "mysql://u:p@db:3307/x", "db:3307"),
        ("address", "https://api", "api:443"),
    ],
)
def test_derived_forms(form: str, value: str, expected: str) -> None:
    """Every form is what programs expect."""
    assert derive(value, form) == expected


def test_certificates_chain_to_the_local_authority(kept: FileBackend) -> None:
    """Two certificates of one stack have one CA, and name the hosts they are for."""
    from cryptography import x509

    asked = [need(name, "certificate", hosts=["127.0.0.1", "localhost"]) for name in ("a", "b")]
    found = secrets.materialise(asked, kept, {})
    leaf = x509.load_pem_x509_certificate(found["a#1:cert"].encode())
    authority = x509.load_pem_x509_certificate(found["a#1:ca"].encode())
    leaf.verify_directly_issued_by(authority)

    assert found["a#1:ca"] == found["b#1:ca"]
    assert "PRIVATE KEY" in found["a#1:key"]


def test_what_only_a_user_can_give(kept: FileBackend) -> None:
    """A missing secret and a missing variable are told together, with what to type."""
    asked = [need("user/api", "user"), need("env/NOPE", "env")]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the group's members are looked at
        secrets.materialise(asked, kept, {})
    hints = [fault.hint for fault in caught.value.faults]  # type: ignore[attr-defined]  # BootyErrors

    assert "booty secrets set api" in hints[0]
    assert "NOPE" in hints[1]


def test_a_damaged_file_shows_no_value(kept: FileBackend, tmp_path: Path) -> None:
    """The error of a damaged file holds nothing of it."""
    secrets.materialise([need("bus.password")], kept, {})
    value = kept.get("bus.password#1")
    file = tmp_path / "kept" / "values.json"
    file.write_text(file.read_text()[:-3])
    with pytest.raises(BootyError) as caught:
        kept.get("bus.password#1")

    assert value
    assert value not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_hand_over_cannot_be_changed() -> None:
    """The memory file holds the values and takes no more writes."""
    handle = secrets.to_memfd({"a#1": "value"})
    try:
        assert json.loads(os.pread(handle, 1000, 0)) == {"values": {"a#1": "value"}}
        with pytest.raises(OSError, match="not permitted"):
            os.write(handle, b"x")
    finally:
        os.close(handle)


def test_env_files_are_read_strictly(tmp_path: Path) -> None:
    """Assignments, comments, quotes and export; anything else is an error with its line."""
    file = tmp_path / ".env"
    file.write_text("# c\nexport A=1\nB='two words'\n\n")
    good = read_variables(file)
    file.write_text("A=1\nnonsense\n")

    assert good == {"A": "1", "B": "two words"}
    with pytest.raises(ConfigError, match="line 2"):
        read_variables(file)
