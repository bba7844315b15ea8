"""``booty analyze``: where the time went, and the same as a trace elsewhere."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

CHAIN = """
[stack]
format = 1
name = "t"
[services.first]
use = "program"
run = "sleep 0.2; echo up > $F; exec sleep 1000"
env = { F = "${dirs.run}/up" }
ready = { file = "${dirs.run}/up" }
[services.second]
use = "program"
run = ["sleep", "1000"]
needs = ["first"]
"""


@contextmanager
def collector(status: int = 200, answer: str = "{}") -> Iterator[tuple[str, list[Any]]]:
    """Whoever takes OTLP: its address, and what it was sent."""
    taken: list[Any] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            taken.append((self.path, dict(self.headers), body))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def started(booty: Any, root: Path) -> Any:
    """A stack of two, the second waits for the first."""
    (root / "booty.toml").write_text(CHAIN)
    booty("up", "-d")
    return booty


def test_what_waiting_cost(started: Any) -> None:
    """Each edge with its seconds, in words and as JSON."""
    told = started("analyze").stderr
    found = json.loads(started("analyze", "--json").stdout)

    assert re.search(r"second\.0 waited 0\.[2-9]\d\d s for first\.0", told)
    assert [(one["instance"], one["for"]) for one in found["waits"]] == [("second.0", "first.0")]
    assert found["waits"][0]["seconds"] >= 0.2


def test_a_trace_is_sent(started: Any) -> None:
    """As the protocol wants it: ids in hex, nanoseconds in strings, each below another of it."""
    with collector() as (url, taken):
        done = started("analyze", "--otlp", url, OTEL_EXPORTER_OTLP_HEADERS="x-token=a%20b")
        started("analyze", "--otlp", f"{url}/v1/traces", "--json")
    (path, headers, body), again = taken
    resource = body["resourceSpans"][0]
    spans = resource["scopeSpans"][0]["spans"]
    by_id = {one["spanId"]: one for one in spans}
    names = {one["name"]: one for one in spans}

    assert f"sent to {url}/v1/traces" in done.stderr
    assert (path, again[0], again[2]) == ("/v1/traces", "/v1/traces", body)
    assert headers["x-token"] == "a b"
    assert headers["Content-Type"] == "application/json"
    attributes = {one["key"]: one["value"] for one in resource["resource"]["attributes"]}
    assert attributes["service.name"] == {"stringValue": "booty"}
    assert attributes["service.namespace"] == {"stringValue": "t"}
    for one in spans:
        assert re.fullmatch("[0-9a-f]{32}", one["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", one["spanId"])
        assert one["parentSpanId"] in {"", *by_id}
        assert int(one["startTimeUnixNano"]) <= int(one["endTimeUnixNano"])
        assert isinstance(one["startTimeUnixNano"], str)
    assert len(by_id) == len(spans)
    assert {one["traceId"] for one in spans} == {spans[0]["traceId"]}
    assert [one["name"] for one in spans if not one["parentSpanId"]] == ["up"]
    assert names["second.0"]["links"][0]["spanId"] == names["first.0"]["spanId"]


@pytest.mark.parametrize(
    ("status", "answer", "word"),
    [
        (503, "", "it answered 503"),
        (200, '{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "late"}}', "refused 2"),
    ],
)
def test_a_refusal_is_told(started: Any, status: int, answer: str, word: str) -> None:
    """Also one of some spans alone."""
    with collector(status, answer) as (url, _):
        done = started("analyze", "--otlp", url, "--json", status=1)

    assert word in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize(("url", "status"), [("ftp://x", 3), ("http://127.0.0.1:1", 1), ("x", 3)])
def test_a_wrong_address(started: Any, url: str, status: int) -> None:
    """One that is none, and one where nobody is."""
    told = started("analyze", "--otlp", url, "--json", status=status).stdout

    assert f'"{url}' in json.loads(told)["error"]["message"]


def test_credentials_are_not_told(started: Any) -> None:
    """They are sent, and nowhere else."""
    with collector() as (url, taken):
        done = started("analyze", "--otlp", url.replace("//", "//me:secret@"))

    assert taken[0][1]["Authorization"].startswith("Basic ")
    assert "secret" not in done.stdout + done.stderr
