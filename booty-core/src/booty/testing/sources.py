"""What can be seen of a source's declaration alone: templates, patterns, names that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from booty.model.source import Deb, GoInstall, Source

__all__ = ["misdeclared"]

_RELEASE: Final = re.compile(r"v\d")
_REPLACED: Final = re.compile(r"\S+ v\d\S*")


def misdeclared(source: Source, versions: tuple[str, ...]) -> Iterator[str]:
    """Tell what no use of a source could get right, one phrase a fault.

    Args:
        source: any source.
        versions: the versions that it is to serve.
    """
    if isinstance(source, GoInstall):
        yield from _of_go(source, versions)
    elif isinstance(source, Deb):
        yield from _of_deb(source)


def _of_go(source: GoInstall, versions: tuple[str, ...]) -> Iterator[str]:
    for version in versions:
        release = source.releases.get(version) or source.tag.format(version=version)
        if not _RELEASE.match(release):
            yield f'version "{version}" is "{release}" of the module, which begins with no v'
    for package in source.packages:
        if not f"{package}/".startswith(f"{source.module}/"):
            yield f'the package "{package}" is not in the module "{source.module}"'
    for old, new in source.replaces.items():
        if not _REPLACED.fullmatch(new):
            yield f'"{old}" is replaced by "{new}", which names no version'


def _of_deb(source: Deb) -> Iterator[str]:
    if not source.packages:
        yield "it names no package"
    try:
        groups = re.compile(source.version_pattern).groups
    except re.error as error:
        yield f'version_pattern "{source.version_pattern}": {error}'
    else:
        if not groups:
            yield f'version_pattern "{source.version_pattern}" has no group'
