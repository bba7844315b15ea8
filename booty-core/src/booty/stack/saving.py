"""Data of a service out to a folder and back in: whole, or not at all.

A backup is a folder: ``booty-backup.json`` says what it is of, ``data`` is what the provider wrote.
It is written beside its place under another name and takes its own when it is complete. What one
that was killed has left there goes with the next: a lock in it tells that nobody is at it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread

from booty.errors import (
    BootyError,
    BootyErrors,
    ConfigError,
    ConflictError,
    RunError,
)
from booty.providers import answers
from booty.run import locks
from booty.stack import resolve
from booty.supervise import state

if TYPE_CHECKING:
    from booty.model.instance import Service
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = ["FORMAT", "HEAD", "backup", "restore"]

FORMAT: Final = 1
HEAD: Final = "booty-backup.json"
DATA: Final = "data"
_MARK: Final = ".being-written"
"""The lock that whoever writes it holds, and by which we know a folder for ours."""
_PARTIAL: Final = re.compile(r"\..+\.[0-9a-f]{8}\.part")


async def backup(place: Place, name: str, out: str | Path) -> dict[str, Any]:
    """Write a service's data to a new folder.

    Args:
        place: the stack.
        name: the service; it runs.
        out: the folder; nothing is there yet.

    Returns:
        What the backup is of, as its ``booty-backup.json`` says.

    Raises:
        ConflictError: something is at ``out`` already, or the service is not running.
        ConfigError: no such service, or its provider knows no backup.
        RunError: it cannot be written.
        BootyError: what the provider said.
    """
    provider, service = await to_thread.run_sync(_asked, place, name, "backup")
    partial, final, lock = await to_thread.run_sync(_begin, Path(out))
    head = _head(place, service)
    try:
        await _called(provider, "backup", service=service, out=str(partial / DATA))
        await to_thread.run_sync(_settle, partial, final, head)
    except OSError as error:
        raise _unwritable(final, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # made here; after the rename it is gone
        os.close(lock)
    return head


async def restore(place: Place, name: str, source: str | Path) -> dict[str, Any]:
    """Put back what :func:`backup` wrote.

    Args:
        place: the stack.
        name: the service; it runs.
        source: the folder.

    Returns:
        What the backup is of.

    Raises:
        ConflictError: the service is not running.
        ConfigError: no such service, its provider knows no restore, or the folder is no backup of
            one of its kind.
        BootyError: what the provider said.
    """
    provider, service = await to_thread.run_sync(_asked, place, name, "restore")
    folder, head = await to_thread.run_sync(_read, Path(source), provider.name)
    await _called(provider, "restore", service=service, source=str(folder / DATA))
    return head


def _asked(place: Place, name: str, verb: str) -> tuple[Provider, Service]:
    provider, service = resolve.whole(place, name)
    if verb not in provider.hooks:
        raise ConfigError(
            f'cannot {"back up" if verb == "backup" else verb} "{name}": provider'
            f' "{provider.name}" does not know how',
            reference=f"no-{verb}",
            subject=name,
            hint=f"stop it, and copy .booty/data/{service.instances[0].name}",
        )
    _refuse_stopped(place, service, verb)
    return provider, service


def _refuse_stopped(place: Place, service: Service, verb: str) -> None:
    names = {one.name for one in service.instances}
    rows = state.read(place.state)["instances"]
    if not any(row["instance"] in names and row.get("pid") for row in rows):
        raise ConflictError(
            f'cannot {"back up" if verb == "backup" else verb} "{service.name}": it is not running',
            reference="not-running",
            subject=service.name,
            hint=f"booty up -d {service.name}",
        )


async def _called(provider: Provider, verb: str, **arguments: Any) -> None:
    try:
        await provider.call(verb, **arguments)
    except (BootyError, BootyErrors, OSError):
        raise
    except Exception as error:
        raise answers.hook_failed(provider.name, verb, error) from error


def _head(place: Place, service: Service) -> dict[str, Any]:
    first = service.instances[0]
    return {
        "format": FORMAT,
        "stack": first.stack,
        "root": str(place.root),
        "service": service.name,
        "component": first.component,
        "version": first.version,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _begin(out: Path) -> tuple[Path, Path, int]:
    """Make a folder beside the one that shall be, and hold its lock."""
    final = out.absolute()
    if os.path.lexists(final):
        raise _there(final)
    with suppress(OSError):  # whoever may not look there may still write
        _remove_dead(final.parent)
    try:
        while True:
            partial = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}.part")
            partial.mkdir(mode=0o700)
            lock = locks.take(str(partial / _MARK))
            # somebody who came between the two took it for that of a dead one
            if lock is not None and (partial / _MARK).exists():
                return partial, final, lock
    except OSError as error:
        raise _unwritable(final, error) from error


def _remove_dead(folder: Path) -> None:
    """Remove what backups that were killed have left in a folder."""
    for partial in folder.iterdir():
        if _PARTIAL.fullmatch(partial.name) and (partial / _MARK).is_file():
            lock = locks.take(str(partial / _MARK))
            if lock is not None:
                shutil.rmtree(partial, ignore_errors=True)
                os.close(lock)


def _settle(partial: Path, final: Path, head: dict[str, Any]) -> None:
    (partial / HEAD).write_text(json.dumps(head, indent=1) + "\n")
    # on the disk before it has its name: what is there is whole, after a power cut too
    for file in [*partial.rglob("*"), partial]:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    if os.path.lexists(final):
        raise _there(final)
    partial.rename(final)
    (final / _MARK).unlink()


def _read(source: Path, provider: str) -> tuple[Path, dict[str, Any]]:
    folder = source.absolute()
    try:
        head = json.loads((folder / HEAD).read_text())
        owner, number = str(head["component"]).partition("/")[0], int(head["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f'cannot restore from "{folder}": it is no backup that booty wrote',
            reference="not-a-backup",
            subject=str(folder),
            hint="name the folder that booty backup wrote",
        ) from error
    if number > FORMAT:
        raise ConfigError(
            f'cannot restore from "{folder}": a newer booty wrote it',
            reference="backup-newer",
            subject=str(folder),
            hint="pip install -U booty",
        )
    if owner != provider:
        raise ConfigError(
            f'cannot restore from "{folder}": it is of {head["component"]}, not of {provider}',
            reference="backup-of-another",
            subject=str(folder),
            hint=f"name a backup of {provider}",
        )
    return folder, head


def _there(final: Path) -> ConflictError:
    return ConflictError(
        f'cannot write a backup to "{final}": something is there',
        reference="backup-exists",
        subject=str(final),
        hint="name another folder",
    )


def _unwritable(final: Path, error: OSError) -> RunError:
    return RunError(
        f'cannot write a backup to "{final}": {error.strerror or error}',
        reference="backup-unwritable",
        subject=str(final),
        hint="make room, or name a folder elsewhere",
    )
