"""Rotates one log under its writer, who notices nothing: copy, sync, record, give back.

A writer that appends needs its file to stay, so what was copied is punched out of the front of it:
the file keeps its size and its offsets, the disk gets its blocks back. Each step may be the last
one of this process; the next one goes on from the names that were left (:mod:`.segments`).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from booty.run import marks
from booty.run.segments import GZIP, Segment, Survey, digest, folder_of, survey

__all__ = ["Policy", "Punch", "punch", "rotate"]

LEFT: Final = 1 << 16
"""Bytes that stay in the live file: a report of a crash shows its last lines."""
LONGEST: Final = 1 << 20
"""Bytes among which the end of a line is searched for."""
MOST: Final = 1 << 42
"""Bytes, holes counted, after which a file is truncated: file systems have an end."""
LEVEL: Final = 1
ROUNDS: Final = 3
"""Times that what was written meanwhile is copied before a truncation."""
LOSS: Final = (
    "the log was copied and truncated, since holes cannot be made in it: what was written in that"
    " instant may be lost"
)
FULL: Final = "the disk is full: older segments of the log were removed to rotate it"
_CHUNK: Final = 1 << 20
_KEEP_SIZE_PUNCH_HOLE: Final = 0x01 | 0x02
_NO_HOLES: Final = frozenset((errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV))
_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT))
Punch = Callable[[int, int], None]
"""Gives the blocks of a file's first bytes back; raises OSError."""


class Policy(NamedTuple):
    """When a log is rotated and what is kept of it.

    Attributes:
        size: bytes of the live part from which it is.
        age: seconds after which lines are rotated, and segments removed.
        keep: segments that are kept.
        most: bytes of the live file, holes counted, from which it is truncated instead.
    """

    size: int
    age: float
    keep: int
    most: int = MOST


