"""Whom a host must prove to be, and what it is given: authorities, tokens, netrc, mirrors."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from booty.errors import FetchError
from booty.fetch import Lock, Store, ensure
from booty.fetch.access import Access
from booty.fetch.unreachable import reachable
from booty.model.source import Release
from conftest_asking import DATA, Clock, Handler, Hosts, get, patient
from conftest_fetch import BASE, HERE, SCRIPT, STEM, Publisher, reply, tar, wish


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A company's own authority: its file, and what a host of it serves with."""
    folder = tmp_path_factory.mktemp("ca")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Company")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "ca.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of certificates."""
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_companys_authority_is_believed(
    tmp_path: Path,
    hosts: Hosts,
    unset: pytest.MonkeyPatch,
    certificate: tuple[Path, ssl.SSLContext],
    name: str,
) -> None:
    """Each of the variables that people have set up works."""
    file, context = certificate
    unset.setenv(name, str(file))
    get(hosts(lambda handler: reply(handler, 200, DATA), context).url, tmp_path, patient(Clock()))


def test_a_strangers_certificate_is_not(
    tmp_path: Path,
    hosts: Hosts,
    unset: pytest.MonkeyPatch,
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    """Without the variable nobody is believed, and nobody is asked twice."""
    host, clock = hosts(lambda handler: reply(handler, 200, DATA), certificate[1]), Clock()

    with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
        get(host.url, tmp_path, patient(clock))
    assert clock.waited == []
    assert host.asked == []


def test_authorities_that_are_not_there_are_told(
    tmp_path: Path, hosts: Hosts, unset: pytest.MonkeyPatch
) -> None:
    """A variable that names nothing is not passed over."""
    unset.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))

    with pytest.raises(FetchError) as caught:
        get("https://127.0.0.1:1/x", tmp_path, patient(Clock()))
    assert caught.value.reference == "authorities-unreadable"
    assert "SSL_CERT_FILE" in caught.value.message


def test_never_down_to_http(
    tmp_path: Path,
    hosts: Hosts,
    unset: pytest.MonkeyPatch,
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    """A redirect from https to http is refused before it is asked."""
    file, context = certificate
    unset.setenv("SSL_CERT_FILE", str(file))
    plain = hosts(lambda handler: reply(handler, 200, DATA))
    safe = hosts(lambda handler: reply(handler, 302, Location=f"{plain.url}/x"), context)

    with pytest.raises(FetchError) as caught:
        get(safe.url, tmp_path, patient(Clock()))
    assert caught.value.reference == "unsafe-redirect"
    assert plain.asked == []


def with_token(name: str, token: str = "hush") -> Access:
    """Return how a host is asked with a token."""
    return Access(tokens=lambda host: token if host == name else "")


def test_a_token_goes_to_its_host_alone(tmp_path: Path, hosts: Hosts) -> None:
    """The host gets it, the one that it redirects to does not, and nobody tells it."""
    storage = hosts(lambda handler: reply(handler, 200, DATA))
    host = hosts(lambda handler: reply(handler, 302, Location=f"{storage.url}/signed?x=1"))
    access = with_token(host.name)
    told = get(f"{host.url}/asset", tmp_path, access)

    assert host.asked[0][1]["authorization"] == "Bearer hush"
    assert "authorization" not in storage.asked[0][1]
    assert "hush" not in str(told) + repr(access)


@pytest.mark.parametrize("missing", [False, True])
def test_a_private_release_on_github(hosts: Hosts, store: Store, missing: bool) -> None:
    """Its assets are asked for by the API's numbers; the storage behind it learns no token."""
    archive = tar({f"{STEM}/tool": SCRIPT})
    files = {f"{STEM}.tar.gz": archive}
    files["SHA256SUMS"] = f"{hashlib.sha256(archive).hexdigest()}  {STEM}.tar.gz\n".encode()
    names = [] if missing else list(files)
    storage = hosts(lambda handler: reply(handler, 200, files[handler.path[1:]]))

    def answer(handler: Handler) -> None:
        if handler.path == "/repos/org/tool/releases/tags/v1.2.3":
            assets = [
                {"name": name, "url": f"https://api.github.com/assets/{number}"}
                for number, name in enumerate(names)
            ]
            reply(handler, 200, json.dumps({"assets": assets}).encode())
        else:
            name = names[int(handler.path.removeprefix("/assets/"))]
            reply(handler, 302, Location=f"{storage.url}/{name}")

    api = hosts(answer)
    url = f"https://github.com{BASE}"
    source = Release(url=f"{url}/{STEM}.tar.gz", member=f"{STEM}/tool", sums=f"{url}/SHA256SUMS")
    one = wish()
    asked = evolve(one, component=evolve(one.component, sources=(source,)))

    def get_it() -> Lock:
        _, lock = ensure(
            [asked], platform=HERE, lock=Lock(), store=store,
            mirrors={"api.github.com": api.url}, access=with_token("github.com"),
        )  # fmt: skip
        return lock

    if missing:
        with pytest.raises(FetchError, match="the release has no asset"):
            get_it()
        return
    lock = get_it()
    assert lock.of("tool@1.2.3", str(HERE))[0].url == f"{url}/{STEM}.tar.gz"
    assert {headers["authorization"] for _, headers in api.asked} == {"Bearer hush"}
    assert "application/octet-stream" in [headers["accept"] for _, headers in api.asked]
    assert all("authorization" not in headers for _, headers in storage.asked)


