"""What the Go toolchain wrote into a program, judged; never the version that it prints."""

from __future__ import annotations

import base64
import binascii
import subprocess
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.errors import VerifyError
from booty.fetch import toolchain
from booty.fetch.request import Refused

if TYPE_CHECKING:
    from booty.fetch.go_build import Build

__all__ = ["BuildInfo", "Dependency", "judged", "parse"]

ANSWER: Final = 60.0
"""Seconds that ``go version -m`` may take; it reads one file."""
_SUM: Final = "h1:"
_WIDTH: Final = 32


@frozen
class Dependency:
    """A module that went into a program.

    Attributes:
        path: the module's path.
        version: its exact version.
        total: its sum, ``h1:`` and a sha256 in base64; empty = nobody knows one.
    """

    path: str
    version: str
    total: str

    @property
    def digest(self) -> str:
        """The sha256 of the sum in hex; empty if there is none."""
        try:
            raw = base64.b64decode(self.total.removeprefix(_SUM), validate=True)
        except binascii.Error:
            return ""
        return raw.hex() if self.total.startswith(_SUM) and len(raw) == _WIDTH else ""


@frozen(kw_only=True)
class BuildInfo:
    """What ``go version -m`` tells of a program.

    Attributes:
        toolchain: ``go1.26.8``.
        package: path of the main package.
        main: the module that it belongs to.
        others: the modules that it was built with, as they were replaced.
        settings: ``CGO_ENABLED``, ``GOOS``, ``-trimpath`` and the like.
    """

    toolchain: str
    package: str
    main: Dependency
    others: tuple[Dependency, ...]
    settings: Mapping[str, str]


def parse(text: str) -> BuildInfo:
    """Read what ``go version -m`` printed.

    Raises:
        ValueError: it holds no build information.
    """
    head, *lines = text.splitlines()
    rows = [line.strip("\t").split("\t") for line in lines]
    modules = list(_modules(rows))
    settings = dict(row[1].split("=", 1) for row in rows if row[0] == "build" and "=" in row[1])
    package = next((row[1] for row in rows if row[0] == "path"), "")
    if not modules or not package:
        raise ValueError(text)
    return BuildInfo(
        toolchain=head.rpartition(": ")[2].split(" ")[0],
        package=package,
        main=modules[0],
        others=tuple(modules[1:]),
        settings=settings,
    )


def _modules(rows: list[list[str]]) -> Iterator[Dependency]:
    # a line "=>" takes the place of the one before it
    for row, after in zip(rows, [*rows[1:], [""]], strict=True):
        if row[0] == "=>" or (row[0] in {"mod", "dep"} and after[0] != "=>"):
            _, path, version, total, *_ = [*row, "", "", ""]
            yield Dependency(path, version, total)


def judged(build: Build) -> BuildInfo:
    """Return what a build's programs say of themselves.

    Raises:
        VerifyError: one is not what was asked for, or holds what nothing vouches for.
    """
    infos = [_read(build, name) for name in sorted(one.name for one in build.out.iterdir())]
    for info in infos:
        _judge(info, build)
    own = [info for info in infos if info.package == build.packages[0]]
    if not own:
        raise _refused(build, f"no program of {build.packages[0]} was built")
    return own[0]


def _read(build: Build, name: str) -> BuildInfo:
    try:
        done = subprocess.run(
            [build.toolchain.go, "version", "-m", build.out / name],
            capture_output=True,
            check=True,
            cwd="/",
            env=build.environment() | {"GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=ANSWER,
        )
        return parse(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"go version -m does not answer: {type(error).__name__}") from error
    except ValueError as error:
        raise _refused(build, f'"{name}" does not say what it was built from') from error


def _judge(info: BuildInfo, build: Build) -> None:
    source, locked = build.source, build.request.locked
    wanted = (source.module, build.release)
    if info.package not in build.packages or (info.main.path, info.main.version) != wanted:
        found = f"{info.package} of {info.main.path} {info.main.version}"
        raise _refused(build, f"it was built from {found}, not from {' '.join(wanted)}")
    for one in (info.main, *info.others):
        known = f"{one.path} {one.version}" in source.sums
        missed = not known and toolchain.unvouched(build.toolchain.settings, one.path)
        if missed or not one.digest:
            raise _refused(build, f"nothing vouches for its module {one.path} {one.version}")
    if locked and locked.digest and locked.digest != info.main.digest:
        why = f"its sum is {info.main.total}, booty.lock says {locked.h1 or locked.digest}"
        raise _refused(build, why)
    _judge_settings(info, build)


def _judge_settings(info: BuildInfo, build: Build) -> None:
    platform = build.request.platform
    wanted = {
        "GOOS": platform.os,
        "GOARCH": platform.arch,
        "CGO_ENABLED": "1" if build.source.cgo else "0",
        "-trimpath": "true",
    }
    for name, value in wanted.items():
        if info.settings.get(name) != value:
            raise _refused(build, f"it was built with {name}={info.settings.get(name)}")
    if build.source.toolchain and info.toolchain != build.source.toolchain:
        raise _refused(build, f"it was built by {info.toolchain}, not by {build.source.toolchain}")


def _refused(build: Build, why: str) -> VerifyError:
    return VerifyError(
        f"cannot trust what was built for {build.request.wish.key}: {why}",
        reference="build-mismatch",
        subject=build.request.wish.key,
        hint="nothing of it was kept; find out what the module proxy gives, and why",
    )
