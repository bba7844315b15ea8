"""Values are made once, kept privately, derived, handed over, and never shown."""

from __future__ import annotations

import json
import os
import ssl
import stat
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from booty import secrets
from booty.errors import BootyError, ConfigError
from booty.secrets.authority import Authority
from booty.secrets.backend import FileBackend
from booty.secrets.forms import derive
from booty.secrets.handover import _unlinked
from booty.secrets.making import read_variables
from cryptography import x509


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
        ("address", "nats://u:p@[::1]", "[::1]:4222"),
    ],
)
def test_derived_forms(form: str, value: str, expected: str) -> None:
    """Every form is what programs expect."""
    assert derive(value, form) == expected


HOSTS = ["127.0.0.1", "localhost"]
DAY = 86_400


def certificate(**more: Any) -> dict[str, Any]:
    """Return the need for one certificate, as a plan asks for it."""
    asked = need("bus.tls", "certificate", hosts=HOSTS) | {"forms": ["ca", "cert", "key"]}
    return asked | more


def test_certificates_chain_to_the_local_authority(kept: FileBackend) -> None:
    """Two certificates of one stack have one CA, also when they are made in different runs."""
    first = secrets.materialise([certificate()], kept, {})
    both = secrets.materialise([certificate(), certificate(name="other")], kept, {})
    leaf = x509.load_pem_x509_certificate(both["other#1:cert"].encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(both["bus.tls#1:ca"].encode()))

    assert both["bus.tls#1:cert"] == first["bus.tls#1:cert"]
    assert both["other#1:ca"] == first["bus.tls#1:ca"]


