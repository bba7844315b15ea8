"""The wheels that booty needs on another machine: itself, its providers, and all they need."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from attrs import frozen
from packaging.markers import default_environment
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from booty.errors import FetchError
from booty.fetch import pip
from booty.fetch.command import Stop, run
from booty.fetch.integrity import sha256_of
from booty.fetch.progress import Progress, Tell

if TYPE_CHECKING:
    from booty.model.platform import Platform

__all__ = ["House", "Wheel", "gather"]

GLIBC: Final = range(28, 16, -1)
"""Minor versions of glibc 2 that the other machine is sure to have, newest first."""
MACOS: Final = 11
"""Oldest macOS of the other machine."""
ARCHES: Final = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l"}


@frozen(kw_only=True)
class Wheel:
    """One wheel.

    Attributes:
        file: where it lies.
        name: of the distribution, normalised.
        version: of the distribution.
        digest: sha256 in hex.
        licence: as its metadata says, empty if it does not.
        requires: what it asks for, one requirement a line.
    """

    file: Path
    name: str
    version: str
    digest: str
    licence: str = ""
    requires: tuple[str, ...] = ()


@frozen(kw_only=True)
class House:
    """Wheels for one platform and one Python.

    Attributes:
        platform: for which.
        python: version of Python, ``3.11``.
        wheels: by the name of their distribution.
    """

    platform: str
    python: str
    wheels: Mapping[str, Wheel]

    @property
    def name(self) -> str:
        """How the list of requirements is called."""
        return f"{self.platform}-{self.python}"

    def requirements(self) -> str:
        """Return the list that pip takes with ``--require-hashes``."""
        lines = (
            f"{one.name}=={one.version} --hash=sha256:{one.digest}\n"
            for _, one in sorted(self.wheels.items())
        )
        return "".join(lines)


def gather(
    roots: Iterable[str],
    platforms: Sequence[Platform],
    pythons: Sequence[str],
    into: Path,
    tell: Tell,
) -> list[House]:
    """Gather the wheels of installed distributions and of what they need.

    The versions are those that are installed here. What was installed from a folder is built from
    it; all else comes from the index that pip is set to.

    Args:
        roots: names of installed distributions.
        platforms: of the other machines.
        pythons: versions of Python there, ``3.11``.
        into: an existing folder, to which wheels are added.
        tell: told of progress.

    Raises:
        FetchError: a wheel cannot be had or built.
    """
    folders = {name: folder for name in _closure(roots) if (folder := _folder(name))}
    if folders:
        tell(Progress(key="wheels", phase="building", source="folders"))
        _pip(("wheel", "--no-deps", *map(str, folders.values())), into, "this machine")
    found = []
    for platform in platforms:
        for python in pythons:
            key = f"wheels for {platform}, Python {python}"
            tell(Progress(key=key, phase="downloading", source="index"))
            found.append(_house(roots, platform, python, into))
            note = f"index, {len(found[-1].wheels)} of them"
            tell(Progress(key=key, phase="done", source="index", note=note))
    return found


def _house(roots: Iterable[str], platform: Platform, python: str, into: Path) -> House:
    here = {one.name: one for one in map(_read, sorted(into.glob("*.whl")))}
    surroundings = _surroundings(platform, python)
    asked = {name: _exact(name) for name in _closure(roots, surroundings)}
    own = {name: one for name, one in here.items() if name in asked and _folder(name)}
    found = dict(own)
    while missing := {name: text for name, text in asked.items() if name not in found}:
        found |= _downloaded(missing, platform, python, into)
        asked |= _needed(found, asked, surroundings)
    return House(platform=str(platform), python=python, wheels=found)


def _downloaded(
    asked: Mapping[str, str], platform: Platform, python: str, into: Path
) -> dict[str, Wheel]:
    tags = [f"--platform={tag}" for tag in _tags(platform)]
    words = ("download", "--no-deps", "--only-binary=:all:", f"--python-version={python}", *tags)
    with tempfile.TemporaryDirectory(dir=into) as folder:
        _pip((*words, *asked.values()), Path(folder), f"{platform}, Python {python}")
        found: dict[str, Wheel] = {}
        for file in sorted(Path(folder).glob("*.whl")):
            one = _read(file.rename(into / file.name))
            found[one.name] = one
    lacking = sorted(asked.keys() - found.keys())
    if lacking:
        raise _cannot(f"{platform}, Python {python}", f"no wheel of {lacking[0]} came")
    return found


def _needed(
    found: Mapping[str, Wheel], asked: Mapping[str, str], surroundings: Mapping[str, str]
) -> dict[str, str]:
    # what is needed there and is not installed here has no version of ours
    lines = (line for one in found.values() for line in one.requires)
    needed = {name: text for name, text, _ in _asked(lines, surroundings, ())}
    return {name: text for name, text in needed.items() if name not in asked}


def _closure(
    roots: Iterable[str], surroundings: Mapping[str, str] | None = None
) -> dict[str, set[str]]:
    """Return installed distributions and their extras, from some roots on."""
    there = surroundings or _surroundings(None, "")
    found: dict[str, set[str]] = {}
    left = [(str(canonicalize_name(root)), frozenset[str]()) for root in roots]
    while left:
        name, extras = left.pop()
        known = found.get(name)
        if known is not None and extras <= known:
            continue
        try:
            lines = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:
            continue  # it is needed elsewhere alone
        found[name] = (known or set()) | extras
        left += [(one, more) for one, _, more in _asked(lines, there, found[name])]
    return found


def _asked(
    lines: Iterable[str], surroundings: Mapping[str, str], extras: Iterable[str]
) -> Iterator[tuple[str, str, frozenset[str]]]:
    for line in lines:
        try:
            one = Requirement(line)
        except InvalidRequirement:
            continue  # pip will say so
        marker, chosen = one.marker, [*extras] or [""]
        if marker is None or any(marker.evaluate({**surroundings, "extra": x}) for x in chosen):
            name = canonicalize_name(one.name)
            yield name, f"{name}{one.specifier}", frozenset(one.extras)


def _surroundings(platform: Platform | None, python: str) -> dict[str, str]:
    known: dict[str, str] = {key: str(value) for key, value in default_environment().items()}
    if platform is None:
        return known
    return known | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform.os,
        "platform_system": platform.os.capitalize(),
        "platform_machine": _machine(platform),
    }


def _machine(platform: Platform) -> str:
    if platform.os == "darwin" and platform.arch == "arm64":
        return "arm64"
    return ARCHES.get(platform.arch, platform.arch)


def _tags(platform: Platform) -> list[str]:
    if platform.os == "darwin":
        return [f"macosx_{MACOS}_0_{_machine(platform)}"]
    machine = _machine(platform)
    return [*(f"manylinux_2_{minor}_{machine}" for minor in GLIBC), f"manylinux2014_{machine}"]


def _exact(name: str) -> str:
    return f"{name}=={metadata.version(name)}"


def _folder(name: str) -> Path | None:
    # where a distribution was installed from, if that was a folder
    origin = metadata.distribution(name).read_text("direct_url.json")
    data: Any = json.loads(origin) if origin else {}
    if "dir_info" not in data:
        return None
    return Path(unquote(urlsplit(data["url"]).path))


def _pip(words: Sequence[str], into: Path, what: str) -> None:
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    where = "--wheel-dir" if words[0] == "wheel" else "--dest"
    argv = [*pip.COMMAND, words[0], *quiet, where, str(into), *words[1:]]
    with tempfile.TemporaryDirectory(dir=into) as folder:
        done = run(
            argv,
            env=pip.environment(),
            folder=Path(folder),
            deadline=pip.DEADLINE,
            stop=Stop(),
            hear=lambda _: None,
        )
    if done.code:
        raise _cannot(what, f"pip: {pip.last_line(done.lines)}")


def _read(file: Path) -> Wheel:
    with zipfile.ZipFile(file) as opened:
        inside = next(one for one in opened.namelist() if one.endswith(".dist-info/METADATA"))
        raw, _ = parse_email(opened.read(inside))
    return Wheel(
        file=file,
        name=canonicalize_name(raw["name"]),
        version=raw["version"],
        digest=sha256_of(file),
        licence=_licence(raw.get("license_expression", ""), raw.get("license", "")),
        requires=tuple(raw.get("requires_dist", ())),
    )


def _licence(expression: str, text: str) -> str:
    # some put the whole text there
    return expression or (text if len(text.splitlines()) == 1 else "")


def _cannot(what: str, why: str) -> FetchError:
    return FetchError(
        f'cannot gather the wheels for "{what}": {why}',
        reference="wheels-missing",
        subject=what,
        hint="is the index in reach? wheels of a folder of yours are found by PIP_FIND_LINKS",
    )