def test_a_token_is_not_sent_in_clear(tmp_path: Path, hosts: Hosts) -> None:
    """Over http a token goes to loopback only."""
    with pytest.raises(FetchError) as caught:
        get("http://publisher.invalid/x", tmp_path, with_token("publisher.invalid"))
    assert caught.value.reference == "token-in-clear"
    assert "hush" not in caught.value.message


def test_netrc_is_for_its_host_alone(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's .netrc serves the host that it names; its entry for any host is no use here."""
    (tmp_path / "to").mkdir()
    host = hosts(lambda handler: reply(handler, 200, DATA))
    file = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(file))
    for text, expected in (
        ("machine 127.0.0.1 login me password p@ss:word\n", "me:p@ss:word"),
        ("machine other login me password hush\ndefault login me password hush\n", ""),
        ("this is none", ""),
    ):
        file.write_text(text)
        get(f"{host.url}/x", tmp_path / "to", Access())
        sent = host.asked[-1][1].get("authorization", "").removeprefix("Basic ")
        assert base64.b64decode(sent).decode() == expected


def test_credentials_in_an_address_go_on_at_the_same_host(tmp_path: Path, hosts: Hosts) -> None:
    """A mirror that redirects within itself keeps knowing who asks; another host does not learn."""
    storage = hosts(lambda handler: reply(handler, 200, DATA))

    def answer(handler: Handler) -> None:
        ahead = {"/a": f"{mirror.url}/b", "/b": f"{storage.url}/c"}
        reply(handler, 302, Location=ahead[handler.path])

    mirror = hosts(answer)
    get(mirror.url.replace("//", "//me:hush@") + "/a", tmp_path, Access())

    assert [bool(headers.get("authorization")) for _, headers in mirror.asked] == [True, True]
    assert "authorization" not in storage.asked[0][1]


def test_a_folder_can_be_a_mirror(tmp_path: Path, store: Store) -> None:
    """A stick with the publisher's files serves; what vouches for them stays the same."""
    stick = Publisher()
    stick.publish(tar({f"{STEM}/tool": SCRIPT}), f"{STEM}.tar.gz")
    stick.close()
    for name, data in stick.files.items():
        file = tmp_path / "my stick" / f"publisher.example{name}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    mirrors = {"*": f"file://{tmp_path}/my%20stick"}
    found, _ = ensure([wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)

    assert found["tool@1.2.3"].trust == "publisher's sums file"
    file.unlink()
    store.remove(store.list()[0])
    with pytest.raises(FetchError, match="there is no such file"):
        ensure([wish()], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)


def test_what_was_not_there_is_not_asked_for_at_once_again(
    publisher: Publisher, store: Store
) -> None:
    """A version that is not published costs one question a minute, where others can serve."""
    one = wish()
    other = Release(
        name="other", url=f"https://other.example{BASE}/{STEM}.tar.gz", member=f"{STEM}/tool",
        sums=f"https://other.example{BASE}/SHA256SUMS",
    )  # fmt: skip
    publisher.publish(tar({f"{STEM}/tool": SCRIPT}), f"{STEM}.tar.gz")
    empty = Publisher()
    mirrors = {"publisher.example": empty.url, "other.example": publisher.url}
    asked = evolve(one, component=evolve(one.component, sources=(*one.component.sources, other)))
    for _ in range(2):
        found, _ = ensure([asked], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)
        store.remove(store.list()[0])
    seen, why = list(empty.seen), reachable(f"{empty.url}{BASE}/SHA256SUMS")
    empty.close()

    assert found["tool@1.2.3"].source == "other"
    assert len(seen) == 1
    assert why[1]
    assert "there is no such file" in why[0]
