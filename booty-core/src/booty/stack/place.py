"""Where a stack is. Standard library only: commands that look start with this.

Annotations are no text here, see :mod:`booty.run.ended`.
"""

import json
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from booty.errors import ConfigError, ConflictError

__all__ = [
    "FILE",
    "Place",
    "control_socket",
    "entry_without_state",
    "find",
    "is_there",
    "leases",
    "of_file",
    "registered",
]

FILE: Final = "booty.toml"
LOCAL: Final = "booty.local.toml"
SHOWN: Final = 4
"""Stacks that a hint names at most."""


class Place(NamedTuple):
    """A stack's folders.

    Attributes:
        root: the folder of booty.toml, absolute.
        file: the file itself; it may have been removed under a running stack.
        state: the state folder.
    """

    root: Path
    file: Path
    state: Path

    @property
    def lock(self) -> Path:
        """booty.lock."""
        return self.root / "booty.lock"

    @property
    def id(self) -> str:
        """The stack's id, empty if it never had one."""
        found = read(self.state / "id").get("id")
        return found if isinstance(found, str) else ""

    @property
    def stack(self) -> dict[str, Any]:
        """What state/stack.json holds, as far as it has the types it should have.

        Of one that a loss of power has damaged what was flushed.
        """
        from booty.supervise import formats, state

        folder = state.Folder(self.state)
        found = read(Path(folder.stack))
        damaged = not found and os.path.exists(folder.stack)  # noqa: PTH110 - a str already
        return state.kept(folder) if damaged else formats.sound("stack", found)


