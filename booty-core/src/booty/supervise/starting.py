"""One start of one instance: files, prepare, spawn, readiness."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from booty.run import probe as probes
from booty.run import process
from booty.run.claim import CHILD_FD
from booty.run.process import SpawnError
from booty.supervise import files, holding, state, tasks
from booty.supervise.fill import fill
from booty.supervise.said import Said
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["LOOKS", "check", "early_end", "ended_early", "passes", "ready", "run_to_end", "spawn"]

LONGEST_LINE: Final = 1000
"""Characters of a line that are shown."""
LAST_LINES: Final = 10
LONGEST_TAIL: Final = 16384
LOOKS: Final = 10.0
"""Seconds between ``live`` looks where none are declared."""
HOOK_LIMIT: Final = 30.0
"""Seconds that the ``start`` hook may take."""


async def check(sup: Supervision, entry: dict[str, Any]) -> None:
    """Run an instance's own check on its staged files.

    Raises:
        ControlError: the check failed; nothing that runs was touched.
    """
    if not entry["check"]:
        return
    staged = files.stage(entry, sup.values, sup.blob)
    env = files.environment(entry, sup.base_env, sup.values, staged)
    status, output = await run_to_end(sup, entry, entry["check"], env, staged)
    if status:
        raise ControlError.of(
            f'cannot use the new configuration of "{entry["name"]}": {status}',
            reference="check-failed",
            status=7,
            subject=entry["name"],
            hint="what ran goes on as it was; mend booty.toml",
            lines=output,
        )


async def run_to_end(
    sup: Supervision,
    entry: dict[str, Any],
    command: dict[str, Any],
    env: dict[str, str],
    config: str | None = None,
    *,
    fds: dict[int, int] | None = None,
) -> tuple[str, list[str]]:
    """Run a command of an instance to its end.

    Returns:
        What went wrong (empty = nothing), and the last lines that it printed.
    """
    import re

    lookup = sup.values.lookup(entry["name"], config)
    argv = fill(command["argv"], lookup)
    env = {**env, **fill(command["env"], lookup)}
    log = sup.folder.log(f"{entry['name']}.command")
    fd = os.open(log, os.O_RDWR | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        pid = process.spawn(argv, env, cwd=sup.cwd(entry), output=fd, fds=fds)
        child = process.watched(sup.loop, pid)
        try:
            ended = await sup.loop.first(child.gone, timeout=float(command["timeout"]))
        finally:
            # its time is over, or the start that it belongs to was given up
            if not child.gone.done:
                child.send_group(9)
        if ended is None:
            await sup.loop.first(child.gone, timeout=1.0)
        status = await sup.ends.of(pid, child.parent)
        text = os.pread(fd, LONGEST_TAIL, 0).decode(errors="replace")
    except SpawnError as error:
        return str(error), []
    finally:
        os.close(fd)
        os.unlink(log)
    lines = text.splitlines()[-LAST_LINES:]
    if ended is None:
        return f"it took more than {command['timeout']:g} s", lines
    if status.code not in command["exit_codes"]:
        return f"it ended with {ending(status)}", lines
    if command["expect"] and not re.search(command["expect"], text):
        return f"it did not say {command['expect']}", lines
    return "", lines


def ending(status: process.Exit) -> str:
    """Say how a process ended."""
    if status.signal is not None:
        return f"signal {status.signal}"
    return f"code {status.code}" if status.code is not None else "an unknown code"


async def spawn(sup: Supervision, unit: Unit) -> None:
    """Write the files, prepare the data, note the intent, spawn.

    Raises:
        ControlError: it cannot be started.
    """
    entry = unit.entry
    try:
        # nobody writes there but us: it is what it is also when the folder is ours at last
        marked = files.marker(unit.name, sup.values)
        if kept := files.set_aside(entry, sup.values, marked):
            why = f"{unit.name} begins anew; what it held before it left is kept in data/{kept}"
            sup.journal.tell("warning", unit.name, message=why)
        unit.fresh = files.make_folders(entry, sup.values, marked)
        await holding.claim(sup, unit)
        files.refuse_older(entry, marked)
        if entry["check"] and unit.row.get("checked") != entry["digest"]:
            await check(sup, entry)
            # the next start is of the same files, by the same program: that would tell nothing new
            unit.note(checked=entry["digest"])
        files.place(entry, sup.values, sup.blob)
        env = files.environment(entry, sup.base_env, sup.values)
        marked = await _prepare(sup, unit, env, marked)
        files.write_marker(entry, sup.stack_id, sup.values, marked)
        launches = await _launches(sup, unit, env)
        for launch in launches[:-1]:
            await _before(sup, entry, launch)
        _spawn(sup, unit, launches[-1])
    except SpawnError as error:
        raise _cannot(unit, error.reference, str(error), error.hint) from error
    except OSError as error:
        why = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        raise _cannot(unit, "start-unwritable", why, "make room, or make it writable") from error
    finally:
        if unit.process is None:
            unit.let_go()


def _cannot(unit: Unit, reference: str, why: str, hint: str | None = None) -> ControlError:
    return ControlError.of(
        f'cannot start "{unit.name}": {why}',
        reference=reference,
        status=7,
        subject=unit.name,
        hint=hint or f"booty describe {unit.name}",
    )


async def _prepare(
    sup: Supervision, unit: Unit, env: dict[str, str], marked: dict[str, Any]
) -> dict[str, Any]:
    # returns what is written about the data then
    entry = unit.entry
    if not entry["prepare"] or marked.get("prepared"):
        return marked
    fds = {CHILD_FD: unit.claim.shared} if unit.claim else {}
    status, lines = await run_to_end(sup, entry, entry["prepare"], env, fds=fds)
    if status:
        raise ControlError.of(
            f'cannot prepare the data of "{entry["name"]}": {status}',
            reference="prepare-failed",
            status=7,
            subject=entry["name"],
            hint=f"booty logs {entry['name']}",
            lines=lines,
        )
    return files.write_marker(entry, sup.stack_id, sup.values, marked, prepared=True)


async def _launches(sup: Supervision, unit: Unit, env: dict[str, str]) -> list[dict[str, Any]]:
    lookup = sup.values.lookup(unit.name)
    own = {
        "argv": fill(unit.entry["argv"], lookup),
        "env": env,
        "cwd": sup.cwd(unit.entry),
        "umask": unit.entry["umask"],
        "limits": unit.entry["limits"],
    }
    if "start" not in sup.hooks.of(unit):
        return [own]
    answer = await sup.hooks.call(unit, "start", HOOK_LIMIT, launch=own)
    return [{**own, **launch} for launch in answer.get("value") or [own]]


async def _before(sup: Supervision, entry: dict[str, Any], launch: dict[str, Any]) -> None:
    command = {"argv": launch["argv"], "env": {}, "timeout": 60.0, "exit_codes": [0], "expect": ""}
    status, lines = await run_to_end(sup, entry, command, launch["env"])
    if status:
        raise ControlError.of(
            f'cannot start "{entry["name"]}": "{launch["argv"][0]}" before it: {status}',
            reference="start-step-failed",
            status=7,
            subject=entry["name"],
            lines=lines,
        )


def _spawn(sup: Supervision, unit: Unit, launch: dict[str, Any]) -> None:
    entry = unit.entry
    mark = os.urandom(8).hex()
    log = os.open(
        sup.folder.log(unit.name), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        # the intent is on disk before there is a child that could be forgotten
        unit.note(
            mark=mark,
            pid=None,
            start=None,
            exit=None,
            health=None,
            digest=entry["digest"],
            inputs=entry["inputs"],
            log_offset=os.fstat(log).st_size,
            file_before=_file_before(sup, unit),
            passed=False,
            said={},
        )
        unit.save(now=True)
        unit.said = Said(sup.loop)
        told = _notifying(sup, entry)
        sockets, names = sup.sockets.of(unit)
        env = {**launch["env"], "BOOTY_MARK": mark, **names, **told}
        cwd = launch["cwd"] or "/"
        pid = process.spawn(
            tasks.argv(sup.folder, unit, launch["argv"], env, cwd),
            env,
            cwd=cwd,
            stdin=fill(entry["stdin"], sup.values.lookup(unit.name)),
            output=log,
            umask=int(launch["umask"], 8),
            limits=launch["limits"],
            fds={**holding.shared(sup, unit), **sockets},
            own_pid=_own_pid(sockets, told),
        )
    finally:
        os.close(log)
    unit.has(process.watched(sup.loop, pid))
    sup.by_pid[pid] = unit
    unit.to("starting")


def _own_pid(sockets: dict[int, int], told: dict[str, str]) -> list[str]:
    # by these a program knows that it is meant, and not what it inherits them from
    names = {"LISTEN_PID": bool(sockets), "WATCHDOG_PID": "WATCHDOG_USEC" in told}
    return [name for name, wanted in names.items() if wanted]


def _notifying(sup: Supervision, entry: dict[str, Any]) -> dict[str, str]:
    # how a program is to speak: that it is ready, and that it lives
    found = {}
    live = entry["live"] or {}
    if live.get("notify"):
        found["WATCHDOG_USEC"] = str(int(float(live["interval"] or LOOKS) * 1e6))
    if found or (entry["ready"] or {}).get("notify"):
        found["NOTIFY_SOCKET"] = sup.notify_path
    return found


def _file_before(sup: Supervision, unit: Unit) -> list[int] | None:
    path = (unit.entry["ready"] or {}).get("file")
    return probes.stamp(fill(path, sup.values.lookup(unit.name))) if path else None


async def ready(sup: Supervision, unit: Unit) -> None:
    """Wait until the probe passes.

    Raises:
        ControlError: the instance ended (7) or its time is over (8).
    """
    entry = unit.entry
    if entry["ready"] is None:
        return
    limit = float(entry["ready_timeout"])
    waiting = sup.loop.task(passes(sup, unit))
    gone = [unit.process.gone] if unit.process else []
    try:
        done = await unit.said.first(*gone, waiting, timeout=limit)
    finally:
        waiting.cancel()
    if done is None:
        raise ControlError.of(
            f'cannot wait for "{unit.name}" any longer: it was not ready after {limit:g} s,'
            f" waiting for {probes.describe(entry['ready'])}{_stale(sup, unit)}",
            reference="not-ready",
            status=8,
            subject=unit.name,
            hint=f"booty logs {unit.name}, or a longer ready-timeout",
            lines=last_lines(sup.folder, unit),
        )
    if done is not waiting:
        raise await early_end(sup, unit)


async def passes(sup: Supervision, unit: Unit) -> None:
    """Wait until the probe passes, and note that it has; whoever waits has a deadline."""
    probe = fill(unit.entry["ready"], sup.values.lookup(unit.name))
    await probes.until(sup.loop, probe, sup.around(unit))
    unit.note(passed=True)


def _stale(sup: Supervision, unit: Unit) -> str:
    before = unit.row.get("file_before")
    if before is None or before != _file_before(sup, unit):
        return ""
    return ", which is there from before this start and was not written since"


async def early_end(sup: Supervision, unit: Unit) -> ControlError:
    """Return the fault of an instance that ended before it was ready."""
    return ended_early(sup, unit, await sup.take_exit(unit))


def ended_early(sup: Supervision, unit: Unit, status: process.Exit) -> ControlError:
    """Return the same fault of one whose end is known."""
    return ControlError.of(
        f'cannot start "{unit.name}": it ended with {ending(status)} before it was ready'
        f"{unit.said.why}",
        reference="start-exited",
        status=7,
        subject=unit.name,
        hint=f"booty logs {unit.name}",
        lines=last_lines(sup.folder, unit),
    )


def last_lines(folder: state.Folder, unit: Unit) -> list[str]:
    """Return the last lines of this start's own output."""
    try:
        with open(folder.log(unit.name), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = unit.row["log_offset"]
            file.seek(max(begin if begin <= size else 0, size - LONGEST_TAIL))
            # zeros in front are what was rotated away
            text = file.read().lstrip(b"\0").decode(errors="replace")
    except OSError:
        return []
    lines = text.splitlines()[-LAST_LINES:]
    return [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
