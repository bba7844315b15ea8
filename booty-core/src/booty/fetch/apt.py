"""apt in a state of its own: lists and downloads are ours, sources and keys the system's."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.errors import VerifyError
from booty.fetch import command
from booty.fetch.request import Refused
from booty.fetch.store import unwritable

if TYPE_CHECKING:
    from booty.fetch.command import Stop

__all__ = ["SOON", "Apt", "Package", "missing"]

FRESH: Final = 6 * 3600.0
"""Seconds for which the lists are not asked for again."""
SOON: Final = 600.0
"""Likewise, where they lack something that is wanted."""
DEADLINE: Final = 600.0
"""Seconds that a download may take in all."""
ANSWER: Final = 120.0
"""Seconds that apt may take to look something up; after an update it reads all lists anew."""
_PROGRAMS: Final = ("apt-get", "apt-cache", "apt-config", "dpkg-deb")
_TRUSTED: Final = re.compile(r"\btrusted\s*[:=]\s*yes\b", re.IGNORECASE)
_INSTALL: Final = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_HOOKS: Final = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke",
                 "APT::Update::Post-Invoke-Success", "DPkg::Pre-Invoke", "DPkg::Post-Invoke",
                 "DPkg::Pre-Install-Pkgs")  # fmt: skip
_CONFIGURATION: Final = """
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Log "{folder}/log";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources.list.d";
APT::Sandbox::User "";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
APT::Color "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
Acquire::IndexTargets::deb-src::Sources::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
"""


@frozen(kw_only=True)
class Package:
    """One package at one version, as a signed list describes it.

    Attributes:
        name: of the package.
        version: in full, with epoch and revision.
        section: ``libs``, ``database``.
        sha256: of the file, in hex.
        size: of the file, in bytes.
        depends: names that it depends on, alternatives side by side.
        provides: other names that it goes by.
    """

    name: str
    version: str
    section: str
    sha256: str
    size: int
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def exact(self) -> str:
        """How apt is asked for exactly this one."""
        return f"{self.name}={self.version}"


def missing() -> str:
    """Return why there is no apt here; empty if there is."""
    lacking = [name for name in _PROGRAMS if not shutil.which(name)]
    return f"no {lacking[0]} on PATH: this is no Debian or Ubuntu" if lacking else ""


class Apt:
    """apt, run without root and without the system's hooks; it never installs anything.

    Sources that are trusted without a signature are left out: nothing would vouch for them.

    Args:
        folder: for lists and downloads; made when it is first used.
        stop: ends it from another thread.
        hear: called with a phrase when something takes long.

    Attributes:
        complaint: what apt had to say of its sources when it got the lists; empty = nothing.
    """

    def __init__(self, folder: Path, stop: Stop, hear: Callable[[str], None]) -> None:
        self._folder = folder
        self._stop = stop
        self._hear = hear
        self._stamp = folder / "updated"
        self.complaint = ""

    def update(self, within: float = FRESH) -> bool:
        """Get the lists of packages, if they are too old or the sources changed.

        Args:
            within: seconds that they may be old.

        Returns:
            Whether they were got.

        Raises:
            Refused: apt cannot get them.
        """
        digest = self._prepare()
        same = self._stamp.exists() and self._stamp.read_text() == digest
        if same and 0 <= time.time() - self._stamp.stat().st_mtime < within:
            return False
        self._hear("lists of packages")
        # one dead source of many is no fault: the packages may be in another
        self.complaint = _why(self._run("update"), ("E:", "W:"))
        self._stamp.write_text(digest)
        return True

    @property
    def listed(self) -> bool:
        """Whether there are lists, however old."""
        return self._stamp.exists()

    def versions(self, package: str) -> tuple[str, ...]:
        """Return the versions of a package that the sources have, newest first."""
        rows = [line.split("|") for line in self._ask("apt-cache", "madison", package)]
        found = [row[1].strip() for row in rows if len(row) > 2 and row[0].strip() == package]  # noqa: PLR2004 - name, version, place
        return tuple(dict.fromkeys(found))

    def closure(self, wanted: Sequence[str]) -> tuple[Package, ...]:
        """Return packages and all that they depend on, as if nothing were installed.

        Args:
            wanted: names, or ``name=version``.

        Raises:
            Refused: they cannot be installed together.
        """
        lines = self._ask("apt-get", "-s", "install", *wanted)
        chosen = [f"{found[1]}={found[2]}" for line in lines if (found := _INSTALL.match(line))]
        return tuple(_described(self._ask("apt-cache", "show", *chosen)))

    def download(self, packages: Iterable[Package], into: Path) -> None:
        """Download packages into a folder; apt checks each against its signed list.

        Raises:
            Refused: one cannot be had.
            VerifyError: one is not what the list says.
            FetchError: the disk is full.
        """
        self._run("download", *(one.exact for one in packages), into=into)

    def _run(self, *arguments: str, into: Path | None = None) -> tuple[str, ...]:
        # the working folder is removed if we are killed: never that of the lists
        scratch = into or self._folder / "run"
        scratch.mkdir(parents=True, exist_ok=True)
        argv = ("apt-get", "-q", "-c", str(self._folder / "apt.conf"), *arguments)
        said = command.run(
            argv,
            env=_environment(),
            folder=scratch,
            deadline=DEADLINE,
            stop=self._stop,
            hear=lambda _: None,
        )
        if any(os.strerror(errno.ENOSPC) in line for line in said.lines):
            raise unwritable(scratch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if any("Hash Sum mismatch" in line for line in said.lines) and into:
            raise VerifyError(
                f"cannot trust what apt downloaded: {_why(said.lines, ('E:', ''))}",
                reference="digest-mismatch",
                subject=arguments[-1],
                hint="nothing of it was kept; a mirror that is being filled is whole again soon",
            )
        if said.late:
            raise Refused(f"apt-get {arguments[0]} took more than {DEADLINE:g} s")
        if said.code:
            raise Refused(f"apt-get {arguments[0]}: {_why(said.lines, ('E:', ''))}")
        return said.lines

    def _ask(self, program: str, *arguments: str, own: str = "apt.conf") -> list[str]:
        ours = ("-c", str(self._folder / own)) if own else ()
        argv = [program, *ours, *arguments]
        try:
            done = subprocess.run(
                argv,
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                timeout=ANSWER,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(f"{program} does not answer: {type(error).__name__}") from error
        if done.returncode:
            why = _why((done.stdout + done.stderr).splitlines(), ("E:", ""))
            raise Refused(f"{program}: {why}")
        return done.stdout.splitlines()

    def _prepare(self) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # passwords may be in sources
        for name in ("state/lists/partial", "cache/archives/partial", "sources.list.d", "log"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").write_text("")  # nothing is installed
        clear = "".join(f"#clear {name};\n" for name in _HOOKS)
        text = clear + _CONFIGURATION.format(folder=self._folder)
        (self._folder / "apt.conf").write_text(text)
        return self._take_sources()

    def _take_sources(self) -> str:
        wanted = ("LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d")
        said = dict(
            line.split("=", 1) for line in self._ask("apt-config", "shell", *wanted, own="")
        )
        found = {name: Path(shlex.split(place)[0]) for name, place in said.items()}
        parts = sorted(found["PARTS"].glob("*")) if "PARTS" in found else []
        files = [found["LIST"], *parts] if "LIST" in found else parts
        own = self._folder / "sources.list.d"
        for old in own.iterdir():
            old.unlink()
        digest = hashlib.sha256()
        for number, file in enumerate(files):
            if file.is_file() and file.suffix in {".list", ".sources"}:
                text = _signed(file)
                (own / f"{number:03}{file.suffix}").write_text(text)
                digest.update(text.encode())
        return digest.hexdigest()


def _signed(file: Path) -> str:
    # without what is trusted by word alone
    between = "\n\n" if file.suffix == ".sources" else "\n"
    try:
        text = file.read_text()
    except (OSError, ValueError):
        return ""  # a source that only root may read, with a password in it
    pieces = re.split(r"\n\s*\n" if file.suffix == ".sources" else r"\n", text)
    return between.join(one for one in pieces if not _TRUSTED.search(one)) + "\n"


def _described(lines: Iterable[str]) -> Iterator[Package]:
    seen: set[tuple[str, str]] = set()
    for stanza in "\n".join(lines).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if _field(line))
        key = (fields.get("Package", ""), fields.get("Version", ""))
        if all(key) and key not in seen:
            seen.add(key)
            yield Package(
                name=key[0],
                version=key[1],
                section=fields.get("Section", "").rpartition("/")[2],
                sha256=fields.get("SHA256", ""),
                size=int(fields.get("Size", "0")),
                depends=_names(fields, "Depends", "Pre-Depends"),
                provides=_names(fields, "Provides"),
            )


def _names(fields: Mapping[str, str], *keys: str) -> tuple[str, ...]:
    text = ",".join(fields.get(key, "") for key in keys)
    return tuple(_NAME.findall(re.sub(r"\([^)]*\)", "", text)))


def _field(line: str) -> bool:
    return ": " in line and not line.startswith(" ")


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _why(lines: Sequence[str], starts: Sequence[str]) -> str:
    told = [line.strip() for line in lines if line.strip()]
    found = [one for start in starts for one in told if one.startswith(start)]
    return found[0] if found else ""
