"""Sums and signatures of every hostile kind: refused, each by its name, and nothing is left."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import signed_long_ago as long_ago
from attrs import evolve
from booty import ArtifactWish, Component, ProviderError, Release, Signature
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Store, ensure, openpgp_numbers
from booty.fetch.sums import find
from booty.providers.declarations import by_id
from conftest_fetch import BASE, HERE, SCRIPT, Publisher
from signing import OpenPGP, as_go_writes, by_minisign, by_openpgp, minisign, openpgp

URL = f"https://publisher.example{BASE}"
SUMS = f"{URL}/SHA256SUMS"
DIGEST = hashlib.sha256(SCRIPT).hexdigest()
GOOD = f"{DIGEST}  tool\n".encode()

needs_openpgp = pytest.mark.skipif(
    importlib.util.find_spec("pysequoia") is None, reason="no OpenPGP library is here"
)


def wished(**more: Any) -> ArtifactWish:
    """Return a wish for a bare program called ``tool`` everywhere."""
    source = Release(url=f"{URL}/tool", member="tool", **more)
    component = Component(id="tool", program="tool", versions=("1.2.3",), sources=(source,))
    return ArtifactWish(key="tool@1.2.3", component=component, version="1.2.3")


def get(publisher: Publisher, store: Store, wish: ArtifactWish) -> Any:
    """Fetch it by a mirror."""
    mirrors = {"publisher.example": publisher.url}
    return ensure([wish], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)


def refused(publisher: Publisher, store: Store, wish: ArtifactWish) -> FetchError:
    """Fetch it, see that it is refused with status 6 and that nothing is left."""
    with pytest.raises(VerifyError) as caught:
        get(publisher, store, wish)
    assert store.list() == []
    downloads = store.root.parent / "cache" / "downloads"
    assert not downloads.exists() or list(downloads.iterdir()) == []
    assert caught.value.hint
    return caught.value


@pytest.fixture
def serving(publisher: Publisher) -> Callable[..., Publisher]:
    """Serve the program, with files beside it."""

    def serve(**files: bytes) -> Publisher:
        publisher.files[f"{BASE}/tool"] = SCRIPT
        for name, data in files.items():
            publisher.files[f"{BASE}/{name.replace('_', '.')}"] = data
        return publisher

    return serve


SUMS_FAULTS = {
    "another file's hash": (f"{'1' * 64}  tool\n", "digest-mismatch", "expected"),
    "without the asset": (f"{DIGEST}  tool2\n", "not-in-sums", "does not name it"),
    "a name in a name": (f"{DIGEST}  a tool\n", "not-in-sums", "does not name it"),
    "empty": ("\n", "not-in-sums", "does not name it"),
    "md5": (f"{'1' * 32}  tool\n", "sums-weak", "md5 of it only"),
    "sha1": (f"{'1' * 40}  tool\n", "sums-weak", "sha1 of it only"),
    "two hashes": (f"{DIGEST}  tool\n{'1' * 64}  tool\n", "sums-ambiguous", "2 times"),
    "a bare hash among many": (DIGEST, "not-in-sums", "does not name it"),
}


@pytest.mark.parametrize("name", SUMS_FAULTS)
def test_sums_that_vouch_for_nothing(
    serving: Callable[..., Publisher], store: Store, name: str
) -> None:
    """A sums file that says another thing, nothing, too little or two things of the asset."""
    text, reference, why = SUMS_FAULTS[name]
    error = refused(serving(SHA256SUMS=text.encode()), store, wished(sums=SUMS))

    assert error.reference == reference
    assert why in error.message


@pytest.mark.parametrize(
    "line",
    [
        f"{DIGEST} tool",
        f"{DIGEST.upper()} *tool",
        f"SHA2-256(dist/tool)= {DIGEST}",
        f"\\{DIGEST}  tool",
    ],
)
def test_sums_in_the_ways_of_all_tools(line: str) -> None:
    """GNU, BSD and OpenSSL write the same in four ways."""
    found = find(line, ("tool",), alone=False, url=SUMS, subject="tool@1.2.3")

    assert found.digest == DIGEST


def test_both_sums_count_as_the_one_that_is_recorded() -> None:
    """Where a file has sha256 and sha512 of an asset, the lock's own kind is taken."""
    text = f"{'a' * 128}  tool\n{DIGEST}  tool\n"

    assert find(text, ("tool",), alone=False, url=SUMS, subject="x").algorithm == "sha256"


