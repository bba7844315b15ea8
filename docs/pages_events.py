"""The page of changes as events: which engine tells what, by the last run, and what a message is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

OUTCOMES: Final = Path(__file__).parent / "reference" / "conformance"
HEAD: Final = """# Changes of files: which are told, and how

Generated: the first table by `make conformance`, which does each change on a real server of every engine that can be had and writes down what arrives on NATS, and this page by `make docs`
from that and from the schema. How changes are told at all: [minio](minio.md#changes-as-events).

## What each engine tells

Each cell holds the `action` of what is told, in order; - is nothing. An empty cell: it cannot be done, as the engine lacks versions or tags. Each column is an engine and a
way in which its changes are heard of ([`events-way`](minio.md#changes-as-events)), the engine's best first. By `nats` and `webhook` each change is told; by `listing` what is there at a look, compared with
what was there at the look before.
"""
NOTES: Final = """
- `seen` and `gone` are all that a listing knows: not whether an object was put, copied or put together.
- Of what came and went between two looks a listing sees nothing, where no versions are kept. What is overwritten twice is told once, as what it is now.
- MinIO tells of a removed delete marker in the words of a new one. Its `version` is that of the marker, which was told before.
- When its latest version is removed, what was the version before is there again; that is not told once more.
- Tags leave no mark in a listing. Metadata that were changed alone leave one where the engine gives the object a new time for them.
"""
MESSAGE: Final = """
## What a message is

A [CloudEvent](https://cloudevents.io) in JSON. The schema: [minio-event.schema.json](minio-event.schema.json). Every message of every test run is held to it. More members may come; those that are here stay
as they are.

| member | is |
| --- | --- |
"""


def outcomes() -> list[dict[str, Any]]:
    """Return how the last run of each engine ended, in the order in which engines are declared."""
    from booty_provider_minio.engines import ENGINES

    files = [
        OUTCOMES / f"events-{name}-{way}.json" for name, one in ENGINES.items() for way in one.ways
    ]
    return [json.loads(file.read_text()) for file in files if file.exists()]


def render() -> str:
    """Return the page."""
    found = outcomes()
    rows = "".join(_rows(found))
    return f"{HEAD}\n{rows}{''.join(_missing(found))}{NOTES}{MESSAGE}{''.join(_members())}"


def _rows(found: list[dict[str, Any]]) -> Iterator[str]:
    from booty_provider_minio.promises import CASES

    engines = " | ".join(f"`{one['engine']}`, `{one['way']}`" for one in found)
    yield f"| an object is | {engines} |\n"
    yield f"| --- {'| --- ' * len(found)}|\n"
    for name, case in CASES.items():
        cells = " | ".join(_cell(one["cases"].get(name)) for one in found)
        where = ", where versions are kept" if case.keeps else ""
        yield f"| {case.title}{where} | {cells} |\n"
    yield f"| `via` | {' | '.join(_cell(one['via']) for one in found)} |\n"


def _cell(told: list[str] | None) -> str:
    if told is None:
        return " "
    return ", ".join(f"`{one.rpartition(' ')[2]}`" for one in told) or "-"


def _missing(found: list[dict[str, Any]]) -> Iterator[str]:
    from booty_provider_minio.engines import ENGINES

    there = {one["engine"] for one in found}
    for name, engine in ENGINES.items():
        if name not in there:
            twins = [one for one in there if ENGINES[one].tells == engine.tells]
            yield f"\n`{name}` has not been run; it declares what `{twins[0]}` does.\n"


def _members() -> Iterator[str]:
    from booty_provider_minio.feed.schema import SCHEMA

    properties: Mapping[str, Any] = SCHEMA["properties"]
    for name, about in properties.items():
        yield f"| `{name}` | {about['description']} |\n"
    yield "\n| member of `data` | is |\n| --- | --- |\n"
    for name, about in properties["data"]["properties"].items():
        values = ", ".join(f"`{one}`" for one in about.get("enum", []))
        yield f"| `{name}` | {about['description']}{f': {values}' if values else ''} |\n"


def schema() -> str:
    """Return the schema, for whoever validates."""
    from booty_provider_minio.feed.schema import SCHEMA

    return json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"
