"""What processes use: time of the processor, memory, descriptors."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

__all__ = ["Usage", "of"]

KIB: Final = 1024
_ROW: Final = 6
"""Columns of a line of ``ps``."""


class Usage(NamedTuple):
    """What one instance uses, with all that descends from it.

    Attributes:
        cpu: seconds of processor time of those that run, since each began.
        memory: bytes: each process's proportional share where the kernel tells it (Linux), else
            what is resident, shared pages counted in each.
        descriptors: open files and sockets; ``None`` where that cannot be seen.
        threads: threads.
        processes: processes.
    """

    cpu: float
    memory: int
    descriptors: int | None
    threads: int
    processes: int


class _Row(NamedTuple):
    pid: int
    ppid: int
    sid: int
    cpu: float
    rss: int
    threads: int


def of(leaders: Iterable[int]) -> dict[int, Usage]:
    """Return what process trees use; one that has gone is left out.

    Args:
        leaders: the processes at their tops, each the leader of a session.
    """
    rows = {row.pid: row for row in (_ps() if sys.platform == "darwin" else _proc())}
    wanted = [pid for pid in leaders if pid in rows]
    found: dict[int, list[_Row]] = {pid: [] for pid in wanted}
    for row in rows.values():
        leader = _leader(row, rows, found)
        if leader is not None:
            found[leader].append(row)
    return {pid: _sum(own) for pid, own in found.items()}


def _leader(row: _Row, rows: Mapping[int, _Row], leaders: Mapping[int, object]) -> int | None:
    # by descent, or by session: an orphan has another parent
    seen: _Row | None = row
    while seen is not None:
        if seen.pid in leaders:
            return seen.pid
        if seen.sid in leaders:
            return seen.sid
        seen = rows.get(seen.ppid) if seen.ppid != seen.pid else None
    return None


def _sum(rows: list[_Row]) -> Usage:
    descriptors = [_descriptors(row.pid) for row in rows]
    return Usage(
        cpu=sum(row.cpu for row in rows),
        memory=sum(_memory(row) for row in rows),
        descriptors=None if None in descriptors else sum(one or 0 for one in descriptors),
        threads=sum(row.threads for row in rows),
        processes=len(rows),
    )


def _proc() -> Iterator[_Row]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            line = file.read()
            # the name may hold spaces and parentheses: fields are counted from its last one
            fields = line[line.rindex(b")") + 2 :].split()
            if fields[0] not in {b"Z", b"X"}:
                cpu = (int(fields[11]) + int(fields[12])) / ticks
                yield _Row(
                    int(name),
                    int(fields[1]),
                    int(fields[3]),
                    cpu,
                    int(fields[21]) * page,
                    int(fields[17]),
                )


def _memory(row: _Row) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{row.pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * KIB
    return row.rss


def _descriptors(pid: int) -> int | None:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def _ps() -> Iterator[_Row]:  # macOS
    import subprocess

    columns = "pid=,ppid=,pgid=,time=,rss=,stat="
    done = subprocess.run(["/bin/ps", "-axo", columns], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == _ROW and not words[5].startswith("Z"):
            pid, ppid, group = (int(word) for word in words[:3])
            yield _Row(pid, ppid, group, _seconds(words[3]), int(words[4]) * KIB, 1)


def _seconds(text: str) -> float:
    # [days-][hours:]minutes:seconds
    days, _, rest = text.rpartition("-")
    found = 0.0
    for part in rest.split(":"):
        found = found * 60 + float(part)
    return float(days or 0) * 86400 + found
