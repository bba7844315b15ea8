"""What a message is, as a JSON Schema: published with the reference, held by every test run."""

from __future__ import annotations

from typing import Any, Final

from booty_provider_minio.feed.changes import KINDS

__all__ = ["SCHEMA"]

_LISTED: Final = ("seen", "gone")
_ACTIONS: Final = sorted({action for _, action in KINDS.values()} | {*_LISTED, "other"})
_TEXT: Final = {"type": "string"}
_DATA: Final[dict[str, Any]] = {
    "bucket": {"type": "string", "minLength": 1, "description": "its bucket"},
    "key": {"type": "string", "minLength": 1, "description": "its key, as it is: not encoded"},
    "version": {**_TEXT, "description": "the version; empty where the bucket keeps none"},
    "action": {
        "enum": _ACTIONS,
        "description": "what was done; `seen` and `gone` are found by listing, which knows no more",
    },
    "sequencer": {
        "type": "string",
        "pattern": "^[0-9A-F]+$",
        "description": "hexadecimal; grows with each change of a key",
    },
    "noticed": {
        "type": "boolean",
        "description": "`time` and `sequencer` are those of the look that did not show it any more;"
        " it went before, and after the look that did; true of `gone` alone",
    },
    "former": {
        "type": "string",
        "pattern": "^[0-9A-F]*$",
        "description": "of `gone`, the `sequencer` of what went, by which `id` is made; else empty",
    },
    "size": {"type": ["integer", "null"], "minimum": 0, "description": "bytes; null = not told"},
    "etag": {**_TEXT, "description": "without quotes; empty = not told"},
    "contentType": {**_TEXT, "description": "empty = not told"},
    "metadata": {
        "type": "object",
        "additionalProperties": _TEXT,
        "description": "the user's own, by names in lower case; empty = none, or not told",
    },
    "via": {
        "enum": ["native", "listing"],
        "description": "whether the server told, or it was found",
    },
    "late": {"type": "boolean", "description": "a later change of the key was told before"},
}
_EVENT: Final[dict[str, Any]] = {
    "specversion": {"const": "1.0", "description": "of CloudEvents: `1.0`"},
    "id": {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "the `Nats-Msg-Id`: what is told twice has the same",
    },
    "source": {
        "type": "string",
        "pattern": "^booty:[^/]+/[^/]+$",
        "description": "who tells: `booty:STACK/SERVICE`",
    },
    "type": {
        "enum": [f"minio.object.{kind}" for kind in sorted({kind for kind, _ in KINDS.values()})],
        "description": "`minio.object.KIND`, with the last token of the subject on NATS",
    },
    "subject": {"type": "string", "pattern": "^[^/]+/.", "description": "`BUCKET/KEY`"},
    "time": {
        "type": "string",
        "format": "date-time",
        "description": "when it happened, RFC 3339; of `seen`, when it was written; of `gone`, when"
        " that was noticed",
    },
    "datacontenttype": {"const": "application/json", "description": "`application/json`"},
    "data": {
        "type": "object",
        "required": [*_DATA],
        "properties": _DATA,
        "description": "the object, see below",
    },
}
SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:booty:minio-event:1",
    "title": "A change of an object, as a CloudEvent in JSON",
    "type": "object",
    "required": [*_EVENT],
    "properties": _EVENT,
}
"""More members may come in either table; those that are here stay as they are."""
