"""One look of each kind, without blocking the loop; and waiting for what can be waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from booty.run import process
from booty.run.inotify import Changes

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from booty.run.loop import Future, Loop

__all__ = ["FASTEST", "SLOWEST", "Unable", "describe", "look", "stamp", "until"]

FASTEST: Final = 0.005
"""Seconds between the first looks at a port."""
SLOWEST: Final = 0.25
"""Seconds between later ones."""
GROWTH: Final = 1.05
"""By which pauses grow: what is ready after 200 ms is seen within 15 ms, on average in half."""
SHARE: Final = 4
"""Times that a look took that are between it and the next: nobody looks all the time."""
CHUNK: Final = 65536
LONGEST_ANSWER: Final = 1 << 20
LONGEST_LINE: Final = 1 << 16
_GOOD: Final = range(200, 400)
_OURS: Final = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL)
)
"""What is wrong with whoever looks, and says nothing of what is looked at."""


class Unable(Exception):  # noqa: N818 - no fault of what is looked at
    """No look could be taken: the system has no descriptor, process, memory or port left."""


def describe(probe: Mapping[str, Any]) -> str:
    """Say what is waited for: ``tcp 127.0.0.1:4222``, ``a log line like "ready"``."""
    for kind in ("tcp", "http", "file"):
        if probe.get(kind):
            return f"{kind} {probe[kind]}"
    if probe.get("log"):
        return f'a log line like "{probe["log"]}"'
    if probe.get("exec"):
        return f'exec "{" ".join(probe["exec"])}"'
    return "READY=1 on its notify socket"


async def look(loop: Loop, probe: Mapping[str, Any], around: Mapping[str, Any]) -> str:
    """Take one look.

    Args:
        loop: the loop.
        probe: one probe of a run sheet, references filled in.
        around: ``env`` and ``cwd`` for ``exec``, and ``ended``, which tells how a child ended,
            if somebody else than the probe reaps.

    Returns:
        An empty string if it is as it should be, else a phrase that says what is not.

    Raises:
        Unable: nobody can tell.
    """
    limit = float(probe.get("timeout") or 5.0)
    if probe.get("tcp"):
        return await _tcp(loop, probe["tcp"], probe.get("first_bytes"), limit)
    if probe.get("http"):
        return await _http(loop, probe, limit)
    if probe.get("exec"):
        return await _exec(loop, probe["exec"], around, limit)
    if probe.get("file"):
        return "" if os.path.exists(probe["file"]) else f"no file {probe['file']}"
    return ""


async def until(loop: Loop, probe: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    """Wait until a probe passes; cancelled by who has a deadline.

    Args:
        loop: the loop.
        probe: likewise.
        around: ``env cwd``, and for ``log`` ``log`` (path) and ``offset``; for ``notify`` the
            future ``notified``; for ``file`` what :func:`stamp` said ``before`` the start.
    """
    if probe.get("notify"):
        await loop.first(around["notified"])
    elif probe.get("log"):
        await _on_change(loop, around["log"], _log_look(probe["log"], around))
    elif probe.get("file"):
        await _file(loop, probe["file"], around.get("before"))
    else:
        await _by_looking(loop, probe, around)


async def _by_looking(loop: Loop, probe: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    pause, begin = FASTEST, loop.now()
    while not await _passes(loop, probe, around):
        took = loop.now() - begin
        await loop.sleep(min(SLOWEST, max(pause, SHARE * took)))
        pause, begin = pause * GROWTH, loop.now()


async def _passes(loop: Loop, probe: Mapping[str, Any], around: Mapping[str, Any]) -> bool:
    try:
        return not await look(loop, probe, around)
    except Unable:
        return False


def stamp(path: str) -> list[int] | None:
    """Return what changes when a file is made or written; ``None`` if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_ino, found.st_ctime_ns]


async def _file(loop: Loop, path: str, before: list[int] | None) -> None:
    def made() -> bool:
        # one that an earlier start left says nothing about this one
        return stamp(path) not in (None, before)

    if os.path.isdir(os.path.dirname(path)):
        await _on_change(loop, path, made)
        return
    pause = FASTEST
    while not made():
        await loop.sleep(min(SLOWEST, pause))
        pause *= GROWTH


async def _on_change(loop: Loop, path: str, passed: Callable[[], bool]) -> None:
    if passed():
        return  # of many that start at once most are ready before it is their turn
    found: Future[None] = loop.future()

    def seen() -> None:
        if passed():
            found.set(None)

    folder, _, name = path.rpartition("/")
    changes = Changes(loop, folder or "/", seen, name)
    try:
        seen()  # it may have happened before the watch began
        await loop.first(found)
    finally:
        changes.close()


