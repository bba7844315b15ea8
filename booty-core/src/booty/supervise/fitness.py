"""What can be known of a start before anything is started or stopped. Standard library alone."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from booty.run import program
from booty.run.program import SpawnError
from booty.supervise.fill import fill
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from booty.supervise.fill import Values

__all__ = ["unfit"]

_FETCHED: Final = "@{booty:program:"
"""A program of the store: it is checked where it comes from."""
_OWN: Final = tuple(f"@{{booty:{name}" for name in ("data", "config", "run", "secret"))
"""What stands for something else in each instance."""


def unfit(
    entries: Mapping[str, dict[str, Any]],
    names: Iterable[str],
    values: Values,
    base: Mapping[str, str],
    done: Collection[str] = (),
) -> Iterator[tuple[str, ControlError]]:
    """Yield what keeps instances from being started: their programs, folders, inputs.

    Whoever waits for a task is left alone: the task may be what builds its program.

    Args:
        entries: the run sheet's entries by name.
        names: the instances that are about to be started.
        values: what references stand for; secrets need not be known.
        base: variables that every process of the stack gets.
        done: tasks that have run.

    Yields:
        The key of the service that is to blame (``run``, ``ready.exec``, ``cwd``), and the fault.
    """
    looks = _Looks(values, base)
    for name in names:
        entry = entries[name]
        if entry["argv"] and not _awaits_task(entry, entries, done):
            for key, error in looks.of(entry):
                yield key, _fault(name, error)


class _Looks:
    """What was seen: many instances have one program, one working folder, one input."""

    def __init__(self, values: Values, base: Mapping[str, str]) -> None:
        self._values = values
        self._base = base
        self._seen: dict[tuple[str, ...], SpawnError | None] = {}
        self._faults: dict[tuple[str, ...], list[tuple[str, SpawnError]] | None] = {}

    def of(self, entry: dict[str, Any]) -> Iterable[tuple[str, SpawnError]]:
        about = _looked_at(entry)
        if about not in self._faults:
            self._faults[about] = None if self._differs(about) else [*self._look(entry)]
        found = self._faults[about]
        return self._look(entry) if found is None else found

    def _look(self, entry: dict[str, Any]) -> Iterator[tuple[str, SpawnError]]:
        return _of_one(entry, self._values, self._base, self)

    def _differs(self, about: tuple[str, ...]) -> bool:
        # what lies in the folder of one instance is another's, or its own
        if any(mark in text for text in about for mark in _OWN):
            return True
        filled = [fill(text, self._values.lookup("")) for text in about if _FETCHED not in text]
        known = (self._values.state_dir, self._values.runtime)  # a command knows no runtime folder
        places = tuple(f"{one}/" for one in known if one)
        return any(f"{os.path.join(filled[0], text)}/".startswith(places) for text in filled)

    def around(self, cwd: str, stdin: str) -> SpawnError | None:
        return self._once((cwd, stdin), program.look_around)

    def program(self, word: str, path: str, cwd: str) -> SpawnError | None:
        return self._once((word, path, cwd), program.look)

    def _once(self, about: tuple[str, ...], look: Callable[..., None]) -> SpawnError | None:
        if about not in self._seen:
            try:
                look(*about)
            except SpawnError as error:
                self._seen[about] = error
            else:
                self._seen[about] = None
        return self._seen[about]


def _fault(name: str, error: SpawnError) -> ControlError:
    return ControlError.of(
        f'cannot start "{name}": {error}',
        reference=error.reference,
        status=7,
        subject=name,
        hint=error.hint,
    )


def _awaits_task(
    entry: dict[str, Any], entries: Mapping[str, dict[str, Any]], done: Collection[str]
) -> bool:
    seen: set[str] = set()
    left = [target for need in entry["needs"] for target in need["instances"]]
    while left:
        name = left.pop()
        if name in seen or name not in entries:
            continue
        seen.add(name)
        if entries[name]["kind"] == "task" and name not in done:
            return True
        left += [target for need in entries[name]["needs"] for target in need["instances"]]
    return False


def _of_one(
    entry: dict[str, Any], values: Values, base: Mapping[str, str], looks: _Looks
) -> Iterator[tuple[str, SpawnError]]:
    # what lies in its own folders may be made when it is prepared
    made = tuple(f"{one(entry['name'])}/" for one in (values.data, values.config, values.run))
    lookup = values.lookup(entry["name"])
    with suppress(ControlError):  # a secret, which only who starts it knows
        cwd = fill(entry["cwd"], lookup)
        around = "/" if f"{cwd}/".startswith(made) else cwd
        if error := looks.around(around, fill(entry["stdin"], lookup)):
            yield error.reference.partition("-")[0], error
            return
        path = fill(entry["env"].get("PATH", base.get("PATH", os.defpath)), lookup)
        for key, argv in _commands(entry):
            word = "" if argv[0].startswith(_FETCHED) else fill(argv[0], lookup)
            own = os.path.join(cwd, word).startswith(made)
            if word and not own and (error := looks.program(word, path, cwd)):
                yield key, error


def _looked_at(entry: dict[str, Any]) -> tuple[str, ...]:
    # all that what is found depends on
    words = (word for key, argv in _commands(entry) for word in (key, argv[0]))
    return entry["cwd"], entry["stdin"], str(entry["env"].get("PATH", "\0")), *words


def _commands(entry: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    yield "run", entry["argv"]
    for key in ("ready", "live", "reload"):
        argv = (entry[key] or {}).get("exec")
        if argv:
            yield f"{key}.exec", argv
