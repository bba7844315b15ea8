"""A start as a trace for OpenTelemetry: OTLP over HTTP, in its JSON encoding.

The encoding is that of the protocol's specification: ids in hex, times as strings of nanoseconds
since 1970, enumerations as numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from booty import __version__
from booty.errors import BootyError, ConfigError
from booty.run.digest import sha256

__all__ = ["payload", "send"]

PATH: Final = "/v1/traces"
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
"""Variable with ``name=value,…`` for whoever asks for a token, as every exporter reads it."""
SECONDS: Final = 10.0
NANO: Final = 1_000_000_000
INTERNAL: Final = 1
"""``SPAN_KIND_INTERNAL``."""


def payload(
    trace: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    stack: Mapping[str, str],
) -> dict[str, Any]:
    """Return an ``ExportTraceServiceRequest``.

    Args:
        trace: ``wall monotonic spans`` as a start leaves it behind.
        entries: entries of the run sheet, for their needs and components.
        stack: its ``id`` and ``name``.

    Returns:
        One span for the start, below it one for each instance with its steps; an instance is
        linked to those that it waited for. The same start always has the same ids.
    """
    return {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": _attributes(
                        {
                            "service.name": "booty",
                            "service.namespace": stack["name"],
                            "service.version": __version__,
                            "booty.stack.id": stack["id"],
                        }
                    )
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "booty", "version": __version__},
                        "spans": _Trace(trace, stack["id"]).all(entries),
                    }
                ],
            }
        ]
    }


class _Trace:
    def __init__(self, trace: Mapping[str, Any], stack_id: str) -> None:
        self._spans: list[Mapping[str, Any]] = list(trace["spans"])
        self._shift = trace["wall"] - trace["monotonic"]
        self._seed = f"{stack_id}/{trace['wall']}"
        self._id = self._hex("trace", 32)

    def _hex(self, name: str, digits: int) -> str:
        return str(sha256(f"{self._seed}/{name}".encode()).hexdigest()[:digits])

    def _nano(self, seconds: float) -> str:
        return str(round((seconds + self._shift) * NANO))

    def all(self, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        known = {entry["name"]: entry for entry in entries}
        spans = [self._span("up", "up", self._spans, "")]
        names = dict.fromkeys(one["instance"] for one in self._spans if one.get("instance"))
        for name in names:
            spans += self._instance(name, known.get(name, {}), set(names))
        others = (one for one in self._spans if not one.get("instance"))
        for number, one in enumerate(others):
            spans.append(self._span(f"up/{number}", one["name"], [one], "up"))
        return spans

    def _instance(
        self, name: str, entry: Mapping[str, Any], there: set[str]
    ) -> list[dict[str, Any]]:
        own = [one for one in self._spans if one.get("instance") == name]
        needs = {other for need in entry.get("needs", ()) for other in need["instances"]}
        whole = self._span(name, name, own, "up")
        whole["attributes"] = _attributes(
            {"booty.instance": name, "booty.component": str(entry.get("component", ""))}
        )
        whole["links"] = [
            {"traceId": self._id, "spanId": self._hex(other, 16)} for other in sorted(needs & there)
        ]
        steps = enumerate(own)
        return [whole, *(self._span(f"{name}/{n}", one["name"], [one], name) for n, one in steps)]

    def _span(
        self, key: str, name: str, spans: Sequence[Mapping[str, Any]], parent: str
    ) -> dict[str, Any]:
        return {
            "traceId": self._id,
            "spanId": self._hex(key, 16),
            "parentSpanId": self._hex(parent, 16) if parent else "",
            "name": name,
            "kind": INTERNAL,
            "startTimeUnixNano": self._nano(min(one["start"] for one in spans)),
            "endTimeUnixNano": self._nano(max(one["end"] for one in spans)),
        }


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def send(url: str, data: Mapping[str, Any]) -> str:
    """Send a trace.

    Args:
        url: of whoever takes OTLP over HTTP; ``/v1/traces`` is added unless it is there. Its
            credentials, and headers in ``OTEL_EXPORTER_OTLP_HEADERS``, are sent along.
        data: of :func:`payload`.

    Returns:
        The address that took it, without credentials.

    Raises:
        ConfigError: that is no URL.
        BootyError: it cannot be reached, or refused all or some of it (``trace-refused``).
    """
    target, shown = _target(url)
    import httpx

    try:
        answer = httpx.post(target, json=data, headers=_headers(), timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unsent(shown, str(error) or type(error).__name__) from error
    if not answer.is_success:
        raise _unsent(shown, f"it answered {answer.status_code} {answer.reason_phrase}")
    if refused := _refused(answer):
        raise _unsent(shown, refused)
    return shown


def _target(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits:
        raise ConfigError(
            f'cannot send a trace to "{url}": that is no http or https URL',
            reference="bad-value",
            subject="--otlp",
            hint="booty analyze --otlp http://127.0.0.1:4318",
        )
    path = parts.path.rstrip("/")
    full = parts._replace(path=path if path.endswith(PATH) else path + PATH)
    return full.geturl(), full._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _headers() -> dict[str, str]:
    pairs = (one.partition("=") for one in os.environ.get(HEADERS, "").split(","))
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs if name.strip()}


def _refused(answer: Any) -> str:
    # a success may be a partial one
    try:
        partial = answer.json().get("partialSuccess") or {}
        count = int(partial.get("rejectedSpans") or 0)
    except (ValueError, AttributeError, TypeError):
        return ""
    return f"it refused {count} spans: {partial.get('errorMessage', '')}" if count else ""


def _unsent(shown: str, why: str) -> BootyError:
    return BootyError(
        f'cannot send the trace to "{shown}": {why}',
        reference="trace-refused",
        subject=shown,
        hint="see whether it takes OTLP over HTTP there (port 4318)",
    )