def _log_look(pattern: str, around: Mapping[str, Any]) -> Callable[[], bool]:
    expression = re.compile(pattern.encode())
    offset, rest = int(around["offset"]), b""

    def passed() -> bool:
        nonlocal offset, rest
        with contextlib.suppress(OSError), open(around["log"], "rb") as file:
            size = os.fstat(file.fileno()).st_size
            offset = offset if offset <= size else 0  # truncated
            file.seek(offset)
            # what a flood adds meanwhile is read in the next turn
            while offset < size and (data := file.read(CHUNK)):
                offset += len(data)
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[-LONGEST_LINE:]
                if any(expression.search(line) for line in lines):
                    return True
        return False

    return passed


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)


async def _connect(loop: Loop, address: tuple[str, int], limit: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    link = socket.socket(family, socket.SOCK_STREAM)
    link.setblocking(False)
    try:
        await _connected(loop, link, address, limit)
    except BaseException:
        link.close()
        raise
    return link


async def _connected(
    loop: Loop, link: socket.socket, address: tuple[str, int], limit: float
) -> None:
    code = link.connect_ex(address)
    if code in {errno.EINPROGRESS, errno.EAGAIN}:
        if not await loop.ready(link.fileno(), write=True, timeout=limit):
            raise TimeoutError
        code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _read(loop: Loop, link: socket.socket, limit: float) -> bytes:
    if hasattr(link, "cipher"):  # TLS, see _spoken
        from booty.run import secure

        return await secure.read(loop, link, limit, CHUNK)
    if not await loop.ready(link.fileno(), timeout=limit):
        raise TimeoutError
    return link.recv(CHUNK)


async def _tcp(loop: Loop, target: str, first: str | None, limit: float) -> str:
    try:
        link = await _connect(loop, _address(target), limit)
        with link:
            if not first:
                return ""
            said = b""
            while len(said) < len(first.encode()):
                data = await _read(loop, link, limit)
                if not data:
                    break
                said += data
            greeted = said.startswith(first.encode())
            return "" if greeted else f"{target} does not greet with {first}"
    except (OSError, ValueError) as error:
        _refuse_ours(error)
        return f"{target}: {_words(error)}"


async def _http(loop: Loop, probe: Mapping[str, Any], limit: float) -> str:
    try:
        from urllib.parse import urlsplit

        parts = urlsplit(str(probe["http"]))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        with await _spoken(loop, parts, limit) as link:
            link.sendall(request.encode())
            answer = b""
            while len(answer) < LONGEST_ANSWER and (data := await _read(loop, link, limit)):
                answer += data
                if not probe.get("body") and b"\r\n" in answer:
                    break
    except (OSError, ValueError) as error:
        _refuse_ours(error)
        return f"{probe['http']}: {_words(error)}"
    return _judged(answer, probe)


async def _spoken(loop: Loop, parts: SplitResult, limit: float) -> socket.socket:
    secure = parts.scheme == "https"
    address = parts.hostname or "127.0.0.1", parts.port or (443 if secure else 80)
    link = await _connect(loop, address, limit)
    if not secure:
        return link
    from booty.run.secure import shaken  # 4 MiB of memory: for those alone who need it

    try:
        return await shaken(loop, link, limit)
    except BaseException:  # a cancelled look, too, keeps no socket open
        link.close()
        raise


def _judged(answer: bytes, probe: Mapping[str, Any]) -> str:
    try:
        status = int(answer.split(b" ", 2)[1][:3])
    except (IndexError, ValueError):
        return f"{probe['http']} does not speak HTTP"
    if status not in (probe.get("status") or _GOOD):
        return f"{probe['http']} answers {status}"
    body = answer.partition(b"\r\n\r\n")[2].decode(errors="replace")
    if probe.get("body") and not re.search(probe["body"], body):
        return f"the body of {probe['http']} lacks {probe['body']}"
    return ""


async def _exec(loop: Loop, argv: list[str], around: Mapping[str, Any], limit: float) -> str:
    try:
        pid = process.spawn(argv, around["env"], cwd=around["cwd"], output=around.get("output"))
        child = process.watched(loop, pid)
    except process.SpawnError as error:
        _refuse_ours(error.__cause__)
        return str(error)
    try:
        ended = await loop.first(child.gone, timeout=limit)
        if ended is None:
            return f'"{argv[0]}" takes more than {limit:g} s'
    finally:
        if not child.gone.done:
            child.send_group(9)
        child.watch.close()
    # where SIGCHLD is listened to, its listener may have been first
    status = await around["ended"](child) if "ended" in around else process.reap(pid)
    return "" if status and status.code == 0 else f'"{argv[0]}" ends with {_ending(status)}'


def _ending(status: process.Exit | None) -> str:
    if status is None or status == (None, None):
        return "nobody knows what"
    return str(status.code) if status.signal is None else f"signal {status.signal}"


def _refuse_ours(error: BaseException | None) -> None:
    if isinstance(error, OSError) and error.errno in _OURS:
        raise Unable(os.strerror(error.errno)) from error


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return getattr(error, "strerror", None) or str(error)
