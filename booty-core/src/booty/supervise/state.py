"""The state folder: readable JSON, written by rename, read by anybody."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Final

from booty.run import identity, locks, whole
from booty.supervise import formats, rows

__all__ = [
    "FORMAT",
    "LIVE",
    "Folder",
    "beside",
    "foreign",
    "kept",
    "quiet",
    "read",
    "read_json",
    "write_json",
]

FORMAT: Final = 1
COPY: Final = "copy"
"""Reason of what runs in the folder that this one was copied from."""
LASTING: Final = ("desired", "without", "scale")
"""What is known of a stack by what was flushed alone; all else is made again."""
LIVE: Final = frozenset({"starting", "bootstrapping", "ready", "degraded", "stopping"})
"""States in which an instance that is not external has a process."""


class Folder:
    """Paths in a state folder.

    Args:
        root: the folder, usually ``.booty`` beside booty.toml.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)
        self.lock = self.path("supervisor.lock")
        self.stack = self.path("state/stack.json")
        self.kept = beside(self.stack)
        self.instances = self.path("state/instances.jsonl")
        self.services = self.path("state/services")
        self.events = self.path("events.jsonl")
        self.traces = self.path("traces")
        self.logs = self.path("logs")

    def path(self, name: str) -> str:
        """Return the path of something in the folder."""
        return f"{self.root}/{name}"

    def service(self, name: str) -> str:
        """Return the state file of a service."""
        return f"{self.services}/{name}.json"

    def sheet(self, digest: str) -> str:
        """Return the run sheet of a plan."""
        return f"{self.root}/plans/{digest}.run.json"

    def blob(self, digest: str) -> str:
        """Return a large file of a plan."""
        return f"{self.root}/plans/blobs/{digest}"

    def log(self, name: str) -> str:
        """Return the log of an instance."""
        return f"{self.logs}/{name}.log"

    def logged(self) -> list[str]:
        """Return the instances that have a log, those included that are no longer planned."""
        names = [file.removesuffix(".log") for file in _listed(self.logs) if file.endswith(".log")]
        # beside them lie the watchers' log, and those of commands that have not ended
        return sorted(name for name in names if name.rpartition(".")[2].isdigit())

    def make(self) -> None:
        """Make the folders that the supervisor writes to.

        Raises:
            OSError: it cannot.
        """
        os.makedirs(self.root, 0o700, exist_ok=True)
        for folder in (self.services, self.traces, self.logs):
            os.makedirs(folder, 0o700, exist_ok=True)