@pytest.mark.parametrize("host", HOSTS)
def test_strict_clients_take_a_certificate(kept: FileBackend, tmp_path: Path, host: str) -> None:
    """A TLS handshake with every check of a strict client, by name and by address."""
    found = secrets.materialise([certificate()], kept, {})
    for part in ("key", "cert", "ca"):
        (tmp_path / part).write_text(found[f"bus.tls#1:{part}"])
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    ours = ssl.create_default_context(cafile=tmp_path / "ca")
    ours.verify_flags |= ssl.VERIFY_X509_STRICT
    up, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(back, up, server_hostname=host)
    server = theirs.wrap_bio(up, back, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()

    assert client.version() == "TLSv1.3"


def test_a_certificate_is_renewed_in_time(kept: FileBackend) -> None:
    """It is kept while it is good for a month, then made anew by the same CA."""
    begin = 1_800_000_000.0
    first = secrets.materialise([certificate()], kept, {}, clock=lambda: begin)
    later = secrets.materialise([certificate()], kept, {}, clock=lambda: begin + 366 * DAY)
    end = secrets.materialise([certificate()], kept, {}, clock=lambda: begin + 368 * DAY)
    leaf = x509.load_pem_x509_certificate(end["bus.tls#1:cert"].encode())

    assert later == first
    assert end["bus.tls#1:ca"] == first["bus.tls#1:ca"]
    assert leaf.not_valid_after_utc.timestamp() == begin + (368 + 397) * DAY


def test_a_new_host_is_a_new_certificate(kept: FileBackend) -> None:
    """A certificate that lacks a host is made anew; one that has more is kept."""
    secrets.materialise([certificate()], kept, {})
    more = secrets.materialise([certificate(hosts=[*HOSTS, "10.0.0.7"])], kept, {})
    less = secrets.materialise([certificate()], kept, {})
    leaf = x509.load_pem_x509_certificate(more["bus.tls#1:cert"].encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert "10.0.0.7" in [str(one.value) for one in names]
    assert less == more


def test_a_bundle_is_certificate_and_key(kept: FileBackend) -> None:
    """Programs that want one file get both in it."""
    asked = certificate(forms=["ca", "cert", "key", "pem-bundle"])
    found = secrets.materialise([asked], kept, {})
    bundle = found["bus.tls#1:pem-bundle"]

    assert bundle == found["bus.tls#1:cert"] + found["bus.tls#1:key"]


def test_who_looks_makes_nothing(kept: FileBackend, tmp_path: Path) -> None:
    """Missing values are left out, those that are there are given, nothing is written."""
    asked = [need("a.password", forms=["bcrypt"]), certificate(), need("user/x", "user")]
    before = secrets.materialise(asked, kept, {}, make=False)
    nothing = list(tmp_path.iterdir())
    secrets.materialise(asked[:1], kept, {})
    after = secrets.materialise(asked, kept, {}, make=False)

    assert (before, nothing) == ({}, [])
    assert sorted(after) == ["a.password#1", "a.password#1:bcrypt"]


def test_asked_twice_is_made_once(kept: FileBackend) -> None:
    """A form belongs to the value that is given, however often it is asked for."""
    import bcrypt

    found = secrets.materialise([need("a", forms=["bcrypt"]), need("a")], kept, {})

    assert bcrypt.checkpw(found["a#1"].encode(), found["a#1:bcrypt"].encode())


def test_kinds_of_values(kept: FileBackend) -> None:
    """A key is 32 bytes in hex; a variable may be empty; an env-file is read each time."""
    file = kept._folder.parent / "env"
    file.write_text("A=1\n")
    asked = [
        need("k", "key"),
        need("env/E", "env"),
        need("env-file/A", "env-file", path=str(file), variable="A"),
    ]
    found = secrets.materialise(asked, kept, {"E": ""})
    file.write_text("B=1\n")

    assert len(bytes.fromhex(found["k#1"])) == 32
    assert (found["env/E#1"], found["env-file/A#1"]) == ("", "1")
    with pytest.raises(ConfigError, match="any more"):
        secrets.materialise(asked, kept, {"E": ""})


def test_the_authority_stays() -> None:
    """The local CA cannot be rotated: what it signed would be worth nothing."""
    with pytest.raises(ConfigError) as caught:
        secrets.rotate("authority", 1, FileBackend(Path("/nowhere")))

    assert caught.value.reference == "secret-fixed"


def test_a_rotated_value_of_a_user(kept: FileBackend) -> None:
    """The new number has the new value; the former one is still there for what runs."""
    kept.set({"user/x#1": "old"})
    number = secrets.rotate("user/x", 1, kept, "new")
    found = secrets.materialise([need("user/x", "user", number=number)], kept, {})

    assert (number, found) == (2, {"user/x#2": "new"})
    assert kept.get("user/x#1") == "old"


def test_what_only_a_user_can_give(kept: FileBackend) -> None:
    """A missing secret and a missing variable are told together, with what to type."""
    asked = [need("user/api", "user"), need("env/NOPE", "env")]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the group's members are looked at
        secrets.materialise(asked, kept, {})
    hints = [fault.hint for fault in caught.value.faults]  # type: ignore[attr-defined]  # BootyErrors

    assert "booty secrets set api" in hints[0]
    assert "NOPE" in hints[1]


CANARY = "c4nary-0f-a-5ecret"


def told(error: BaseException) -> str:
    """Return all that an exception, its causes and its contexts could ever show."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(inner)
    shown = [f"{one!s} {one!r} {vars(one)}" for one in chain]
    return " ".join([*shown, *traceback.format_exception(error)])


@pytest.mark.parametrize(
    "text",
    [
        f'{{"format": 1, "values": {{"a#1": "{CANARY}"'.encode(),
        f'{{"format": 1, "values": {{"a#1": "{CANARY}\xff"}}}}'.encode("latin-1"),
        f'{{"format": 1, "values": {{"a#1": ["{CANARY}"]}}}}'.encode(),
        f'["{CANARY}"]'.encode(),
        f'{{"format": 2, "values": {{"a#1": "{CANARY}"}}}}'.encode(),
        b"",
    ],
    ids=["half", "bytes", "type", "list", "format", "empty"],
)
def test_a_damaged_file_shows_no_value(kept: FileBackend, text: bytes) -> None:
    """The error of a damaged file holds nothing of it, and nothing overwrites the file."""
    kept.set({"a#1": "x"})
    kept._file.write_bytes(text)
    with pytest.raises(BootyError) as read:
        kept.get("a#1")
    with pytest.raises(BootyError) as written:
        secrets.materialise([need("b")], kept, {})

    assert read.value.reference in {"secrets-damaged", "secrets-format"}
    assert CANARY not in told(read.value) + told(written.value)
    assert kept._file.read_bytes() == text


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{CANARY}@h:{CANARY}/x",
        f"http://[{CANARY}",
        f"mysql://u:{CANARY}@",
        CANARY,
    ],
)
def test_a_url_without_address_is_not_shown(kept: FileBackend, url: str) -> None:
    """Whatever is wrong with a secret URL, no piece of it is told."""
    kept.set({"user/w#1": url})
    with pytest.raises(ConfigError) as caught:
        secrets.materialise([need("user/w", "user", forms=["address"])], kept, {})

    assert CANARY not in told(caught.value)


def test_an_env_file_is_not_shown(tmp_path: Path) -> None:
    """Neither a line that is no assignment nor bytes that are no text are quoted."""
    shown = []
    for text in (f"A=1\n{CANARY}\n".encode(), f"A={CANARY}\xff\n".encode("latin-1")):
        (tmp_path / ".env").write_bytes(text)
        with pytest.raises(ConfigError) as caught:
            read_variables(tmp_path / ".env")
        shown.append(told(caught.value))

    assert CANARY not in "".join(shown)


def test_what_holds_values_does_not_show_them(kept: FileBackend) -> None:
    """The printed forms of a backend and of a CA are places and names."""
    kept.set({"a#1": CANARY})
    kept.get("a#1")

    assert CANARY not in repr(kept) + str(kept)
    assert CANARY not in repr(Authority(key=CANARY, cert=CANARY))


def test_values_survive_a_write_that_fails(kept: FileBackend) -> None:
    """A folder where nothing can be written: told with its reference, the old values stay."""
    kept.set({"a#1": "old"})
    (kept._folder / "values.new").mkdir()
    with pytest.raises(BootyError) as caught:
        kept.set({"a#1": CANARY})

    assert caught.value.reference == "secrets-unusable"
    assert CANARY not in told(caught.value)
    assert kept.get("a#1") == "old"


def test_a_file_left_behind_does_not_open_the_next(kept: FileBackend) -> None:
    """A half-written file with another mode is no way to read the values."""
    kept.set({"a#1": "x"})
    (kept._folder / "values.new").touch(mode=0o644)
    kept.set({"a#1": "y"})

    assert stat.S_IMODE(kept._file.stat().st_mode) == 0o600


def test_what_others_write_is_seen(kept: FileBackend) -> None:
    """Two commands keep values beside each other; each sees what the other kept."""
    other = FileBackend(kept._folder)
    kept.set({"a#1": "x"})
    other.set({"b#1": "y"})
    seen = kept.keys()
    kept.delete(["a#1", "never"])

    assert seen == ["a#1", "b#1"]
    assert other.keys() == ["b#1"]


def test_stacks_have_places_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values of one stack are not those of another; an unknown backend is refused."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path))
    secrets.backend("file", "one").set({"a#1": "x"})

    assert secrets.backend("", "one").get("a#1") == "x"
    assert secrets.backend("", "two").keys() == []
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    with pytest.raises(ConfigError, match="keyring"):
        secrets.backend("keyring", "one")


def test_hand_over_without_memory_files() -> None:
    """Where there are none: a file of mode 0600 that has no name any more."""
    handle = _unlinked(b'{"values": {}}')
    try:
        found = os.fstat(handle)
        assert (stat.S_IMODE(found.st_mode), found.st_nlink) == (0o600, 0)
        assert os.pread(handle, 100, 0) == b'{"values": {}}'
    finally:
        os.close(handle)


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
