"""A bill of materials: what a bundle holds, as CycloneDX in JSON.

Written by hand: it is one object, and the library for it would come with every booty, and in every
bundle, with five more; the tests have it, and its schema.
"""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from booty import __version__

if TYPE_CHECKING:
    from booty.fetch.wheelhouse import Wheel
    from booty.model.plan import Artifact

__all__ = ["render"]

VERSION: Final = "1.6"
_SPACE: Final = uuid.UUID("5b1f8a5e-2c0f-5d1e-9f53-6f1f4f0c7c11")
"""Ours, so that the serial number of the same bill is the same number."""


def render(name: str, artifacts: Sequence[Artifact], wheels: Iterable[Wheel]) -> bytes:
    """Return the bill, the same bytes for the same things.

    Args:
        name: of the stack.
        artifacts: its programs, for each platform.
        wheels: what Python needs; the same wheel may come several times.
    """
    files = {one.digest: one for one in wheels}
    distributions = [_wheel(files[key]) for key in sorted(files, key=lambda key: files[key].file)]
    programs = [_program(one) for one in artifacts]
    top = f"stack:{name}"
    tool = {"type": "application", "name": "booty", "version": __version__}
    bill = {
        "$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "version": 1,
        "metadata": {
            "tools": {"components": [tool]},
            "component": {"type": "application", "bom-ref": top, "name": name},
        },
        "components": [*programs, *distributions],
        "dependencies": [
            {"ref": top, "dependsOn": [one["bom-ref"] for one in (*programs, *distributions)]},
            *_edges(list(files.values())),
        ],
    }  # fmt: skip
    number = uuid.uuid5(_SPACE, json.dumps(bill, sort_keys=True))
    return json.dumps({**bill, "serialNumber": f"urn:uuid:{number}"}, indent=1).encode()


def _program(one: Artifact) -> dict[str, Any]:
    return {
        "type": "application",
        "bom-ref": f"{one.key}/{one.platform}",
        "name": one.program,
        "version": one.version,
        "purl": _purl(one),
        "hashes": _hashes(one.digest),
        "externalReferences": [{"type": "distribution", "url": one.url}],
        "properties": [
            {"name": "booty:component", "value": one.key.partition("@")[0]},
            {"name": "booty:platform", "value": one.platform},
            {"name": "booty:source", "value": one.source},
            {"name": "booty:trust", "value": one.trust},
        ],
    }


def _purl(one: Artifact) -> str:
    kind, _, rest = one.url.partition(":")
    if kind == "pypi":
        name, _, version = rest.partition("#")[0].partition("==")
        return f"pkg:pypi/{canonicalize_name(name)}@{quote(version)}"
    if kind == "go":
        module, _, version = rest.partition("@")
        return f"pkg:golang/{quote(module)}@{quote(version)}"
    if kind == "deb":
        name, _, version = rest.partition("=")
        arch = one.platform.partition("-")[2]
        return f"pkg:deb/{_vendor()}/{quote(name)}@{quote(version)}?arch={arch}"
    place = f"checksum=sha256:{one.digest}&download_url={quote(one.url, safe=':/')}"
    return f"pkg:generic/{quote(one.program)}@{quote(one.version)}?{place}"


def _vendor() -> str:
    # whose packages apt has here
    try:
        return quote(platform.freedesktop_os_release().get("ID", "debian"))
    except OSError:
        return "debian"


def _wheel(one: Wheel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.file.name,
        "name": one.name,
        "version": one.version,
        "purl": f"pkg:pypi/{one.name}@{quote(one.version)}",
        "hashes": _hashes(one.digest),
    }
    return found | ({"licenses": [_licence(one.licence)]} if one.licence else {})


def _licence(text: str) -> Mapping[str, Any]:
    # an expression has to be one of SPDX; what is none is a name
    plain = text.replace("(", " ").replace(")", " ").split()
    joins = {"AND", "OR", "WITH"}
    alternate = all((word in joins) == bool(number % 2) for number, word in enumerate(plain))
    return {"expression": text} if alternate and len(plain) % 2 else {"license": {"name": text}}


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _edges(wheels: Sequence[Wheel]) -> list[dict[str, Any]]:
    by_name: dict[str, list[str]] = {}
    for one in wheels:
        by_name.setdefault(one.name, []).append(one.file.name)
    edges = {}
    for one in wheels:
        names = {canonicalize_name(Requirement(line).name) for line in one.requires}
        edges[one.file.name] = sorted({ref for name in names for ref in by_name.get(name, ())})
    return [{"ref": ref, "dependsOn": edges[ref]} for ref in sorted(edges)]
