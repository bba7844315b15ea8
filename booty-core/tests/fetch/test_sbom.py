"""The bill of materials is CycloneDX, whatever was bundled, and the same for the same things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty.fetch import sbom
from booty.fetch.wheelhouse import Wheel
from booty.model.plan import Artifact
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

TOOL = Artifact(
    key="tool@1.2.3", program="tool", version="1.2.3", platform="linux-amd64", source="release",
    url="https://publisher.example/v1.2.3/tool.tar.gz", digest="1" * 64, size=5, trust="recorded",
)  # fmt: skip
MAIN = Wheel(
    file=Path("main-1.0-py3-none-any.whl"), name="main", version="1.0", digest="2" * 64,
    licence="Apache-2.0 OR BSD-3-Clause", requires=("Some.Lib>=2 ; python_version > '3'", "absent"),
)  # fmt: skip
LIB = Wheel(
    file=Path("some_lib-2.0-py3-none-any.whl"), name="some-lib", version="2.0", digest="3" * 64,
    licence="Do what you like, but tell",
)  # fmt: skip


def bill(*artifacts: Artifact) -> dict[str, Any]:
    """Return the bill as data; it keeps to the schema."""
    text = sbom.render("shop", artifacts, [MAIN, LIB, LIB]).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_programs_and_wheels() -> None:
    """Each is there once, with purl, hash and licence, and what it leans on."""
    found = bill(TOOL)
    by_name = {one["name"]: one for one in found["components"]}
    edges = {one["ref"]: one["dependsOn"] for one in found["dependencies"]}

    assert [one["name"] for one in found["components"]] == ["tool", "main", "some-lib"]
    assert by_name["tool"]["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert by_name["main"]["licenses"] == [{"expression": "Apache-2.0 OR BSD-3-Clause"}]
    assert by_name["some-lib"]["licenses"] == [{"license": {"name": LIB.licence}}]
    assert edges["main-1.0-py3-none-any.whl"] == ["some_lib-2.0-py3-none-any.whl"]
    assert edges["stack:shop"] == [one["bom-ref"] for one in found["components"]]


@pytest.mark.parametrize(
    ("url", "purl"),
    [
        ("pypi:Tool_Bin==1.2.3.1#tool_bin.whl", "pkg:pypi/tool-bin@1.2.3.1"),
        ("go:github.com/org/tool@v1.2.3", "pkg:golang/github.com/org/tool@v1.2.3"),
        ("deb:tool=1.2.3-1+b6", "@1.2.3-1%2Bb6?arch=amd64"),
        (TOOL.url, f"pkg:generic/tool@1.2.3?checksum=sha256:{'1' * 64}&download_url=https://"),
    ],
)
def test_a_purl_for_each_kind(url: str, purl: str) -> None:
    """What others look a program up by says where it is from."""
    found = bill(evolve(TOOL, url=url))["components"][0]["purl"]

    assert purl in found
    assert found.startswith("pkg:")


def test_the_same_bill_has_the_same_number() -> None:
    """Its serial number is made of what is in it, not of the day."""
    first, second = bill(TOOL), bill(TOOL)
    other = bill(evolve(TOOL, digest="4" * 64))

    assert first == second
    assert other["serialNumber"] != first["serialNumber"]