def punch(file: int, length: int) -> None:
    """Give back the blocks of the first bytes of a file; its size stays.

    Raises:
        OSError: the file system cannot, or this system has no such call.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "fallocate64", None) or libc.fallocate  # musl has the one for both
    if call(file, _KEEP_SIZE_PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(length)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def _alone(folder: str) -> Iterator[bool]:
    os.makedirs(folder, 0o700, exist_ok=True)
    lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(lock)


def rotate(path: str, policy: Policy, now: float, punch: Punch = punch) -> list[str]:
    """Rotate a log if it is due, and remove what is kept no longer.

    Args:
        path: the live file.
        policy: when, and what is kept.
        now: seconds since 1970.
        punch: gives blocks back.

    Returns:
        What somebody should know of: phrases such as "lines may be lost".

    Raises:
        OSError: it cannot; nothing is lost, a repeat goes on where this one was.
    """
    folder = folder_of(path)
    with _alone(folder) as mine:
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            return _Rotation(path, file, policy, now, punch).run() if mine else []
        finally:
            os.close(file)


class _Rotation:
    def __init__(self, path: str, file: int, policy: Policy, now: float, give_back: Punch) -> None:
        self.path = path
        self.file = file
        self.policy = policy
        self.now = now
        self.give_back = give_back
        self.folder = folder_of(path)
        self.marks = marks.read(path)
        self.told: list[str] = []
        self.truncates = False

    def run(self) -> list[str]:
        self._go_on()
        known = survey(self.path)
        old = self._old(known)
        if old or known.end - known.until >= self.policy.size:
            self._rotate(known, old=old)
        self._retain()
        return self.told

    def _go_on(self) -> None:
        # what the one before us was at when it ended
        for name in os.listdir(self.folder):
            if name.endswith(".part"):
                os.unlink(f"{self.folder}/{name}")
        known = survey(self.path)
        self._rebase(known.base)
        self._free()

    def _rebase(self, base: int) -> None:
        name = f"{base:016d}.base"
        for other in os.listdir(self.folder):
            if other.endswith(".cut") and base == int(other[:16]):
                os.rename(f"{self.folder}/{other}", f"{self.folder}/{name}")
            elif other.endswith(".cut"):
                os.unlink(f"{self.folder}/{other}")  # it never came to the truncation
        if base and not os.path.exists(f"{self.folder}/{name}"):
            self._touch(name)
        for other in os.listdir(self.folder):
            if other.endswith(".base") and other < name:
                os.unlink(f"{self.folder}/{other}")

    def _old(self, known: Survey) -> bool:
        if known.end == known.until:
            return False
        first = self.marks.time(known.until + 1)
        return first is not None and first < self.now - self.policy.age

    # -- what is copied

    def _rotate(self, known: Survey, *, old: bool) -> None:
        self.truncates = self.truncates or known.base + known.size > self.policy.most
        left = 0 if old else min(LEFT, self.policy.size // 2)
        end = self._line_end(known, known.until, known.end - left)
        at = self._skip(known, end)
        while at < end:
            cut = min(end, at + self.policy.size)
            cut = cut if cut == end else self._line_end(known, at, cut)
            self._keep(known, at, cut)
            self._free()
            at = cut
        if self.truncates:
            self._truncate(known, at)

    def _line_end(self, known: Survey, low: int, high: int) -> int:
        # a line longer than this is cut where it is: readers put it together again
        begin = max(low, high - LONGEST)
        data = os.pread(self.file, high - begin, begin - known.base)
        found = data.rfind(b"\n")
        return high if found < 0 else begin + found + 1

    def _skip(self, known: Survey, end: int) -> int:
        # what retention would remove at once is not copied: so no flood outruns us
        if not self.policy.keep:
            at = end
        elif end - known.until <= self.policy.keep * self.policy.size:
            return known.until
        else:
            at = self._line_end(known, known.until, end - self.policy.keep * self.policy.size)
        self._touch(f"{known.until:016d}-{at:016d}.gone")
        self._free()
        return at

    def _keep(self, known: Survey, begin: int, end: int) -> None:
        while True:
            try:
                return self._copy(known, begin, end)
            except OSError as error:
                oldest = next((one for one in survey(self.path).segments if one.there), None)
                if error.errno not in _FULL or oldest is None:
                    raise
                self._drop(oldest)
                self.told.append(FULL)

    def _copy(self, known: Survey, begin: int, end: int) -> None:
        staged = f"{self.folder}/{begin:016d}.part"
        try:
            with open(staged, "wb", opener=_private) as target:
                machine = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
                for at in range(begin, end, _CHUNK):
                    data = os.pread(self.file, min(_CHUNK, end - at), at - known.base)
                    target.write(machine.compress(data))
                target.write(machine.flush())
                target.flush()
                os.fsync(target.fileno())
        except OSError:
            with suppress(OSError):
                os.unlink(staged)
            raise
        written = self.marks.time(end) or self.now
        os.utime(staged, (written, written))
        os.rename(staged, f"{self.folder}/{begin:016d}-{end:016d}.gz")
        self._sync()

    # -- what is given back

    def _free(self) -> None:
        known = survey(self.path)
        if known.until <= known.base or self.truncates:
            return
        try:
            self.give_back(self.file, known.until - known.base)
        except OSError as error:
            if error.errno not in _NO_HOLES:
                raise
            self.truncates = True

    def _truncate(self, known: Survey, end: int) -> None:
        # a truncation takes all: what was written while we copied is copied first
        for _ in range(ROUNDS):
            now = known.base + os.fstat(self.file).st_size
            if now > end:
                self._keep(known, end, now)
            end = now
        cut = f"{end:016d}-{digest(self.file, end - known.base)}.cut"
        self._touch(cut)
        os.ftruncate(self.file, 0)
        os.rename(f"{self.folder}/{cut}", f"{self.folder}/{end:016d}.base")
        self._rebase(end)
        self.told.append(LOSS)

    def _retain(self) -> None:
        kept = [one for one in survey(self.path).segments if one.there]
        late = max(0, len(kept) - self.policy.keep)
        for number, one in enumerate(kept):
            if number < late or os.stat(one.path).st_mtime < self.now - self.policy.age:
                self._drop(one)
        known = survey(self.path)
        for one in known.segments:
            if not one.there and one.end < known.until:
                os.unlink(one.path)
        self._forget_marks()

    def _drop(self, segment: Segment) -> None:
        if segment.end == survey(self.path).until:
            # the last name tells how far we are: it must not go
            self._touch(f"{segment.begin:016d}-{segment.end:016d}.gone")
        os.unlink(segment.path)

    def _forget_marks(self) -> None:
        known = survey(self.path)
        oldest = next((one.begin for one in known.segments if one.there), known.until)
        marks.forget(self.path, oldest)

    def _touch(self, name: str) -> None:
        os.close(os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
