"""How hosts are asked: again where it helps, with what is theirs, never where it is unsafe."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Progress, Store, _http, ensure, retry_after
from booty.fetch.access import Access
from booty.fetch.download import download
from booty.fetch.patience import Patience
from booty.fetch.sums import Sum
from booty.fetch.unreachable import reachable
from booty.model.source import Release
from conftest_fetch import BASE, HERE, SCRIPT, STEM, Host, Publisher, reply, tar, wish

Handler = BaseHTTPRequestHandler
Hosts = Callable[..., Host]
DATA = hashlib.sha256(b"seed").digest() * 100_000
GOOD = Sum(digest=hashlib.sha256(DATA).hexdigest())


class Clock:
    """A clock that goes on as waits are asked for, and as it is looked at."""

    def __init__(self, step: float = 0.0) -> None:
        self.waited: list[float] = []
        self._now, self._step = 0.0, step

    def now(self) -> float:
        """Return the time, a step later at each look."""
        self._now += self._step
        return self._now

    def wait(self, seconds: float) -> None:
        """Note a wait."""
        self.waited.append(seconds)


def patient(clock: Clock, **more: Any) -> Access:
    """Return the usual patience by that clock."""
    return Access(patience=Patience(wait=clock.wait, now=clock.now, **more))


def get(url: str, folder: Path, access: Access, **more: Any) -> list[Progress]:
    """Download the data; returns what was told."""
    told: list[Progress] = []
    got = download(
        url,
        folder / "file",
        **{"key": "tool@1", "source": "release", "tell": told.append, "expected": GOOD,
           "limit": 1 << 30, "access": access, **more},
    )  # fmt: skip
    assert got.path.read_bytes() == DATA
    return told


def left(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(tmp_path: Path, hosts: Hosts, status: int) -> None:
    """A server that is busy or broken for a moment is asked again, later each time."""
    answers = [status, status, status]

    def answer(handler: Handler) -> None:
        reply(handler, answers.pop()) if answers else reply(handler, 200, DATA)

    clock = Clock()
    told = get(hosts(answer).url, tmp_path, patient(clock))

    assert clock.waited == [0.5, 1.5, 4.5]
    again = [one.note for one in told if one.phase == "retrying"]
    assert len(again) == 3
    assert again[0].endswith(f"the server says {status}; again in 0.5 s")


@pytest.mark.parametrize(
    ("status", "reference"),
    [(400, "download-failed"), (401, "not-allowed"), (403, "not-allowed"), (404, "not-published"),
     (410, "not-published")],
)  # fmt: skip
def test_what_will_not_pass_is_not(
    tmp_path: Path, hosts: Hosts, status: int, reference: str
) -> None:
    """A file that is not there or not for us is asked for once, and nothing is left."""
    host, clock = hosts(lambda handler: reply(handler, status)), Clock()

    with pytest.raises(FetchError) as caught:
        get(host.url, tmp_path, patient(clock))
    assert caught.value.reference == reference
    assert clock.waited == []
    assert len(host.asked) == 1
    assert left(tmp_path) == []


def test_a_server_says_when_to_come_again(tmp_path: Path, hosts: Hosts) -> None:
    """Retry-After is obeyed, in seconds; one that asks for an hour is not waited for."""
    answers = ["3600", "7"]
    host = hosts(
        lambda handler: (
            reply(handler, 429, Retry_After=answers.pop()) if answers else reply(handler, 200, DATA)
        )
    )
    clock = Clock()

    with pytest.raises(FetchError, match="429"):
        get(host.url, tmp_path, patient(clock))
    assert clock.waited == [7]
    get(host.url, tmp_path, patient(clock))


@pytest.mark.parametrize("header", ["", "soon", "-3", "Thu, 32 Foo"])
def test_retry_after_may_be_nonsense(header: str) -> None:
    """What cannot be read asks for nothing."""
    assert retry_after.seconds(header) == 0


def test_retry_after_may_be_a_date() -> None:
    """A date is counted from now; one that has passed asks for nothing."""
    now = datetime.now(UTC)

    assert 50 < retry_after.seconds(format_datetime(now + timedelta(seconds=60), usegmt=True)) <= 60
    assert retry_after.seconds(format_datetime(now - timedelta(days=1), usegmt=True)) == 0


def cutting(size: int) -> Callable[[Handler], None]:
    """Return what answers with at most so many bytes, and breaks off."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and handler.headers.get("If-Range") == '"1"' else 0
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", '"1"')
        handler.send_header("Content-Length", str(len(DATA) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        handler.end_headers()
        handler.wfile.write(DATA[start : start + size])
        handler.close_connection = True

    return answer


def test_a_line_that_breaks_often_gets_there(tmp_path: Path, hosts: Hosts) -> None:
    """As long as each try gets on there is another one; every byte comes once."""
    host, clock = hosts(cutting(300_000)), Clock()
    told = get(host.url, tmp_path, patient(clock, tries=12))

    assert len(host.asked) == 11
    ranges = [headers.get("range") for _, headers in host.asked[1:]]
    assert ranges == [f"bytes={300_000 * number}-" for number in range(1, 11)]
    assert told[-1].bytes == len(DATA)
    assert left(tmp_path) == ["file"]


def test_tries_come_back_where_it_got_on(tmp_path: Path, hosts: Hosts) -> None:
    """A megabyte more gives all tries back; where nothing comes they run out."""
    clock = Clock()
    get(hosts(cutting(1_100_000)).url, tmp_path, patient(clock, tries=2))

    assert clock.waited == [0.5, 0.5]
    with pytest.raises(FetchError):
        get(hosts(cutting(0)).url, tmp_path, patient(clock, tries=2))
    assert len(clock.waited) == 3


@pytest.mark.parametrize("tenth", range(10))
def test_cut_at_every_tenth_it_goes_on_at_the_next_command(
    tmp_path: Path, hosts: Hosts, tenth: int
) -> None:
    """Cut anywhere, it is never taken for whole; what came is not asked for again."""
    host, clock = hosts(cutting(len(DATA) * tenth // 10)), Clock()
    with pytest.raises(FetchError):
        get(host.url, tmp_path, patient(clock, tries=1))
    assert "file" not in left(tmp_path)
    whole = hosts(cutting(len(DATA)))
    mark = tmp_path / "file.etag"
    mark.write_text(mark.read_text().replace(host.url, whole.url))
    get(whole.url, tmp_path, patient(clock, tries=1))

    asked = whole.asked[0][1].get("range")
    assert asked == (f"bytes={len(DATA) * tenth // 10}-" if tenth else None)


def test_without_a_mark_nothing_is_kept(tmp_path: Path, hosts: Hosts) -> None:
    """A server without ETag cannot be asked for the rest: nothing lies about."""

    def answer(handler: Handler) -> None:
        reply(handler, 200, DATA[:1000], Content_Length=str(len(DATA)))
        handler.close_connection = True

    with pytest.raises(FetchError):
        get(hosts(answer).url, tmp_path, patient(Clock()))
    assert left(tmp_path) == []


def test_a_file_that_changes_on_every_try(tmp_path: Path, hosts: Hosts) -> None:
    """A new ETag at each resume never mixes two files; it ends, and is not trusted."""
    number = 0

    def answer(handler: Handler) -> None:
        nonlocal number
        number += 1
        body = bytes([number]) * 1000
        reply(handler, 200, body[:500], ETag=f'"{number}"', Content_Length="1000")
        handler.close_connection = True

    with pytest.raises(FetchError):
        get(hosts(answer).url, tmp_path, patient(Clock()))
    assert number == 4
    part = tmp_path / "file.part"
    assert len(set(part.read_bytes())) == 1


def test_one_that_says_ten_and_sends_without_end(tmp_path: Path, hosts: Hosts) -> None:
    """Ten bytes are ten bytes, whatever comes behind them."""

    def answer(handler: Handler) -> None:
        reply(handler, 200, b"", Content_Length="10")
        while True:  # until the other side has gone
            handler.wfile.write(DATA)

    with pytest.raises(VerifyError):
        get(hosts(answer).url, tmp_path, patient(Clock()))
    assert left(tmp_path) == []


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_more_than_it_may_have(tmp_path: Path, hosts: Hosts, told: bool) -> None:
    """A file without end is given up at the limit, and nothing of it is kept."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("ETag", '"1"')
        if told:
            handler.send_header("Content-Length", "1000000000000")
        else:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:  # until the other side has gone
            handler.wfile.write(b"%x\r\n" % len(DATA) + DATA + b"\r\n")

    with pytest.raises(FetchError, match="more than 5000000"):
        get(hosts(answer).url, tmp_path, patient(Clock()), limit=5_000_000)
    assert left(tmp_path) == []


def test_one_that_drips(tmp_path: Path, hosts: Hosts) -> None:
    """A server that gives a byte now and then is given up, however long it would go on."""

    def answer(handler: Handler) -> None:
        reply(handler, 200, b"", Content_Length="1000000", ETag='"1"')
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    with pytest.raises(FetchError) as caught:
        get(hosts(answer).url, tmp_path, patient(Clock(step=20)))
    assert caught.value.reference == "too-slow"


def test_one_that_drips_its_head(tmp_path: Path, hosts: Hosts) -> None:
    """A head that comes byte by byte is waited for so long and no longer."""
    over = threading.Event()

    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            handler.wfile.write(b"X: y\r\n")

    with pytest.raises(FetchError) as caught:
        get(hosts(answer).url, tmp_path, patient(Clock(), answer=0.2))
    over.set()
    assert caught.value.reference == "too-slow"
    assert left(tmp_path) == []


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>log in", b"\n <html lang=en>"])
def test_a_page_is_told_as_one(tmp_path: Path, hosts: Hosts, page: bytes) -> None:
    """A log-in page in place of the file, or of its sums, is told as what it is."""
    host = hosts(lambda handler: reply(handler, 200, page))

    with pytest.raises(VerifyError) as caught:
        get(host.url, tmp_path, patient(Clock()))
    assert caught.value.reference == "web-page"
    assert left(tmp_path) == []
    with pytest.raises(VerifyError):
        _http.small(host.url)


@pytest.mark.parametrize(
    ("chain", "reference", "why"),
    [
        (["/a", "/b", "/a"], "redirect-loop", "in a circle"),
        ([f"/{number}" for number in range(20)], "redirect-loop", "more than 8"),
        (["file:///etc/passwd"], "unsafe-redirect", "file://"),
        (["ftp://127.0.0.1/x"], "unsafe-redirect", "ftp://"),
    ],
)
def test_redirects_have_an_end(
    tmp_path: Path, hosts: Hosts, chain: list[str], reference: str, why: str
) -> None:
    """A circle, a chain without end, another scheme: each is told."""
    ahead = dict(zip(["/start", *chain], chain, strict=False))
    host = hosts(lambda handler: reply(handler, 302, Location=ahead[handler.path]))

    with pytest.raises(FetchError, match=why) as caught:
        get(f"{host.url}/start", tmp_path, patient(Clock()))
    assert caught.value.reference == reference
    assert left(tmp_path) == []


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
