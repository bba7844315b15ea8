"""What ``doctor`` looks at on a machine."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from booty.model.problem import Problem

__all__ = ["checks"]

OLDEST: Final = (3, 11)
FILES: Final = 4096
WATCHES: Final = 8192
ROOM: Final = 2 << 30
INDEX_LIMIT: Final = 5.0
NETWORK: Final = frozenset(("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"))


def checks() -> Iterator[Problem]:
    """Look at everything; each finding says what was found and what to do."""
    for check in (
        _python, _kernel, _files, _processes, _inotify, _ports, _index, _room, _file_system,
        _runtime, _linger, _first_process,
    ):  # fmt: skip
        yield check()


def _ok(name: str, message: str) -> Problem:
    return Problem(id=name, level="ok", message=message)


def _python() -> Problem:
    found = platform.python_version()
    if sys.version_info[:2] >= OLDEST:
        return _ok("python", f"Python {found}")
    return Problem(
        id="python", level="error", message=f"Python {found} is too old", fix="use Python 3.11"
    )


def _kernel() -> Problem:
    words = f"{platform.system()} {platform.release()}"
    if not sys.platform.startswith("linux"):
        return Problem(id="kernel", level="info", message=f"{words}: kqueue in place of pidfd")
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError):
        return Problem(
            id="kernel",
            level="error",
            message=f"{words} has no pidfd",
            fix="Linux 5.3 or newer; in a container, allow pidfd_open",
        )
    return _ok("kernel", f"{words} with pidfd")


def _files() -> Problem:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= FILES:
        return _ok("open-files", f"at most {hard} open files")
    fix = f"ulimit -Hn {FILES}, or LimitNOFILE= of the systemd unit"
    return Problem(id="open-files", level="warning", message=f"at most {hard} open files", fix=fix)


def _processes() -> Problem:
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft == resource.RLIM_INFINITY or soft >= 1024:  # noqa: PLR2004 - two for each of 500
        return _ok("processes", "enough processes are allowed")
    return Problem(
        id="processes",
        level="warning",
        message=f"at most {soft} processes of this user",
        fix="ulimit -u 4096",
    )


def _inotify() -> Problem:
    from booty.run.inotify import open_inotify

    handle = open_inotify(["/"])
    if handle is None:
        return Problem(
            id="inotify",
            level="warning",
            message="no inotify is left: what is waited for is looked at every 50 ms",
            fix="sysctl fs.inotify.max_user_instances=1024",
        )
    os.close(handle)
    return _ok("inotify", "events of files can be had")


def _ports() -> Problem:
    from booty.run.ports import busy_ports, ephemeral

    low, high = ephemeral()
    busy = len(busy_ports())
    words = "1 port is" if busy == 1 else f"{busy} ports are"
    return _ok("ports", f"{words} listened on; the kernel gives out {low} to {high}")


def _index() -> Problem:
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "--dest", os.devnull]
    argv += ["--retries", "0", "--timeout", "2", "--disable-pip-version-check", "booty-no-such"]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=INDEX_LIMIT
        )
    except (OSError, subprocess.TimeoutExpired):
        return _no_index("it did not answer")
    if "No matching distribution" in done.stderr and "retrying" not in done.stderr.lower():
        return _ok("index", "a Python package index answers")
    return _no_index(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no answer")


def _no_index(why: str) -> Problem:
    return Problem(
        id="index",
        level="info",
        message=f"no Python package index: {why[:120]}",
        fix="what is in the store can be used; pip config set global.index-url URL",
    )


def _room() -> Problem:
    from booty import paths

    place = _existing(paths.store())
    free = shutil.disk_usage(place).free
    if free >= ROOM:
        return _ok("room", f"{free >> 30} GiB free for the store")
    return Problem(
        id="room",
        level="warning",
        message=f"{free >> 20} MiB free for the store at {place}",
        fix="make room, or set BOOTY_HOME",
    )


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _file_system() -> Problem:
    here = Path.cwd()
    kind = _mounted(here)
    if not os.access(here, os.W_OK):
        return Problem(
            id="file-system",
            level="warning",
            message=f"{here} cannot be written",
            fix='[stack] state-dir = "/a/folder/of/yours"',
        )
    if kind in NETWORK:
        return Problem(
            id="file-system",
            level="warning",
            message=f"{here} is on {kind}: locks and events may not work",
            fix='[stack] state-dir = "/a/local/folder"',
        )
    return _ok("file-system", f"{here} can be written ({kind or 'unknown kind'})")


def _mounted(path: Path) -> str:
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return ""
    mounts = [line.split()[1:3] for line in lines]
    fitting = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    return max(fitting, key=lambda one: len(one[0]))[1] if fitting else ""


def _runtime() -> Problem:
    from booty.run import runtime

    places = [Path(place) for place in runtime.candidates(dict(os.environ))]
    usable = [place for place in places if _takes_sockets(place)]
    if not usable:
        return Problem(
            id="runtime-dir",
            level="error",
            message=f"no place for sockets: {' and '.join(map(str, places))} cannot be written",
            fix="set XDG_RUNTIME_DIR to a folder of your own",
        )
    if usable[0] == places[0] or _fits(places[0]):
        return _ok("runtime-dir", f"sockets go below {usable[0].parent}")
    return Problem(
        id="runtime-dir",
        level="warning",
        message=f"{places[0]} is too long for a socket; {usable[0].parent} is used",
        fix="set XDG_RUNTIME_DIR to a shorter folder",
    )


def _fits(place: Path) -> bool:
    from booty.run import runtime

    try:
        runtime.address(f"{place}/{'0' * 16}/control.sock")
    except runtime.SocketPathError:
        return False
    return True


def _takes_sockets(place: Path) -> bool:
    mine = not place.exists() or place.stat().st_uid == os.getuid()
    there = place if place.exists() else place.parent
    return mine and os.access(there, os.W_OK | os.X_OK) and _fits(place)


def _linger() -> Problem:
    user = os.environ.get("USER", "")
    if os.getuid() == 0 or not Path("/run/systemd/system").exists():
        return _ok("linger", "nothing ends processes at log-out")
    if Path(f"/var/lib/systemd/linger/{user}").exists():
        return _ok("linger", "processes outlive the log-out")
    return Problem(
        id="linger",
        level="info",
        message="systemd may end the stack when you log out",
        fix=f"loginctl enable-linger {user}",
    )


def _first_process() -> Problem:
    try:
        name = Path("/proc/1/comm").read_text().strip()
    except OSError:
        name = "unknown"
    inside = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    where = "in a container" if inside else "on a machine"
    return _ok("first-process", f"{where}; process 1 is {name}")
