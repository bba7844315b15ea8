"""Tell which files of whole trees changed: by inotify, else by looking every second."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from booty.run.globs import Glob, ignored
from booty.run.inotify import Names

if TYPE_CHECKING:
    from booty.run.loop import Future, Loop, Task

__all__ = ["LONGEST", "LOOK", "QUIET", "Trees"]

QUIET: Final = 0.1
"""Seconds without a change after which those before it are told, all at once."""
LONGEST: Final = 2.0
"""Seconds after which they are told though changes go on."""
LOOK: Final = 1.0
"""Seconds between looks where the kernel cannot tell."""
AT_ONCE: Final = 32
"""Folders that are read before others get their turn."""

Stamp = tuple[int, int, int]


class Trees:
    """Watches files by globs until it is closed.

    What happened to a file is told by comparing: a file that was replaced, made, removed or moved
    counts, one that was only touched at its attributes does not.

    Args:
        loop: the loop that waits.
        globs: what is watched.
        top: folder above which nothing is looked at, if the globs begin in it.
        tell: called with the paths that changed.
        blind: called once if the kernel cannot watch all of it.
        begun: called when all was read once, with the time of the last change by path, in seconds
            since 1970.
        eye: what tells of changes in one folder.
        look: seconds between looks where the kernel cannot tell.

    Attributes:
        blind: whether it was.
        started: whether all was read once: what changes from now on is told.
    """

    def __init__(
        self,
        loop: Loop,
        globs: Iterable[Glob],
        top: str,
        tell: Callable[[set[str]], None],
        blind: Callable[[], None],
        *,
        begun: Callable[[dict[str, float]], None] = lambda _: None,
        eye: type[Names] = Names,
        look: float = LOOK,
    ) -> None:
        self._loop = loop
        self._globs = list(globs)
        self._top = top
        self._tell = tell
        self._told_blind = blind
        self._begun = begun
        self._eye = eye
        self._pause = look
        self._eyes: dict[str, Names] = {}
        self._known: dict[str, dict[str, Stamp]] = {}
        self._dirty: set[str] = set()
        self._woken: Future[None] = loop.future()
        self.blind = False
        self.started = False
        self._task: Task[None] = loop.task(self._run())

    def close(self) -> None:
        """Stop watching."""
        self._task.cancel()
        for eye in self._eyes.values():
            eye.close()
        self._eyes.clear()

    async def _run(self) -> None:
        await self._look_at(self._roots(), set())
        self.started = True
        self._begun(
            {
                f"{folder.rstrip('/')}/{name}": stamp[0] / 1e9
                for folder, files in self._known.items()
                for name, stamp in files.items()
            }
        )
        while True:
            await self._something()
            dirty, self._dirty = self._dirty, set()
            changed: set[str] = set()
            await self._look_at(sorted(dirty), changed)
            # the parent of a root that went, or a root that came
            await self._look_at([one for one in self._roots() if one not in self._known], changed)
            if changed:
                self._tell(changed)

    def _roots(self) -> list[str]:
        # also the folder above: what is watched may be removed and made again
        found = set()
        for glob in self._globs:
            folder = glob.base if glob.base == self._top else os.path.dirname(glob.base)
            while not os.path.isdir(folder):
                folder = os.path.dirname(folder)
            found.add(folder)
        return sorted(found)

    async def _something(self) -> None:
        if self.blind and not self._dirty:
            await self._loop.sleep(self._pause)
            self._dirty = set(self._known)
            return
        while not self._dirty:
            await self._loop.first(self._woken)
            self._woken = self._loop.future()
        end = self._loop.now() + LONGEST
        while self._loop.now() < end:
            if await self._loop.first(self._woken, timeout=QUIET) is None:
                return
            self._woken = self._loop.future()

    def _seen(self, folder: str, name: str) -> None:
        if name and not self._matters(f"{folder.rstrip('/')}/{name}", name):
            return
        self._dirty.add(folder)
        if not self._woken.done:
            self._woken.set(None)

    def _matters(self, path: str, name: str) -> bool:
        if ignored(name):
            return False
        if any(glob.fits(path) for glob in self._globs):
            return True
        return path in self._known or (self._descends(path) and os.path.isdir(path))

    def _descends(self, folder: str) -> bool:
        return any(glob.descends(folder) for glob in self._globs)

    async def _look_at(self, folders: Iterable[str], changed: set[str]) -> None:
        left, count = list(folders), 0
        while left:
            left += self._look(left.pop(), changed)
            count += 1
            if count % AT_ONCE == 0:
                await self._loop.sleep(0)

    def _look(self, folder: str, changed: set[str]) -> list[str]:
        # returns folders in it that are new; all in them is then
        before = self._known.get(folder)
        try:
            if before is None:
                self._open(folder)  # before it is read: nothing falls in between
            files, folders = self._read(folder)
        except OSError:
            self._forget(folder, changed)
            return []
        self._known[folder] = files
        for name in {*files, *(before or {})}:
            if files.get(name) != (before or {}).get(name):
                changed.add(f"{folder.rstrip('/')}/{name}")
        own = [one for one in self._known if os.path.dirname(one) == folder and one != folder]
        for gone in set(own) - folders:
            self._forget(gone, changed)
        return [one for one in folders if one not in self._known]

    def _open(self, folder: str) -> None:
        if self.blind:
            return
        eye = self._eye(self._loop, folder, lambda name: self._seen(folder, name))
        self._eyes[folder] = eye
        if eye.blind:
            self.blind = True
            self._told_blind()

    def _read(self, folder: str) -> tuple[dict[str, Stamp], set[str]]:
        files: dict[str, Stamp] = {}
        folders = set()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = f"{folder.rstrip('/')}/{entry.name}"
                if self._passed_over(entry.name, path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if self._descends(path):
                        folders.add(path)
                elif any(glob.fits(path) for glob in self._globs):
                    files[entry.name] = _stamp(path)
        return files, folders

    def _passed_over(self, name: str, path: str) -> bool:
        # a name that a glob begins with is meant
        meant = any(f"{one.base}/".startswith(f"{path}/") for one in self._globs)
        return ignored(name) and not meant

    def _forget(self, folder: str, changed: set[str]) -> None:
        for one in [one for one in self._known if one == folder or one.startswith(f"{folder}/")]:
            changed |= {f"{one.rstrip('/')}/{name}" for name in self._known.pop(one)}
            if (eye := self._eyes.pop(one, None)) is not None:
                eye.close()


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)  # a link to nothing, or it went just now
    return (found.st_mtime_ns, found.st_size, found.st_ino)
