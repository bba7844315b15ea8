"""What is written for an instance before it starts: folders, files, the marker of its data."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Any, Final

from booty.supervise import formats, state
from booty.supervise.fill import fill, holds_secret
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.fill import Values

__all__ = [
    "environment",
    "make_folders",
    "mark_left",
    "marker",
    "place",
    "read_blob",
    "refuse_older",
    "set_aside",
    "stage",
    "write_marker",
    "write_private",
]

MARKER: Final = ".booty-data"


def make_folders(entry: dict[str, Any], values: Values, before: dict[str, Any]) -> bool:
    """Make the folders of an instance.

    Args:
        entry: its entry.
        values: what references stand for.
        before: what is written about its data, see :func:`marker`.

    Returns:
        Whether its data folder is new.

    Raises:
        OSError: they cannot be made.
    """
    name = entry["name"]
    new = not before and not os.path.exists(f"{values.data(name)}/{MARKER}")
    own = (values.data(name), values.config(name), values.run(name))
    for folder in dict.fromkeys((*own, *fill(entry["dirs"], values.lookup(name)))):
        if not os.path.isdir(folder):
            os.makedirs(folder, 0o700, exist_ok=True)
    return new


def marker(name: str, values: Values) -> dict[str, Any]:
    """Return what is written about an instance's data; empty if nothing is.

    Raises:
        ControlError: a newer booty wrote it.
    """
    path = f"{values.data(name)}/{MARKER}"
    try:
        found = state.read_json(path) or {}
    except ValueError:
        return {}
    formats.refuse_newer("data", found, path)
    return formats.sound("data", found)


def write_marker(
    entry: dict[str, Any], stack_id: str, values: Values, before: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Write down who owns a data folder, and which version wrote it.

    Args:
        entry: the instance's entry.
        stack_id: the stack's id.
        values: what references stand for.
        before: what is written there, see :func:`marker`.
        **more: what else shall stand there.

    Returns:
        What is written there now.

    Raises:
        OSError: it cannot be written.
    """
    name = entry["name"]
    now = {"format": 1, "stack": stack_id, "instance": name, "version": entry["version"]}
    after = {"prepared": False, **before, **now, "component": entry["component"], **more}
    if after != before:
        state.write_json(f"{values.data(name)}/{MARKER}", after, sync=True)
    return after


def mark_left(name: str, values: Values) -> None:
    """Write down that a data folder is that of an instance which has left its service.

    Raises:
        OSError: it cannot be written.
    """
    if before := marker(name, values):
        state.write_json(f"{values.data(name)}/{MARKER}", {**before, "left": True}, sync=True)


def set_aside(entry: dict[str, Any], values: Values, before: dict[str, Any]) -> str:
    """Move the data of an instance that has left out of the way of one with its name.

    Args:
        entry: its entry.
        values: what references stand for.
        before: what is written about its data, see :func:`marker`; as it is afterwards.

    Returns:
        The folder's new name in ``data/``; empty if nothing was moved.

    Raises:
        OSError: it cannot be moved.
    """
    name = entry["name"]
    if not before.get("left"):
        return ""
    if entry.get("rejoins"):
        del before["left"]
        state.write_json(f"{values.data(name)}/{MARKER}", before, sync=True)
        return ""
    number = 1
    while os.path.lexists(values.data(f"{name}.left-{number}")):
        number += 1
    os.rename(values.data(name), values.data(f"{name}.left-{number}"))
    before.clear()
    return f"{name}.left-{number}"


def refuse_older(entry: dict[str, Any], before: dict[str, Any]) -> None:
    """Refuse to start an older program on data that a newer one wrote.

    Args:
        entry: the instance's entry.
        before: what is written about its data, see :func:`marker`.

    Raises:
        ControlError: it is older.
    """
    wrote = str(before.get("version") or "")
    if entry.get("older_on_newer") or not wrote or not entry["version"]:
        return
    if _older(entry["version"], wrote):
        raise ControlError.of(
            f'cannot start "{entry["name"]}" with version {entry["version"]}: its data was'
            f" written by {wrote}",
            reference="older-program",
            status=10,
            subject=entry["name"],
            hint=f'write version = "{wrote}", or booty destroy {entry["service"]}',
        )


def _older(version: str, than: str) -> bool:
    # of one form: number by number; else as far as there are dotted numbers
    one, other = re.split(r"(\d+)", version), re.split(r"(\d+)", than)
    if one[::2] == other[::2]:
        return [int(part) for part in one[1::2]] < [int(part) for part in other[1::2]]
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def stage(entry: dict[str, Any], values: Values, blob: Any) -> str:
    """Write an instance's files into a folder beside its config folder, for its own check.

    Args:
        entry: its entry; file paths lie below config or run folder.
        values: what references stand for.
        blob: returns a large file's text by digest.

    Returns:
        The staged folder.

    Raises:
        OSError: the disk is full or read-only.
    """
    name = entry["name"]
    staged = f"{values.config(name)}.next"
    _remove(staged)
    os.makedirs(staged, 0o700)
    _write_all(entry, values.lookup(name, staged), blob)
    return staged


def place(entry: dict[str, Any], values: Values, blob: Any) -> None:
    """Write an instance's files where they belong, each in one step.

    Raises:
        OSError: the disk is full or read-only.
    """
    name = entry["name"]
    _write_all(entry, values.lookup(name), blob)
    _remove(f"{values.config(name)}.next")


def _remove(folder: str) -> None:
    if os.path.lexists(folder):
        import shutil  # brings four compressors into memory

        shutil.rmtree(folder, ignore_errors=True)


def _write_all(entry: dict[str, Any], lookup: Any, blob: Any) -> None:
    for path, file in entry["files"].items():
        text = file["content"] if file["blob"] is None else blob(file["blob"])
        target = fill(path, lookup)
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        write_private(target, fill(text, lookup), int(file["mode"]))


def write_private(target: str, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step; nobody else can read it at any moment."""
    new = f"{target}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        data = text.encode()
        while data:
            data = data[os.write(fd, data) :]
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    os.replace(new, target)


def environment(
    entry: dict[str, Any], base: dict[str, str], values: Values, config: str | None = None
) -> dict[str, str]:
    """Return the whole environment of an instance, secrets filled in.

    Args:
        entry: its entry.
        base: what every process of the stack gets.
        values: what references stand for.
        config: a staged config folder, for a check.
    """
    lookup = values.lookup(entry["name"], config)
    own: dict[str, str] = {}
    for name, text in entry["env"].items():
        value = fill(text, lookup)
        if entry.get("secrets_as") == "file" and holds_secret(text):
            path = f"{values.run(entry['name'])}/{name}"
            write_private(path, value)
            own[f"{name}_FILE"] = path
        else:
            own[name] = value
    return {**base, **own}


def read_blob(folder: state.Folder, digest: str) -> str:
    """Return a large file of a plan."""
    with open(folder.blob(digest), encoding="utf-8") as file:
        return file.read()
