"""Tasks run exactly once: the shell that runs one writes down how it ended, whoever watches."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from booty.run import program
from booty.run.process import Exit
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booty.supervise.state import Folder
    from booty.supervise.unit import Unit

__all__ = ["argv", "begun", "ended", "refuse_doubt"]

SHELL: Final = "/bin/sh"
_SIGNALLED: Final = 128
_LAST_SIGNAL: Final = 64
SCRIPT: Final = (
    'trap : HUP INT QUIT TERM USR1 USR2; : > "$0" || exit 2; "$@"; code=$?;'
    ' echo "$code" > "$0"; exit "$code"'
)
"""Signals go to the whole group: the shell outlives them to write down what became of the task."""


def argv(
    folder: Folder, unit: Unit, words: Sequence[str], env: Mapping[str, str], cwd: str
) -> list[str]:
    """Return what is spawned for an instance: a task within the shell that writes its code down.

    Args:
        folder: the state folder.
        unit: the instance; its mark is that of this start.
        words: program and arguments.
        env: its environment.
        cwd: its working folder.

    Raises:
        SpawnError: its program is not there.
        OSError: what earlier runs left cannot be removed.
    """
    if unit.entry["kind"] != "task" or not os.path.exists(SHELL):
        return list(words)
    found = program.executable(words[0], env.get("PATH", os.defpath), cwd)
    path = _record(folder, unit)
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    for name in os.listdir(os.path.dirname(path)):
        if name.rpartition(".")[0] == unit.name:
            os.unlink(f"{os.path.dirname(path)}/{name}")
    return [SHELL, "-c", SCRIPT, path, found, *words[1:]]


def _record(folder: Folder, unit: Unit) -> str:
    return folder.path(f"state/tasks/{unit.name}.{unit.row.get('mark')}")


def begun(folder: Folder, unit: Unit) -> bool:
    """Tell whether a task has begun to run in its last start; else nothing of it was done."""
    return os.path.exists(_record(folder, unit))


def ended(folder: Folder, unit: Unit, known: Exit) -> Exit:
    """Return how an instance ended.

    Args:
        folder: the state folder.
        unit: the instance.
        known: what the system said of its process; unknown where nobody could reap it.
    """
    if unit.entry["kind"] != "task":
        return known
    if known == Exit():
        known = _written(_record(folder, unit))
    # the shell says 128 + n of what was ended by signal n
    number = (known.code or 0) - _SIGNALLED
    return Exit(None, number) if 0 < number <= _LAST_SIGNAL else known


def _written(path: str) -> Exit:
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:
        return Exit(int(file.read()))
    return Exit()


def refuse_doubt(units: Mapping[str, Unit], names: Iterable[str]) -> None:
    """Refuse, once, to run a task again of which nobody can tell what became of it.

    Raises:
        ControlError: there is one; whoever is told decides (``task-in-doubt``, 7).
    """
    for unit in [units[name] for name in names if name in units]:
        if unit.row.get("doubt"):
            unit.note(doubt=False)
            raise ControlError.of(
                f'cannot tell what became of task "{unit.name}": the shell that ran it was killed',
                reference="task-in-doubt",
                status=7,
                subject=unit.name,
                hint=f"booty logs {unit.name}: did it do its work? booty up runs it again",
            )
