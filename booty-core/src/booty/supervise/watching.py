"""``up --watch``: a program is restarted when files that it names change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from booty.run.clock import stamp
from booty.run.globs import Glob
from booty.run.trees import LOOK, Trees
from booty.supervise.fill import fill

if TYPE_CHECKING:
    from booty.run.loop import Future
    from booty.supervise.supervisor import Supervisor

__all__ = ["Watching", "go_on", "hold"]

FD: Final = "watch"


def hold(sup: Supervisor, fd: int) -> None:
    """Watch as long as somebody holds the other end of a pipe; a successor does too.

    Args:
        sup: the supervisor.
        fd: the read end; it is the supervisor's now.
    """
    if FD in sup.fds:
        _let_go(sup)
    sup.fds[FD] = fd
    sup.parent.tell({"do": "keep", "name": FD}, (fd,))
    _watch(sup, after=False)


def go_on(sup: Supervisor) -> None:
    """Watch on where a predecessor did; what changed while nobody watched is not lost."""
    if FD in sup.fds:
        _watch(sup, after=True)


def _watch(sup: Supervisor, *, after: bool) -> None:
    watching = Watching(sup, after=after)
    sup.loop.shared[Watching] = watching
    sup.loop.watch(sup.fds[FD], lambda: _let_go(sup))


def _let_go(sup: Supervisor) -> None:
    fd = sup.fds.pop(FD)
    sup.loop.unwatch(fd)
    os.close(fd)
    sup.parent.tell({"do": "drop", "name": FD})
    watching = sup.loop.shared.pop(Watching, None)
    if isinstance(watching, Watching):
        watching.close()


class Watching:
    """What is watched now, and what changed since the last restart.

    Args:
        sup: the supervisor.
        after: whether a predecessor watched: what is newer than the program that runs has changed.
    """

    def __init__(self, sup: Supervisor, *, after: bool) -> None:
        self._sup = sup
        self._after = after
        self._globs: dict[str, list[Glob]] = {}
        self._texts: dict[str, list[str]] = {}
        self._sheet: dict[str, Any] | None = None
        self._trees: Trees | None = None
        self._changed: dict[str, set[str]] = {}
        self._woken: Future[None] = sup.loop.future()
        sup.loop.before_wait.append(self._renew)
        self._task = sup.loop.task(self._restarts())

    def close(self) -> None:
        """Stop watching; a restart that is under way goes to its end."""
        self._sup.loop.before_wait.remove(self._renew)
        self._task.cancel()
        if self._trees is not None:
            self._trees.close()

    def _renew(self) -> None:
        # costs one look unless there is another sheet
        if self._sheet is self._sup.sheet:
            return
        self._sheet = self._sup.sheet
        texts = {
            entry["service"]: [*fill(entry.get("watch") or [], self._lookup(entry))]
            for entry in self._sheet["instances"]
        }
        if texts == self._texts:
            return
        self._texts = texts
        self._globs = {name: [Glob(one) for one in own] for name, own in texts.items() if own}
        every = [glob for own in self._globs.values() for glob in own]
        loop, root = self._sup.loop, self._sup.values.root
        if self._trees is not None:
            self._trees.close()
        self._trees = (
            Trees(loop, every, root, self._take, self._blind, begun=self._begun) if every else None
        )

    def _lookup(self, entry: dict[str, Any]) -> Any:
        return self._sup.values.lookup(entry["name"])

    def _blind(self) -> None:
        why = f"the system cannot watch that many folders: they are looked at every {LOOK:g} s"
        self._sup.journal.tell("warning", None, message=why)

    def _begun(self, times: dict[str, float]) -> None:
        if not self._after:
            return
        self._after = False
        newer: dict[str, set[str]] = {}
        for unit in self._sup.units.values():
            since, service = str(unit.row["since"] or ""), unit.entry["service"]
            own = {path for path, at in times.items() if stamp(at) > since}
            newer.setdefault(service, set()).update(own)
        for service, paths in newer.items():
            self._note(service, paths)

    def _note(self, service: str, paths: set[str]) -> None:
        globs = self._globs.get(service, ())
        hits = {path for path in paths if any(glob.fits(path) for glob in globs)}
        if hits:
            self._changed.setdefault(service, set()).update(hits)
            if not self._woken.done:
                self._woken.set(None)

    def _take(self, paths: set[str]) -> None:
        for service in self._globs:
            self._note(service, paths)

    async def _restarts(self) -> None:
        sup = self._sup
        while True:
            await sup.loop.first(self._woken)
            self._woken = sup.loop.future()
            while sup.convergence is not None:
                await sup.change()  # what changes meanwhile belongs to the same restart
            changed, self._changed = self._changed, {}
            if sup.ending is not None or not changed:
                continue
            self._restart(changed)

    def _restart(self, changed: dict[str, set[str]]) -> None:
        sup = self._sup
        why = {name: self._words(paths) for name, paths in changed.items()}
        again = {
            unit.name: why[unit.entry["service"]]
            for unit in sup.units.values()
            if unit.entry["service"] in why and sup.wants(unit.name)
        }
        if again:
            sup.converge(sup.sheet, sorted(again), keep=True, spans=[], again=again)

    def _words(self, paths: set[str]) -> str:
        first, *more = sorted(paths)
        name = os.path.relpath(first, self._sup.values.root)
        return f"{name} and {len(more)} more changed" if more else f"{name} changed"
