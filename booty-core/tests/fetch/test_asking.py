"""How hosts are asked: again where it helps, never without an end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from booty.errors import FetchError, VerifyError
from booty.fetch import _http, retry_after
from conftest_asking import DATA, Clock, Handler, Hosts, get, left, patient
from conftest_fetch import reply


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
