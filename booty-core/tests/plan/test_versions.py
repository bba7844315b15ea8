"""One exact version out of what was asked, tested and locked."""

from __future__ import annotations

from typing import Any

import pytest
from booty import plan
from booty.model.component import Component
from booty.model.source import OnPath
from booty.plan.versions import older


def _wish(world: Any, line: str) -> Any:
    (wish,) = plan.resolve(
        world.spec(f'[services.bus]\nuse = "bus"\n{line}'), world.providers, world.locked
    )
    return wish


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("", "2.15.0"),
        ('version = "2.15.0"', "2.15.0"),
        ('version = "2.14"', "2.14.3"),
        ('version = ">=2.14,<2.15"', "2.14.3"),
        ('version = "2"', "2.15.0"),
    ],
)
def test_choice(world: Any, asked: str, version: str) -> None:
    """Exact, prefix and range choose the newest tested version that fits."""
    wish = _wish(world, asked)

    assert (wish.version, wish.key, wish.tested) == (version, f"bus@{version}", True)


def test_locked_version_wins(world: Any) -> None:
    """A locked version stays as long as it fits what is asked."""
    world.locked = {"bus": ("2.14.0",)}

    assert _wish(world, 'version = "2.14"').version == "2.14.0"
    assert _wish(world, 'version = "2.15"').version == "2.15.0"


def test_other_exact_version_is_untested(world: Any) -> None:
    """An exact version that nobody tested may be named, and is called untested."""
    text = '[services.bus]\nuse = "bus"\nversion = "2.13.7"'

    assert not _wish(world, 'version = "2.13.7"').tested
    assert world.plan(text).warnings == ("bus 2.13.7 is untested with this provider",)


@pytest.mark.parametrize("asked", ["3", ">=3", "latest", "2.1"])
def test_missing_version(world: Any, asked: str) -> None:
    """What fits nothing is an error that names what there is."""
    fault = world.fault(f'[services.bus]\nuse = "bus"\nversion = "{asked}"')

    assert (fault.status, fault.reference) == (3, "version-missing")
    assert "2.15.0, 2.14.3, 2.14.0" in fault.hint


def test_two_versions_in_one_stack(world: Any) -> None:
    """Two services may run two versions of one program; each keeps its own."""
    made = world.plan(
        '[services.a]\nuse = "bus"\nversion = "2.14"\n[services.b]\nuse = "bus"\nversion = "2.15"'
    )

    assert {one.instance.name: one.instance.version for one in made.instances} == {
        "a.0": "2.14.3",
        "b.0": "2.15.0",
    }


def test_program_has_no_artifact(world: Any) -> None:
    """What runs as it is, and what somebody else runs, is not fetched."""
    spec = world.spec(
        '[services.main]\nuse = "program"\nrun = ["./main"]\n'
        '[services.db]\nuse = "external"\noffers = "mysql"\nurl = "mysql://10.0.0.1:3306"'
    )

    assert plan.resolve(spec, world.providers, {}) == ()


def test_own_binary(world: Any) -> None:
    """A program of the user's own never stands under the key of a fetched one."""
    wish = _wish(world, 'binary = "/opt/bus"')
    made = world.plan('[services.bus]\nuse = "bus"\nbinary = "/opt/bus"')

    assert (wish.version, wish.binary) == ("", "/opt/bus")
    assert wish.key.startswith("bus@yours-")
    assert made.instances[0].instance.version == "7.7.7"


def test_versions_that_are_dates(world: Any) -> None:
    """A publisher that counts by dates is compared by them; another date may be named exactly."""
    assert older("2025-04-22T22-12-26Z", "2025-09-07T16-13-09Z")
    assert not older("2025-09-07T16-13-09Z", "2025-04-22T22-12-26Z")
    assert not _wish(world, 'version = "2025-04-22T22-12-26Z"').tested


@pytest.mark.parametrize(
    ("version", "than", "is_older"),
    [
        ("2.9.0", "2.10.0", True),
        ("2.10.0", "2.9.0", False),
        ("RELEASE.2025-09-07T16-13-09Z", "RELEASE.2025-10-15T17-29-55Z", True),
        ("RELEASE.2025-10-15T17-29-55Z", "RELEASE.2025-09-07T16-13-09Z", False),
        ("RELEASE.2025-09-07T16-13-09Z", "2.10.0", False),
        ("2.15.0rc1", "2.15.0", True),
    ],
)
def test_which_is_older(version: str, than: str, is_older: bool) -> None:
    """Number by number, in a publisher's own form too; what cannot be compared is not older."""
    assert older(version, than) is is_older


def test_a_day_is_a_prefix_of_a_date(world: Any, make_provider: Any) -> None:
    """A month or a day chooses among dated versions as a prefix does; it is no version itself."""
    dated = ("2026-02-12T20-18-48Z", "2025-09-07T16-13-09Z")
    one = Component(id="dated", program="x", versions=dated, sources=(OnPath(),))
    world.providers["dated"] = make_provider("dated", (one,))

    def wish(asked: str) -> str:
        spec = world.spec(f'[services.d]\nuse = "dated"\nversion = "{asked}"')
        return plan.resolve(spec, world.providers, {})[0].version

    assert wish("2025-09-07") == wish("2025-09") == wish("2025") == dated[1]
    assert world.fault('[services.d]\nuse = "dated"\nversion = "2024-01-01"').reference == (
        "version-missing"
    )