def _listed(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def read_json(path: str) -> dict[str, Any] | None:
    """Return the object in a file; ``None`` if there is no file.

    Raises:
        ValueError: the file is cut or is no JSON object.
    """
    try:
        data = json.loads(whole.contents(path))
    except FileNotFoundError:
        return None
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds no object")  # noqa: TRY004 - one fault for one cause
    return data


def write_json(path: str, data: dict[str, Any], *, sync: bool = False, kept: str = "") -> None:
    """Replace a file in one step.

    Args:
        path: where; its folder exists.
        data: what.
        sync: whether it must survive a power failure, its name in the folder included.
        kept: a second name for it. A later content that is not flushed may be lost, and the one
            that it took the place of with it; this name goes on holding what was.

    Raises:
        OSError: the disk is full, read-only or gone; the old file is as it was.
    """
    staged = f"{path}.new"
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        body = json.dumps(data, ensure_ascii=False).encode() + b"\n"
        # a short write means a full disk: the rest fails with the reason
        while body:
            body = body[os.write(fd, body) :]
        if sync:
            whole.flush(fd)
        if kept:
            _also(staged, kept)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(staged)
        raise
    finally:
        os.close(fd)
    os.replace(staged, path)
    if sync:
        whole.flush_folder(os.path.dirname(path))


def beside(path: str) -> str:
    """Return the name by which the content of a file that was flushed last is kept."""
    return f"{path.removesuffix('.json')}.kept.json"


def _also(path: str, name: str) -> None:
    # as one that is looked for where the file itself is damaged: where it cannot be had, it is not
    with contextlib.suppress(OSError):
        os.link(path, f"{name}.new")
        os.replace(f"{name}.new", name)


def kept(folder: Folder) -> dict[str, Any]:
    """Return what is left of a stack's state where a loss of power has taken the rest."""
    found = formats.sound("stack", quiet(folder.kept) or {})
    return {name: found[name] for name in LASTING if name in found}


def quiet(path: str) -> dict[str, Any] | None:
    """Return the object in a file; ``None`` if it is missing, damaged or may not be read."""
    with contextlib.suppress(ValueError, OSError):
        return read_json(path)
    return None


def _rows(folder: Folder) -> list[dict[str, Any]]:
    try:
        found = rows.read(folder.instances)
    except OSError:
        return []
    return [{"pid": None, **row} for row in found.values()]


def foreign(stack: dict[str, Any] | None) -> bool:
    """Tell whether a stack's state was last written on another machine."""
    machine = (stack or {}).get("machine", {}).get("id")
    return machine is not None and machine != identity.machine_id()


def _gone(row: dict[str, Any]) -> str | None:
    # why a process that is on record cannot be there any more; None if it is there
    if row.get("boot") != identity.boot_id():
        return "reboot"
    if row.get("pidns") != identity.pid_namespace():
        return "gone"
    return None if identity.alive(row["pid"], row.get("start")) else "gone"


def corrected(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of state with a process that is gone taken out of it."""
    if not row.get("pid"):
        # an intent without a pid: the supervisor finds its child by the mark
        return row
    reason = _gone(row)
    return row if reason is None else _without_process(row, reason)


def _without_process(row: dict[str, Any], reason: str) -> dict[str, Any]:
    lost: dict[str, Any] = {"pid": None, "start": None}
    if row["state"] in LIVE:
        lost |= {"state": "stopped", "reason": reason, "exit": None, "health": None}
    return row | lost


def _copied(folder: Folder, stack: dict[str, Any] | None, *, watched: bool) -> bool:
    # whoever watches holds the lock of its own folder, also of one that was moved
    if stack is None or watched or "root" not in stack:
        return False
    if _alive(stack.get("supervisor")):
        return True
    first = Folder(os.path.join(str(stack.get("root")), os.path.basename(folder.root)))
    known = quiet(first.path("id"))
    same = known is not None and known == quiet(folder.path("id"))
    return same and not os.path.samefile(first.root, folder.root)


def _alive(who: dict[str, Any] | None) -> bool:
    return who is not None and identity.alive(who.get("pid"), who.get("start"))


def read(state_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the state of a stack as it is now; never writes, asks nobody.

    Args:
        state_dir: the state folder; need not exist.

    Returns:
        ``stack``: what ``state/stack.json`` holds, or ``None``; its ``supervisor`` and
        ``guardian`` are ``None`` if dead, ``unwatched`` is true if something runs and neither
        lives. ``instances``: the rows of ``state/instances.jsonl``, sorted by name, dead processes
        corrected to ``stopped`` with the reason ``reboot`` or ``gone``; in a copied folder all
        that runs in the first one, with the reason :data:`COPY`.
    """
    folder = Folder(state_dir)
    stack, found = quiet(folder.stack), _rows(folder)
    if stack is not None:
        stack = formats.sound("stack", stack)
    if stack is None and os.path.exists(folder.stack):
        # cut by a loss of power: of what runs the rows tell, and the newest plan
        newest = quiet(f"{folder.root}/plans/latest.json") or {}
        stack = {**kept(folder), "plan": newest.get("plan"), "damaged": True}
    if foreign(stack):
        return {"stack": stack, "instances": [row | {"foreign": True} for row in found]}
    watched = locks.held(folder.lock)
    if _copied(folder, stack, watched=watched):
        found = [_without_process(row, COPY) if row.get("pid") else row for row in found]
        stack = {**(stack or {}), "supervisor": None, "guardian": None}
    elif not watched:
        found = [corrected(row) for row in found]
    if stack is not None:
        stack = stack | {
            name: stack.get(name) if _alive(stack.get(name)) else None
            for name in ("supervisor", "guardian")
        }
        stack["unwatched"] = not watched and any(row.get("pid") for row in found)
    return {"stack": stack, "instances": found}