def read(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one if it is missing or damaged."""
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def find(file: str | None = None, stack: str | None = None) -> Place:
    """Find the stack that a command is about.

    Args:
        file: path of booty.toml; by default ``BOOTY_FILE``, else looked for upward from here.
        stack: label or root of a registered stack; by default ``BOOTY_STACK``.

    Raises:
        ConfigError: there is none.
        ConflictError: a label that several stacks have.
    """
    stack = stack or (None if file else os.environ.get("BOOTY_STACK"))
    if stack:
        return _named(stack)
    file = file or os.environ.get("BOOTY_FILE")
    if file:
        path = Path(file).absolute()
        return of_file(path / FILE if path.is_dir() else path)
    here = _here()
    # under a running stack its own file may have been removed: its state is found without it
    for sign in (FILE, ".booty/state/stack.json"):
        for folder in (here, *here.parents):
            if (folder / sign).is_file():
                return of_file(folder / FILE)
    raise ConfigError(
        f'cannot find {FILE} in "{here}" or a folder above',
        reference="no-file",
        subject=str(here),
        hint=f"booty init{_elsewhere()}",
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError(
            "cannot find the working folder: it was removed",
            reference="no-file",
            hint=f"cd to a folder that is there{_elsewhere()}",
        ) from error


def _elsewhere() -> str:
    # what runs is most likely meant; a name that several have is no name
    import shlex

    known = registered()
    there = [
        one for one in known if _state_of(one).is_dir() or entry_without_state(Path(one["root"]))
    ]
    running = [
        one
        for one in there
        if not _state_of(one).is_dir()
        or read(_state_of(one) / "state/stack.json").get("supervisor")
    ]
    names = [str(one.get("name")) for one in there]
    words = [
        str(one["root"]) if names.count(str(one.get("name"))) > 1 else str(one.get("name"))
        for one in running or there
    ]
    if not words:
        return ", or name one with --file"
    more = ", …: booty ls" if len(words) > SHOWN else ""
    return f", or {', '.join(f'--stack {shlex.quote(word)}' for word in words[:SHOWN])}{more}"


def _state_of(entry: dict[str, Any]) -> Path:
    return Path(entry.get("state") or Path(entry["root"]) / ".booty")


def of_file(file: Path) -> Place:
    """Return the place of a booty.toml.

    Raises:
        ConfigError: there is no such file, and no state of a stack beside it.
    """
    root = file.parent.resolve()
    # a state folder that is there holds until it is moved: what runs must stay in reach
    state = root / ".booty"
    if not state.is_dir():
        state = _state_dir(file, root)
    # under a running stack its own file may have been removed; another name is a mistake
    if not file.is_file() and (file.name != FILE or not state.is_dir()):
        # the whole folder may have been removed under a running stack, which must stay in reach
        if entry := entry_without_state(root):
            return Place(root, root / file.name, Path(entry["state"]))
        raise ConfigError(
            f'cannot read "{file}": there is no such file',
            reference="no-file",
            subject=str(file),
            hint="booty init, or name another one with --file",
        )
    _refuse_of_others(state)
    _refuse_newer(state)
    return Place(root, root / file.name, state)


def _refuse_of_others(state: Path) -> None:
    # who may not read it would be told that nothing runs
    if state.is_dir() and not os.access(state, os.R_OK | os.X_OK):
        owner = _owner(state)
        raise ConflictError(
            f'cannot use "{state}": it belongs to user "{owner}"',
            reference="state-of-another-user",
            subject=str(state),
            hint=f"sudo -u {owner} booty …",
        )


def _owner(path: Path) -> str:
    import pwd

    number = path.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"


def _refuse_newer(state: Path) -> None:
    # before anything is read that would not be understood, and before it is written over
    for kind, name in (("id", "id"), ("stack", "state/stack.json")):
        found = read(state / name)
        if found.get("format", 1) != 1:
            from booty.errors import from_data
            from booty.supervise import formats
            from booty.supervise.wire import ControlError

            try:
                formats.refuse_newer(kind, found, str(state / name))
            except ControlError as error:
                raise from_data(error.data) from error


def _state_dir(file: Path, root: Path) -> Path:
    # only the rare file that says so is parsed here; what is wrong with it is told by config
    chosen = _said(file.with_name(LOCAL)) or _said(file) or ".booty"
    return Path(os.path.normpath(root / Path(chosen).expanduser()))


def _said(file: Path) -> str:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    if "state-dir" not in text:
        return ""
    import tomllib

    try:
        chosen = tomllib.loads(text).get("stack", {}).get("state-dir", "")
    except (ValueError, AttributeError):
        return ""
    return chosen if isinstance(chosen, str) else ""


def registered() -> list[dict[str, Any]]:
    """Return the registry's entries: ``id root file name state ports``, by root."""
    from booty import paths

    found = [read(file) for file in paths.registry().glob("*.json")]
    return sorted((one for one in found if _is_sound(one)), key=lambda one: str(one["root"]))


def _is_sound(one: dict[str, Any]) -> bool:
    # a line that was cut or garbled is written anew by the next up of its stack
    texts = {key: one.get(key, "") for key in ("id", "root", "name", "state", "file")}
    return {"id", "root"} <= one.keys() and all(isinstance(text, str) for text in texts.values())


def entry_without_state(root: Path) -> dict[str, Any] | None:
    """Return the registry's entry of a stack that runs without its state; ``None`` if none does.

    Args:
        root: the folder of booty.toml, which may be gone too.
    """
    return next(
        (one for one in registered() if _lost_state(one, root) and control_socket(one)), None
    )


def _lost_state(entry: dict[str, Any], root: Path) -> bool:
    kept = read(Path(str(entry.get("state"))) / "id").get("id")
    return entry["root"] == str(root) and kept != entry.get("id")


def control_socket(entry: dict[str, Any]) -> str | None:
    """Return the socket of the supervisor of a registry's entry; ``None`` if there is none."""
    from booty.run import runtime

    place = runtime.find(str(entry.get("id")), dict(os.environ))
    path = Path(f"{place}/control.sock")
    return str(path) if place and path.exists() else None


def leases() -> list[dict[str, Any]]:
    """Return the registry's entries of stacks that are still there, with their port numbers.

    A folder that is gone, or was made anew, frees the ports of the stack that it held.
    """
    found = []
    for one in registered():
        known = one.get("ports")
        ports = known.items() if isinstance(known, dict) else ()
        if read(Path(str(one.get("state"))) / "id").get("id") == one.get("id"):
            numbers = {key: number for key, number in ports if isinstance(number, int)}
            found.append({**one, "ports": numbers})
    return found


def is_there(entry: dict[str, Any]) -> bool:
    """Tell whether the stack of a registry's entry is there: its state, or who runs without it."""
    found = read(Path(str(entry.get("state"))) / "id").get("id")
    return found == entry["id"] or control_socket(entry) is not None


def _same(name: str) -> list[dict[str, Any]]:
    # a folder that was emptied and begun anew has the line of its former stack as well
    known = [one for one in registered() if one.get("name") == name]
    found = [one for one in known if is_there(one)] or known
    return [*{(one["root"], one.get("file", FILE)): one for one in found}.values()]


def _named(name: str) -> Place:
    # a label goes before a folder of that name which happens to be here
    same = _same(name)
    if os.sep in name or (not same and Path(name).is_dir()):
        return of_file(Path(name).absolute() / FILE)
    if len(same) == 1:
        return of_file(Path(same[0]["root"]) / same[0].get("file", FILE))
    if not same:
        raise ConfigError(
            f'cannot find stack "{name}": no stack of this user has that name',
            reference="no-stack",
            subject=name,
            hint="booty ls",
        )
    raise ConflictError(
        f'cannot choose a stack: "{name}" is {", ".join(str(one["root"]) for one in same)}',
        reference="ambiguous-stack",
        subject=name,
        hint="name its folder: --stack FOLDER",
    )
