"""Workers: one process for each provider whose hooks are called, each call with a deadline."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from booty.run import process
from booty.run.process import SpawnError, watched
from booty.supervise import wire
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.run.loop import Future, Loop, Timer

__all__ = ["Unknown", "Workers"]

IDLE: Final = 10.0
"""Seconds without a call until a worker is ended."""
SLACK: Final = 2.0
"""Seconds beyond a call's own deadline until its worker counts as hanging."""
CHUNK: Final = 65536
FD: Final = 3


class Unknown(Exception):  # noqa: N818 - an answer, not a fault
    """A worker hangs, died or could not be started: nothing is known."""


class _Worker:
    """One worker process."""

    def __init__(self, loop: Loop, provider: dict[str, Any], env: dict[str, str], log: int) -> None:
        self.loop = loop
        self.answers: dict[int, Future[dict[str, Any]]] = {}
        self.numbers = itertools.count(1)
        self.idle: Timer | None = None
        self.feed = wire.Feed()
        ours, theirs = socket.socketpair()
        try:
            pid = process.spawn(
                [provider["python"], "-m", "booty.worker"],
                {**env, "BOOTY_WORKER_FD": str(FD), "PYTHONPATH": os.pathsep.join(_path())},
                fds={FD: theirs.fileno()},
                output=log,
            )
            self.process = watched(loop, pid)
        except SpawnError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.process.gone.on_done(self.close)
        ours.setblocking(False)
        self.link: socket.socket | None = ours
        loop.watch(ours.fileno(), self.hear)

    def hear(self) -> None:
        if self.link is None:
            return
        try:
            data = self.link.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        with contextlib.suppress(wire.WireError):
            for frame in self.feed.add(data):
                answer = self.answers.pop(frame.get("id", 0), None)
                if answer is not None:
                    answer.set(frame)

    def close(self) -> None:
        """End it; whoever waits for an answer learns that nothing is known."""
        if self.link is None:
            return
        self.loop.unwatch(self.link.fileno())
        self.link.close()
        self.link = None
        if self.idle is not None:
            self.idle.cancel()
        self.process.send_group(9)
        self.process.watch.close()
        for answer in self.answers.values():
            answer.fail(Unknown("the worker died"))
        self.answers.clear()

    async def call(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        if self.idle is not None:
            self.idle.cancel()
        number = next(self.numbers)
        answer: Future[dict[str, Any]] = self.loop.future()
        self.answers[number] = answer
        await self._send(wire.pack({"id": number, **request}), limit)
        if await self.loop.first(answer, timeout=limit + SLACK) is None:
            self.close()
            raise Unknown(f"no answer within {limit:g} s")
        if not self.answers:
            self.idle = self.loop.after(IDLE, self.close)
        return answer.result()

    async def _send(self, data: bytes, limit: float) -> None:
        view = memoryview(data)
        while view:
            if self.link is None:
                raise Unknown("the worker died")
            try:
                view = view[self.link.send(view) :]
            except BlockingIOError:
                if not await self.loop.ready(self.link.fileno(), write=True, timeout=limit):
                    self.close()
                    raise Unknown("the worker does not listen") from None
                self.loop.watch(self.link.fileno(), self.hear)
            except OSError as error:
                self.close()
                raise Unknown("the worker died") from error


def _path() -> list[str]:
    # an editable install is seen through site-packages; a bare tree only through its folder
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return [here] if not here.endswith("site-packages") else []


class Workers:
    """All workers of a stack.

    Args:
        loop: the loop.
        env: the environment they get.
        log: descriptor of their output.
    """

    def __init__(self, loop: Loop, env: dict[str, str], log: int) -> None:
        self._loop = loop
        self._env = env
        self._log = log
        self._workers: dict[str, _Worker] = {}

    async def call(
        self, name: str, provider: dict[str, Any], verb: str, limit: float, **arguments: Any
    ) -> dict[str, Any]:
        """Call a hook.

        Args:
            name: the provider.
            provider: its entry of the run sheet.
            verb: the hook.
            limit: seconds it may take.
            **arguments: the hook's arguments as data, references filled in.

        Returns:
            What stands under ``ok``.

        Raises:
            Unknown: the worker hangs, died or cannot be started.
            ControlError: the hook raised.
        """
        worker = self._workers.get(name)
        if worker is None or worker.link is None:
            try:
                worker = _Worker(self._loop, provider, self._env, self._log)
            except (SpawnError, OSError, KeyError) as error:
                raise Unknown(f"the worker cannot be started: {error}") from error
            self._workers[name] = worker
        request = {"verb": verb, "provider": name, "deadline": limit, **arguments}
        answer = await worker.call(request, limit)
        if "error" in answer:
            raise ControlError(answer["error"])
        return dict(answer["ok"])

    def pids(self) -> set[int]:
        """Return the process numbers of living workers."""
        return {one.process.pid for one in self._workers.values() if one.link is not None}

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.close()
