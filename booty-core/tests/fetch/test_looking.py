"""Looks at sources: pages of an index in both forms, dates, servers that do not answer."""

from __future__ import annotations

import json
import socket

import pytest
from booty.fetch import _http, index, look
from booty.fetch.index import Listed
from conftest_fetch import Publisher

FILE = "tool_bin-1.2.3-py3-none-any.whl"
PAGE = {
    "meta": {"api-version": "1.1"},
    "name": "tool-bin",
    "files": [
        {
            "filename": FILE,
            "url": f"/files/{FILE}",
            "hashes": {},
            "size": 7,
            "upload-time": "2026-11-25T10:00:00Z",
            "yanked": "broken",
        },
        {"filename": "other.tar.gz", "url": "/files/other.tar.gz", "hashes": {}, "yanked": False},
    ],
}


def test_a_page_in_json(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size, day and whether it was yanked, as an index of today says them."""
    publisher.kind = "application/vnd.pypi.simple.v1+json"
    publisher.files["/simple/tool-bin/"] = json.dumps(PAGE).encode()
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple/")

    assert index.listed("Tool_Bin") == [
        Listed(name=FILE, size=7, date="2026-11-25", yanked="broken"),
        Listed(name="other.tar.gz"),
    ]


def test_a_page_in_html(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older form, on a second index; the first one has no such distribution."""
    publisher.kind = "text/html"
    page = f'<html><a href="/files/{FILE}" data-yanked>{FILE}</a> <a href="/">up</a></html>'
    publisher.files["/more/tool-bin/"] = page.encode()
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{publisher.url}/more")

    assert index.listed("tool-bin") == [Listed(name=FILE, yanked=""), Listed(name="up")]


def test_no_page_of_an_index(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gives something else is told with its host."""
    publisher.kind = "application/vnd.pypi.simple.v1+json"
    publisher.files["/simple/tool-bin/"] = b'{"files": 1}'
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple")

    with pytest.raises(_http.Unreachable, match="gives no page of an index"):
        index.listed("tool-bin")


def test_a_silent_server_costs_so_much() -> None:
    """One that takes the connection and says nothing is given up in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(_http.Unreachable, match=r"cannot reach 127\.0\.0\.1:\d+"):
            look.looked(url, seconds=0.05)


@pytest.mark.parametrize(
    ("text", "day"),
    [("Wed, 25 Nov 2026 10:00:00 GMT", "2026-11-25"), ("yesterday", ""), ("", "")],
)
def test_days(text: str, day: str) -> None:
    """A date of HTTP, or none."""
    assert look.day(text) == day