def openpgp_wish(*keys: str) -> ArtifactWish:
    """Return a wish for what HashiCorp's way of signing vouches for."""
    return wished(sums=SUMS, signature=by_openpgp(f"{SUMS}.sig", *keys))


@needs_openpgp
def test_any_of_several_keys_and_signatures_will_do(
    serving: Callable[..., Publisher], store: Store
) -> None:
    """A publisher who changes keys signs by both; the provider may know the new one too."""
    both = OpenPGP("Stranger").detached(GOOD) + openpgp().detached(GOOD)
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=both)
    keys = (OpenPGP("New").key, openpgp().key)
    found, _ = get(publisher, store, openpgp_wish(*keys))

    assert openpgp().number in found["tool@1.2.3"].trust


@needs_openpgp
def test_signatures_as_go_writes_them(serving: Callable[..., Publisher], store: Store) -> None:
    """A number with zeros in front, as HashiCorp's are in half of all cases, is read all the same.

    Changed sums are refused all the same, too.
    """
    from pysequoia import Sig

    publisher, texts = OpenPGP(rsa=True), (GOOD + b"%d\n" % number for number in range(100))
    both = ((text, as_go_writes(publisher.detached(text))) for text in texts)
    text, proof = next((text, made) for text, made in both if made[-256] < 0x80)
    with pytest.raises(RuntimeError):
        Sig.from_bytes(proof)  # if this reads them now, what mends them can go
    host = serving(SHA256SUMS=text, SHA256SUMS_sig=proof)
    found, _ = get(host, store, openpgp_wish(publisher.key))

    assert publisher.number in found["tool@1.2.3"].trust
    store.remove(store.list()[0])
    serving(SHA256SUMS=text.replace(b"tool", b"toll"), SHA256SUMS_sig=proof)
    assert refused(host, store, openpgp_wish(publisher.key)).reference == "signature-mismatch"


@pytest.mark.parametrize(
    "packet", [b"", b"\xc2\x05\x03\0\0\0\0", b"\x88\0\0", b"\xc2\x09\x04" + b"\0" * 8]
)
def test_what_is_no_signature_is_not_mended(packet: bytes) -> None:
    """Short, old, cut or empty: an error, or nothing to mend."""
    with suppress(ValueError):
        assert len(openpgp_numbers.tidy(packet)) >= len(packet)


@needs_openpgp
def test_signed_by_another_key(serving: Callable[..., Publisher], store: Store) -> None:
    """A good signature by a stranger is refused by name."""
    stranger = OpenPGP("Publisher")  # he may call himself as he likes
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=stranger.detached(GOOD))
    error = refused(publisher, store, openpgp_wish())

    assert error.reference == "signature-key"
    assert f"not by Publisher ({openpgp().number})" in error.message


@needs_openpgp
def test_signed_by_an_expired_key(serving: Callable[..., Publisher], store: Store) -> None:
    """A key that expired vouches for nothing, whatever date its signature says."""
    publisher = serving(SHA256SUMS=long_ago.FIXED, SHA256SUMS_sig=long_ago.OLD_SIGNATURE.encode())
    error = refused(publisher, store, openpgp_wish(long_ago.OLD_KEY))

    assert error.reference == "signature-expired"
    assert f"{long_ago.OLD_NUMBER} of Publisher expired on 2020-12-31" in error.message


@needs_openpgp
def test_signed_before_the_key_was_renewed(serving: Callable[..., Publisher], store: Store) -> None:
    """The renewed key alone says nothing of the time before; beside its former text it does."""
    publisher = serving(SHA256SUMS=long_ago.FIXED, SHA256SUMS_sig=long_ago.OLD_SIGNATURE.encode())
    error = refused(publisher, store, openpgp_wish(long_ago.RENEWED_KEY))
    found, _ = get(publisher, store, openpgp_wish(long_ago.OLD_KEY, long_ago.RENEWED_KEY))

    assert error.reference == "signature-mismatch"
    assert long_ago.OLD_NUMBER in found["tool@1.2.3"].trust


