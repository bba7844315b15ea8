"""One build by the Go toolchain: the module of ours, the environment, the two commands."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.errors import VerifyError
from booty.fetch import command
from booty.fetch.progress import Progress
from booty.fetch.request import Refused, Request
from booty.fetch.store import unwritable

if TYPE_CHECKING:
    from booty.fetch.lock import Locked
    from booty.fetch.toolchain import Toolchain
    from booty.model.source import GoInstall

__all__ = ["Build", "TooOld", "proxies"]

_OWN: Final = re.compile(r"(GO|CGO_)[A-Z0-9_]*$")
_KEPT: Final = ("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOAUTH",
                "GOVCS")  # fmt: skip
_NEEDS: Final = re.compile(r"requires go >= (\d[\d.]*)")
TOLD_EVERY: Final = 25
"""Packages between two words of progress."""


class TooOld(Refused):
    """A module needs a newer Go than the one that was to build it.

    Args:
        why: the text.
        needs: the oldest that does.
    """

    def __init__(self, why: str, needs: str) -> None:
        super().__init__(why)
        self.needs = needs


@frozen(kw_only=True)
class Build:
    """What is built, by what and where.

    Attributes:
        source: the declaration.
        request: what is asked.
        release: the module's version.
        toolchain: the go command.
        exact: the one toolchain that is to be used; empty = the go command's own.
        folder: an empty folder of ours; caches, our module and the programs go there.
        ends: when it is given up, monotonic seconds.
    """

    source: GoInstall
    request: Request
    release: str
    toolchain: Toolchain
    exact: str
    folder: Path
    ends: float

    @property
    def out(self) -> Path:
        """The folder of the built programs."""
        return self.folder / "out"

    @property
    def program(self) -> str:
        """The name that the go command gives to the program."""
        parts = self.packages[0].split("/")
        # the last element, but for a major version
        return parts[-2] if len(parts) > 1 and re.fullmatch(r"v\d+", parts[-1]) else parts[-1]

    @property
    def packages(self) -> tuple[str, ...]:
        """The main packages, the program's own first."""
        return self.source.packages or (self.source.module,)

    def run(self) -> None:
        """Download and build.

        Raises:
            Refused: it cannot be built here; the toolchain's own words say why.
            FetchError: the disk is full.
            CancelledError: it was interrupted.
        """
        (self.folder / "go.mod").write_text(_mod(self.source, self.release))
        (self.folder / "go.sum").write_text(_sums(self.source, self.request.locked))
        self.out.mkdir(exist_ok=True)
        progress = _Progress(self.request, self.source.name)
        flags = ("-mod=mod", *(("-tags", ",".join(self.source.tags)) if self.source.tags else ()))
        mains = self.packages
        self.go(("list", "-deps", *flags, *mains), progress.listed)
        ldflags = " ".join(
            one.format(version=self.request.wish.version, release=self.release)
            for one in self.source.ldflags
        )
        out = f"{self.out}{os.sep}"
        build = ("build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out)
        self.go((*build, *flags, *mains), progress.built)

    def go(self, arguments: Sequence[str], hear: Callable[[str], None]) -> None:
        """Run the go command in our module."""
        try:
            said = command.run(
                (str(self.toolchain.go), *arguments),
                env=self.environment(),
                folder=self.folder,
                deadline=max(self.ends - time.monotonic(), 0.0),
                stop=self.request.stop,
                hear=hear,
            )
        except OSError as error:
            raise Refused(f"go cannot be started: {error.strerror}") from error
        if said.late:
            raise Refused(f"it took more than {self.source.deadline:g} s")
        if said.code:
            self._judge(said.lines)
            raise Refused(f"go {arguments[0]}: {_why(said.lines)}")

    def _judge(self, lines: Sequence[str]) -> None:
        if any(os.strerror(errno.ENOSPC).lower() in line.lower() for line in lines):
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise unwritable(self.request.downloads, full)
        lying = [line for line in lines if "checksum mismatch" in line or "SECURITY ERROR" in line]
        if lying:
            raise self._untrue(lying[0].strip())
        needed = [found for line in lines if (found := _NEEDS.search(line))]
        if needed and not self.exact:
            raise TooOld(needed[0].string.strip(), needed[0][1])

    def _untrue(self, why: str) -> VerifyError:
        return VerifyError(
            f"cannot trust a module of {self.request.wish.key}: {why}",
            reference="digest-mismatch",
            subject=self.request.wish.key,
            hint="nothing was built; the module proxy gives another file than was recorded",
        )

    def environment(self) -> dict[str, str]:
        """Return the environment: the user's own, without what would change the bytes."""
        kept = {key: value for key, value in os.environ.items() if not _OWN.match(key)}
        users = {key: self.toolchain.settings.get(key, "") for key in _KEPT}
        platform = self.request.platform
        return kept | users | {
            "GOPROXY": proxies(users["GOPROXY"], self.request.mirrors),
            "GOENV": "off",
            "GOWORK": "off",
            "GO111MODULE": "on",
            "GOFLAGS": "-modcacherw",  # so that it can be removed
            "GOTOOLCHAIN": self.exact or "local",
            "GOOS": platform.os,
            "GOARCH": platform.arch,
            "CGO_ENABLED": "1" if self.source.cgo else "0",
            "GOPATH": str(self.folder / "path"),
            "GOMODCACHE": str(self.folder / "modules"),
            "GOCACHE": str(self.folder / "cache"),
            "GOTMPDIR": str(self.folder),
        }  # fmt: skip


def proxies(setting: str, mirrors: Mapping[str, str]) -> str:
    """Return ``GOPROXY`` with its hosts replaced as the user's mirrors say."""
    from booty.fetch.address import mirrored

    parts = re.split(r"([,|])", setting)
    return "".join(mirrored(one, mirrors) if one.startswith("http") else one for one in parts)


def _mod(source: GoInstall, release: str) -> str:
    lines = ["module booty.invalid/build", "", f"go {source.needs}", ""]
    wanted = {source.module: release, **source.requires}
    lines += [f"require {name} {version}" for name, version in wanted.items()]
    lines += [f"replace {old} => {new}" for old, new in source.replaces.items()]
    lines += [f"exclude {one}" for one in source.excludes]
    return "\n".join(lines) + "\n"


def _sums(source: GoInstall, locked: Locked | None) -> str:
    lines = [f"{name} {total}" for name, total in source.sums.items()]
    lines += [f"{locked.module} {locked.h1}"] if locked and locked.module and locked.h1 else []
    return "".join(f"{line}\n" for line in lines)


def _why(lines: Sequence[str]) -> str:
    told = [line.strip() for line in lines if line.strip()]
    faults = [one for one in told if not one.startswith("go: downloading")]
    return ": ".join((faults or told or ["it says nothing"])[-2:])


class _Progress:
    """Counts what the go command says."""

    def __init__(self, request: Request, source: str) -> None:
        self._request = request
        self._source = source
        self._modules = 0
        self._packages = 0
        self._built = 0

    def listed(self, line: str) -> None:
        """Hear ``go list -deps``: one line for a module that comes, one for a package."""
        if line.startswith("go: downloading "):
            self._modules += 1
            self._tell("downloading", f"{self._modules} modules")
        elif not line.startswith("go: "):
            self._packages += 1

    def built(self, line: str) -> None:
        """Hear ``go build -v``: one line for a package that is compiled."""
        if line.startswith(("go: ", "#", "\t")):
            return
        self._built += 1
        if self._built % TOLD_EVERY == 1:
            self._tell("building", f"{self._built} of {self._packages} packages")

    def _tell(self, phase: str, note: str) -> None:
        key = self._request.wish.key
        self._request.tell(Progress(key=key, phase=phase, source=self._source, note=note))
