"""Who a stack is: the id in its state folder, and its line in the user's registry."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from booty import paths
from booty.errors import ConfigError, ConflictError
from booty.run import locks, whole
from booty.stack import numbers, removed
from booty.stack.place import FILE, Place, is_there, read, registered
from booty.supervise import formats

__all__ = [
    "ensure",
    "forget",
    "mend",
    "planning_lock",
    "port_lease",
    "refuse_copy",
    "refuse_other_state",
    "register",
    "register_again",
]


def ensure(place: Place) -> str:
    """Return a stack's id; make the state folder and the id if there are none.

    Raises:
        ConflictError: the folder is a copy of another one that is still there.
        ConfigError: the folder cannot be written.
    """
    try:
        return _ensure(place)
    except OSError as error:
        raise _unwritable(place, error) from error


def _unwritable(place: Place, error: OSError) -> ConfigError:
    return ConfigError(
        f'cannot write to "{place.state}": {error.strerror}',
        reference="folder-unwritable",
        subject=str(place.state),
        hint='make it writable, make room, or set [stack] state-dir = "/other/folder"',
    )


def _ensure(place: Place) -> str:
    if not place.id:
        removed.refuse(place)
        _refuse_second(place)
    place.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in ("plans", "plans/blobs", "state", "data", "config", "logs", "traces", "locks"):
        (place.state / folder).mkdir(exist_ok=True, mode=0o700)
    ignore = place.state / ".gitignore"
    if not ignore.exists():
        whole.replace(ignore, b"*\n", 0o666)
    known = formats.sound("id", read(place.state / "id"))
    if "id" not in known and (place.state / "id").exists():
        raise _damaged(place)
    if "id" not in known:
        known = {"format": 1, "id": os.urandom(8).hex(), "root": str(place.root)}
        write(place.state / "id", known)
    elif known.get("root") != str(place.root):
        _moved(place, known)
        known["root"] = str(place.root)
        write(place.state / "id", known)
    return str(known["id"])


def _damaged(place: Place) -> ConfigError:
    # a new id would leave its secrets, and with them its data, behind
    file = place.state / "id"
    ids = [one["id"] for one in registered() if one["root"] == str(place.root)]
    entry = json.dumps({"format": 1, "id": ids[0], "root": str(place.root)}) if ids else ""
    return ConfigError(
        f'cannot read "{file}": it is damaged',
        reference="id-damaged",
        subject=str(file),
        hint=f"echo '{entry}' > {file}"
        if ids
        else f"put back a copy, or rm {file}: the stack then gets a new id and new secrets",
    )


def _moved(place: Place, known: dict[str, Any]) -> None:
    # a folder that was moved while nothing ran is taken over; a copy would share ports and secrets
    first = Path(str(known.get("root", "")))
    if locks.held(str(place.state / "supervisor.lock")):
        raise ConflictError(
            f'cannot use "{place.root}": it was moved from "{first}" while its stack runs',
            reference="moved-stack",
            subject=str(place.root),
            hint=f"mv {place.root} {first}, booty down, then move it",
        )
    other = first / place.state.relative_to(place.root) if _below(place) else place.state
    if other != place.state and read(other / "id").get("id") == known["id"]:
        raise ConflictError(
            f'cannot use "{place.root}": it is a copy of the stack in "{first}"',
            reference="copied-stack",
            subject=str(place.root),
            hint=f"rm {place.state}/id {place.state}/state/stack.json to make it a stack of its own"
            " (its data is kept)",
        )


def refuse_other_state(place: Place, wanted: str) -> None:
    """Refuse a ``state-dir`` that is not where the stack's state is; writes nothing.

    Args:
        place: the stack.
        wanted: the state folder that the file asks for, absolute.

    Raises:
        ConflictError: the state is elsewhere, or the stack has another one that is still there.
    """
    if wanted != str(place.state):
        raise _other_state(place.state, wanted)
    _refuse_second(place)


def _refuse_second(place: Place) -> None:
    for one in registered():
        state = Path(str(one.get("state")))
        same = (one["root"], one.get("file", FILE)) == (str(place.root), place.file.name)
        if same and one.get("id") != place.id and read(state / "id").get("id") == one["id"]:
            raise _other_state(state, str(place.state))


def _other_state(state: Path, wanted: str) -> ConflictError:
    return ConflictError(
        f'cannot use state-dir "{wanted}": the state of this stack is in "{state}"',
        reference="state-elsewhere",
        subject="stack.state-dir",
        hint=f"take the change back, booty down, then mv {state} {wanted} and change it again",
    )


def refuse_copy(place: Place) -> None:
    """Refuse a folder that is a copy of another one that is still there; writes nothing.

    Raises:
        ConflictError: it is one.
    """
    known = read(place.state / "id")
    if "id" in known and known.get("root") != str(place.root):
        _moved(place, known)


def _below(place: Place) -> bool:
    return place.state.is_relative_to(place.root)


def write(file: Path, data: dict[str, Any]) -> None:
    """Replace a JSON file in one step, mode 0600; it survives a loss of power."""
    whole.replace(file, whole.pretty(data), sync=True)


@contextmanager
def port_lease() -> Iterator[None]:
    """Hold the lock of all port numbers of this user, from the look at them until they are saved.

    Two commands that plan new stacks in one instant would else choose the same ones.
    """
    handle = None
    try:
        paths.registry().mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(paths.registry() / ".lease", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # register() tells why; until then there is nobody to share with
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def planning_lock(place: Place) -> Iterator[None]:
    """Hold ``plan.lock``: one command plans and hands over at a time.

    Raises:
        ConflictError: another command holds it; it is named.
        ConfigError: the folder cannot be written.
    """
    try:
        handle = os.open(place.state / "plan.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(place, error) from error
    try:
        _take(handle, place)
        yield
    finally:
        os.close(handle)


def _take(handle: int, place: Place) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another command"
        raise ConflictError(
            f'cannot plan now: "{holder}" is at work on this stack',
            reference="busy-planning",
            subject=str(place.root),
            hint="wait until it has ended",
        ) from error
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()} booty {' '.join(sys.argv[1:])}".encode()[:200], 0)
    except OSError as error:
        raise _unwritable(place, error) from error


def register(place: Place, name: str, ports: dict[str, int]) -> dict[str, Any]:
    """Write a stack's line into the registry, so that others avoid its ports.

    Returns:
        The line as it was before, empty if there was none.

    Raises:
        BootyError: the registry cannot be written.
    """
    try:
        paths.registry().mkdir(parents=True, exist_ok=True, mode=0o700)
        former = read(_line(place))
        entry = {
            "format": 1,
            "id": place.id,
            "root": str(place.root),
            "file": place.file.name,
            "state": str(place.state),
            "name": name,
            "ports": ports,
        }
        if entry != former:
            write(_line(place), entry)
        if not former:
            _forget_gone(place)
    except OSError as error:
        raise ConfigError(
            f'cannot write to "{paths.registry()}": {error.strerror}',
            reference="registry-unwritable",
            subject=str(paths.registry()),
            hint="make it writable, or set BOOTY_HOME",
        ) from error

    return former


def _forget_gone(place: Place) -> None:
    # lines of stacks whose folder was removed, and of the one whose place this one has taken
    for one in registered():
        replaced = one["id"] != place.id and one.get("state") == str(place.state)
        gone = not os.path.exists(one["root"])  # noqa: PTH110 - one that may not be seen is no fault
        if (replaced or gone) and not is_there(one):
            (paths.registry() / f"{one['id']}.json").unlink(missing_ok=True)


def mend(place: Place) -> None:
    """Write a stack's line anew if it was lost: its ports are its own also while it is stopped."""
    if read(_line(place)).get("id") != place.id:
        label = place.stack.get("stack", {}).get("name") or place.root.name
        register(place, str(label), numbers.ports(place))


def register_again(place: Place, former: dict[str, Any]) -> None:
    """Put back what :func:`register` has replaced: the plan that it was for does not hold."""
    with suppress(OSError):
        if former:
            write(_line(place), former)
        else:
            _line(place).unlink(missing_ok=True)


def _line(place: Place) -> Path:
    return paths.registry() / f"{place.id}.json"


def forget(place: Place) -> None:
    """Remove a stack's registry line and its generated secrets."""
    import shutil  # brings four compressors into memory

    _line(place).unlink(missing_ok=True)
    if place.id:
        shutil.rmtree(paths.secret_store() / place.id, ignore_errors=True)