@needs_openpgp
def test_signed_by_a_revoked_key(serving: Callable[..., Publisher], store: Store) -> None:
    """A key that its owner took back vouches for nothing."""
    gone = OpenPGP(revoked=True)
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=gone.detached(GOOD))

    assert refused(publisher, store, openpgp_wish(gone.key)).reference == "signature-revoked"


@needs_openpgp
def test_signed_by_a_weak_key(serving: Callable[..., Publisher], store: Store) -> None:
    """A DSA key of 1024 bits that stands on sha1 is told to be too weak."""
    publisher = serving(SHA256SUMS=long_ago.FIXED, SHA256SUMS_sig=long_ago.WEAK_SIGNATURE.encode())
    error = refused(publisher, store, openpgp_wish(long_ago.WEAK_KEY))

    assert error.reference == "signature-key"
    assert "too weak" in error.message


@needs_openpgp
@pytest.mark.parametrize("proof", [b"", b"no signature", b"-----BEGIN PGP SIGNATURE-----\n\nxx"])
def test_no_signature_at_all(serving: Callable[..., Publisher], store: Store, proof: bytes) -> None:
    """What stands in the signature's place is none."""
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=proof)

    assert refused(publisher, store, openpgp_wish()).reference == "signature-unreadable"


@needs_openpgp
def test_signed_other_sums(serving: Callable[..., Publisher], store: Store) -> None:
    """Sums that were changed after the publisher signed them are refused."""
    old = f"{'1' * 64}  tool\n".encode()
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=openpgp().detached(old))
    error = refused(publisher, store, openpgp_wish())

    assert error.reference == "signature-mismatch"
    assert "over other content" in error.message


CLEAR_FAULTS: dict[str, Callable[[], tuple[bytes, str]]] = {
    "unsigned": lambda: (GOOD, "signature-unreadable"),
    "changed": lambda: (
        openpgp().clear(GOOD).replace(DIGEST.encode(), b"1" * 64), "signature-mismatch"
    ),
    "stranger": lambda: (OpenPGP().clear(GOOD), "signature-key"),
    "sums before it": lambda: (GOOD + openpgp().clear(b"0\n"), "not-in-sums"),
    "sums behind it": lambda: (openpgp().clear(b"0\n") + GOOD, "not-in-sums"),
}  # fmt: skip


@needs_openpgp
@pytest.mark.parametrize("name", CLEAR_FAULTS)
def test_clear_signed_sums_that_lie(
    serving: Callable[..., Publisher], store: Store, name: str
) -> None:
    """Only what stands within the signature counts, and only if it is the publisher's."""
    text, reference = CLEAR_FAULTS[name]()
    publisher = serving(SHA256SUMS=text)
    error = refused(publisher, store, wished(sums=SUMS, signature=by_openpgp()))

    assert error.reference == reference


def other(data: bytes) -> bytes:
    """Return a signature by somebody else."""
    from signing import Minisign

    return Minisign().signed(data, "tool")


