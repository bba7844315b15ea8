"""Calls as spans, where OpenTelemetry is set up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import booty
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Set OpenTelemetry up, as a program does, once."""
    found = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace.set_tracer_provider(provider)
    return found


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """Give an empty exporter."""
    exporter.clear()
    yield exporter
    exporter.clear()


def test_calls_are_spans(spans: InMemorySpanExporter) -> None:
    """Each call has one, with its key and the code of its error; pieces of a stream have none."""
    with booty.SyncBucket.open("mem://") as bucket:
        bucket.write("k", bytes(3 << 20))
        bucket.read("k")
        with pytest.raises(booty.NotFoundError):
            bucket.delete("nobody")

    found = [(one.name, dict(one.attributes or {})) for one in spans.get_finished_spans()]
    assert found == [
        ("booty.bucket.open", {"booty.subject": "mem://"}),
        ("booty.bucket.write", {"booty.subject": "k"}),
        ("booty.bucket.read", {"booty.subject": "k"}),
        ("booty.bucket.delete", {"booty.subject": "nobody", "error.type": "not-found"}),
    ]


def test_messages_are_spans(spans: InMemorySpanExporter) -> None:
    """A send and a receive have one each, with the topic and the code of an error."""
    with (
        booty.SyncTopic.open("mem://spans") as topic,
        booty.SyncSubscription.open("mem://spans") as one,
        booty.SyncTopic.open("mem://nowhere?create=false") as missing,
    ):
        topic.send(b"a")
        topic.send_many([b"b", b"c"])
        one.receive().ack()
        with pytest.raises(booty.NotFoundError):
            missing.send(b"x")

    found = [(one.name, dict(one.attributes or {})) for one in spans.get_finished_spans()]
    assert found == [
        ("booty.topic.send", {"booty.subject": "mem://spans"}),
        ("booty.topic.send_many", {"booty.subject": "mem://spans"}),
        ("booty.subscription.receive", {"booty.subject": "mem://spans"}),
        ("booty.topic.send", {"booty.subject": "mem://nowhere", "error.type": "not-found"}),
    ]


def test_a_span_has_a_parent(spans: InMemorySpanExporter) -> None:
    """What is called within a span of the program belongs to it."""
    tracer = trace.get_tracer("program")
    with booty.SyncBucket.open("mem://") as bucket, tracer.start_as_current_span("outer"):
        bucket.write("k", b"x")

    inner = next(one for one in spans.get_finished_spans() if one.name == "booty.bucket.write")
    outer = next(one for one in spans.get_finished_spans() if one.name == "outer")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


def test_nobody_pays_who_does_not_want_spans() -> None:
    """Without OpenTelemetry loaded by the program, it is not loaded by a call either."""
    code = (
        "import sys, booty\n"
        "with booty.SyncBucket.open('mem://') as bucket: bucket.write('k', b'x')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout == "[]\n", done.stderr
