"""``Module`` and ``OnPath``: programs that are here already."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booty.errors import FetchError
from booty.fetch import executable
from booty.fetch.integrity import sha256_of
from booty.fetch.request import Refused, Request
from booty.model.plan import Artifact

if TYPE_CHECKING:
    from booty.model.source import Module, OnPath

__all__ = ["ModuleDriver", "OnPathDriver"]

ANSWER: Final = 10.0
"""Seconds that a program may take to print its version."""
_ADDED: Final = re.compile(
    r"^\.\.|__pycache__/|\.pth$|\.dist-info/(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_.*)$"
)


class ModuleDriver:
    """A module of an installed distribution, run by booty's own interpreter."""

    def probe(self, source: Module, request: Request) -> None:
        """See that the distribution is installed."""
        _distribution(source, request)

    def get(self, source: Module, request: Request) -> Artifact:
        """Record the distribution, its version and the digest of its RECORD."""
        found = _distribution(source, request)
        interpreter = Path(sys.executable)
        return Artifact(
            key=request.wish.key,
            program=request.wish.component.program,
            version=request.wish.version,
            platform=str(request.platform),
            source=source.name,
            url=f"dist:{source.distribution}=={found.version}",
            digest=_digest(found.read_text("RECORD") or ""),
            trust=f"installed distribution {source.distribution} {found.version}",
            path=str(interpreter.parent),
            executable=interpreter.name,
            args=("-m", source.module),
        )


def _digest(record: str) -> str:
    # what installers add differs from machine to machine: the rest came with the wheel
    lines = [line for line in sorted(record.splitlines()) if not _ADDED.search(line.split(",")[0])]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _distribution(source: Module, request: Request) -> metadata.Distribution:
    try:
        return metadata.distribution(source.distribution)
    except metadata.PackageNotFoundError as error:
        why = f"distribution {source.distribution} is not installed ({request.wish.key})"
        raise Refused(why) from error


class OnPathDriver:
    """A program that the user has; recorded, and called "yours"."""

    def probe(self, source: OnPath, request: Request) -> None:
        """See that it is there."""
        _find(source, request)

    def get(self, source: OnPath, request: Request) -> Artifact:
        """Ask its version, record its digest."""
        path = _find(source, request)
        executable.check(path, request.platform)
        said = _version(source, path)
        _refuse_another(request, path, said)
        return Artifact(
            key=request.wish.key,
            program=request.wish.component.program,
            version=request.wish.version or said,
            platform=str(request.platform),
            source=source.name,
            url=f"file:{path}",
            digest=sha256_of(path),
            size=path.stat().st_size,
            trust=f"yours, says version {said or 'nothing'}" if source.version_args else "yours",
            path=str(path.parent),
            executable=path.name,
        )


def _find(source: OnPath, request: Request) -> Path:
    wanted = request.wish.binary or source.binary or request.wish.component.program
    if os.sep in wanted:
        if not Path(wanted).exists():
            raise FetchError(
                f'cannot find "{wanted}": there is no such file',
                reference="program-missing",
                subject=request.wish.key,
                hint="check the path in booty.toml: binary, or path of source",
            )
        return _pinned(Path(wanted))
    found = shutil.which(wanted)
    if found is None:
        raise Refused(f'no "{wanted}" on PATH')
    return _pinned(Path(found))


def _pinned(path: Path) -> Path:
    # where a link leads may change under a running stack; but what goes by its own name, as the
    # one file behind many commands does, is nothing without it
    found = path.resolve()
    return found if found.name == path.name else path.absolute()


def _refuse_another(request: Request, path: Path, said: str) -> None:
    wanted = request.wish.version
    if wanted and said and not re.match(rf"{re.escape(wanted)}(?![\w.])", said):
        raise Refused(f'"{path}" says version {said}')


def _version(source: OnPath, path: Path) -> str:
    if not source.version_args:
        return ""  # one that is not to be asked might do anything at all when it is run
    try:
        done = subprocess.run(
            [str(path), *source.version_args],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=ANSWER,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # a program that cannot say its version is still the user's own
    found = re.search(source.version_pattern, done.stdout + done.stderr)
    return found[1] if found else ""