MINISIGN_FAULTS: dict[str, Callable[[], tuple[bytes, str, str]]] = {
    "another key": lambda: (
        other(SCRIPT), "signature-key", f"not by Publisher ({minisign().number})"
    ),
    "other content": lambda: (
        minisign().signed(b"x", "tool"), "signature-mismatch", "over other content"
    ),
    "comment changed": lambda: (
        minisign().signed(SCRIPT, "tool", comment="file:tool"), "signature-mismatch",
        "trusted comment",
    ),
    "another file": lambda: (
        minisign().signed(SCRIPT, "tool.1.2.2"), "signature-mismatch", 'signed it as "tool.1.2.2"'
    ),
    "unknown kind": lambda: (
        minisign().signed(SCRIPT, "tool", kind=b"Xx"), "signature-unreadable", "a kind unknown"
    ),
    "plain kind, other content": lambda: (
        minisign().signed(b"x", "tool", kind=b"Ed"), "signature-mismatch", "over other content"
    ),
    "no signature": lambda: (b"none", "signature-unreadable", "no minisign file"),
    "cut": lambda: (
        minisign().signed(SCRIPT, "tool")[:150], "signature-unreadable", "no minisign file"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MINISIGN_FAULTS)
def test_minisign_that_does_not_vouch(
    serving: Callable[..., Publisher], store: Store, name: str
) -> None:
    """A signature by another key, over another file, of another name, or none."""
    proof, reference, why = MINISIGN_FAULTS[name]()
    publisher = serving(tool_minisig=proof)
    error = refused(publisher, store, wished(signature=by_minisign(f"{URL}/tool.minisig")))

    assert error.reference == reference
    assert why in error.message


@pytest.mark.parametrize("kind", [b"ED", b"Ed"])
def test_minisign_of_another_file_of_the_version(
    serving: Callable[..., Publisher], store: Store, kind: bytes
) -> None:
    """A publisher may sign under another name that says the version; of the file or its hash."""
    publisher = serving(tool_minisig=minisign().signed(SCRIPT, "dist/tool.1.2.3", kind=kind))
    found, _ = get(publisher, store, wished(signature=by_minisign(f"{URL}/tool.minisig")))

    assert found["tool@1.2.3"].trust == f"signed by Publisher (minisign {minisign().number})"


def test_sums_and_minisign_must_both_fit(serving: Callable[..., Publisher], store: Store) -> None:
    """Good sums do not make up for a signature that is another's."""
    publisher = serving(SHA256SUMS=GOOD, tool_minisig=other(SCRIPT))
    wish = wished(sums=SUMS, signature=by_minisign(f"{URL}/tool.minisig"))

    assert refused(publisher, store, wish).reference == "signature-key"


def test_a_known_digest_needs_no_signature(serving: Callable[..., Publisher], store: Store) -> None:
    """What was verified once is taken by its digest: no key can expire under a lock."""
    publisher = serving()
    source = {"digests": {f"1.2.3/{HERE}": DIGEST}, "signature": by_openpgp(f"{SUMS}.sig", "-")}
    found, _ = get(publisher, store, wished(sums=SUMS, **source))

    assert found["tool@1.2.3"].trust == "recorded digest"
    assert publisher.seen[0][0] == f"{BASE}/tool"


@needs_openpgp
def test_a_recorded_key_that_is_none(serving: Callable[..., Publisher], store: Store) -> None:
    """A provider whose key cannot be read vouches for nothing."""
    publisher = serving(SHA256SUMS=GOOD, SHA256SUMS_sig=openpgp().detached(GOOD))
    error = refused(publisher, store, openpgp_wish("no key"))

    assert "recorded key cannot be read" in error.message


HIDDEN = """
import sys
sys.modules["pysequoia"] = None
import importlib.util as u
from booty.fetch import openpgp
try:
    print(openpgp.available())
except ValueError:
    print(False)
try:
    openpgp.verify(b"", b"", (), "SHA256SUMS", "me")
except Exception as error:
    print(error.reference, error.hint)
"""


def test_without_a_library_it_says_what_to_install() -> None:
    """Nobody skips a signature because the library is missing."""
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "False",
        'openpgp-missing pip install "booty-core[openpgp]"',
    ]


def declared(scheme: str = "openpgp", keys: tuple[str, ...] = ("x",), **more: str) -> Release:
    """Return a source with a signature that cannot be checked."""
    signature = Signature(scheme=scheme, keys=keys, url=more.pop("proof", ""))
    return Release(url=f"{URL}/tool", member="tool", signature=signature, **more)  # type: ignore[arg-type]  # test data


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (declared("minisign"), "does not say where"),
        (declared(), "no sums"),
        (declared("minisign", (), proof="https://x"), "no key"),
        (declared("gpg", sums=SUMS), "none of"),
    ],
)
def test_a_signature_that_cannot_be_checked_is_refused_when_declared(
    source: Release, why: str
) -> None:
    """A provider's author learns what is missing, not his users."""
    component = Component(id="tool", program="tool", versions=("1.2.3",), sources=(source,))

    with pytest.raises(ProviderError, match=why):
        by_id("tool", [component])
    assert by_id("tool", [evolve(component, sources=())])
