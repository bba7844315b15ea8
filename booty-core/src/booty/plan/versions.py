"""One exact version out of what was asked, tested and locked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from booty.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from booty.model.component import Component
    from booty.model.stack import ServiceSpec

__all__ = ["choose", "fits", "older"]

_RANGE = re.compile(r"[<>=!~,*]")
# they become parts of paths and addresses
_DATED = re.compile(r"\d{4}-\d\d-\d\dT[\w-]+")
_EXACT = re.compile(rf"\d[\w+-]*(\.[\w+-]+){{2,}}|{_DATED.pattern}")


def choose(service: ServiceSpec, component: Component, locked: Collection[str]) -> tuple[str, bool]:
    """Return the exact version to run, and whether the component was tested with it.

    A locked version wins as long as it fits; then the newest tested one that fits; then, if an
    exact version was asked for, that one, called untested. A program of the user's own
    (``binary``) has the version that the user names, if any.

    Raises:
        ConfigError: nothing fits.
    """
    asked = service.version
    if not component.versions or service.binary:
        return asked, True
    known = [one for one in component.versions if one in locked]
    known += sorted({*locked} - {*known})
    for version in (*known, *component.versions):
        if fits(version, asked):
            return version, version in component.versions
    if _EXACT.fullmatch(asked):
        return asked, False
    raise ConfigError(
        f'cannot find version "{asked}" of {component.id}',
        reference="version-missing",
        subject=f"services.{service.name}.version",
        hint=f"tested versions: {', '.join(component.versions)}; an exact other one may be named",
    )


def fits(version: str, asked: str) -> bool:
    """Tell whether a version is what was asked for: nothing, exact, a prefix or a range."""
    if (
        not asked
        or version == asked
        or version.startswith(
            (f"{asked}.", f"{asked}-", f"{asked}T")  # a day is a prefix of its times
        )
    ):
        return True
    return bool(_RANGE.search(asked)) and _in_range(version, asked)


def _in_range(version: str, asked: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(asked.replace(" ", "")).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def older(version: str, than: str) -> bool:
    """Tell whether a version is older than another one.

    Versions of a publisher's own form (``RELEASE.2025-09-07T16-13-09Z``) are compared by their
    numbers, where what is around these is the same; else nobody can tell, and it is not older.
    """
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) < Version(than)
    except InvalidVersion:
        one, other = (re.split(r"(\d+)", text) for text in (version, than))
        alike = one[::2] == other[::2]
        return alike and [int(part) for part in one[1::2]] < [int(part) for part in other[1::2]]
