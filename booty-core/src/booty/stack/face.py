"""``Stack``: a stack in the hands of a program."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from anyio import to_thread

from booty.errors import BootyError, from_data
from booty.stack import ending
from booty.stack import place as places
from booty.stack.choice import Choice, Outcome
from booty.stack.handing import Session, request
from booty.stack.portable import Portable
from booty.supervise import client, listing
from booty.supervise.client import Connection, ControlError

if TYPE_CHECKING:
    from pathlib import Path

    from booty.stack.place import Place

__all__ = ["Stack"]

DIE: Final = "die-with-me"
PATIENCE: Final = 300.0
"""Seconds that ``up`` and ``down`` wait if they are not told otherwise."""


class Stack(Portable):
    """A stack that this program opened; a client of its supervisor, never the supervisor itself.

    Open it with :meth:`open`. While it is open this process holds a pipe; if the stack was started
    here with ``die-with-me`` (the default), its end, by KILL too, is an orderly stop.
    """

    def __init__(self, place: Place, lifetime: str | None) -> None:
        super().__init__(place)
        self._lifetime = lifetime
        self._hold: tuple[int, int] | None = None
        self._started = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, file: str | Path = places.FILE, *, lifetime: str | None = None
    ) -> AsyncIterator[Self]:
        """Open a stack; nothing is started yet.

        Args:
            file: path of booty.toml, or its folder.
            lifetime: ``die-with-me`` or ``outlive-me``; by default what the file says, else
                ``die-with-me``. A stack that runs already keeps its own unless one is named.

        Raises:
            ConfigError: there is no such file.
        """
        stack = cls(places.find(str(file)), lifetime)
        stack._hold = os.pipe()
        try:
            yield stack
        finally:
            with anyio.CancelScope(shield=True):
                await stack._close()

    async def _close(self) -> None:
        try:
            if self._held():
                await self.down()
        finally:
            for fd in self._hold or ():
                os.close(fd)
            self._hold = None

    def _held(self) -> bool:
        lifetime = self.place.stack.get("lifetime")
        return lifetime == DIE and (self._started or self._lifetime == DIE)

    async def up(
        self,
        *names: str,
        timeout: float = PATIENCE,
        profiles: tuple[str, ...] | None = None,
        frozen: bool = False,
        replan: bool = False,
    ) -> Outcome:
        """Fetch, plan, start, wait until ready; converges a stack that runs already.

        Args:
            *names: services or instances; none = all.
            timeout: seconds to wait for readiness.
            profiles: profiles laid over the file.
            frozen: take only what booty.lock holds; it may not have to change.
            replan: plan anew though nothing changed, and have every bootstrap asked again: what
                somebody changed by hand is as it is declared.

        Returns:
            What was changed.

        Raises:
            BootyError, BootyErrors: whatever is wrong; what this call started has been stopped.
        """
        choice = Choice(names=names, profiles=profiles, frozen=frozen)
        reader = self._hold[0] if self._hold else None
        session = Session(self.place, lifetime=self._lifetime or "", default=DIE, hold=reader)
        try:
            work = functools.partial(session.up, choice, replan=replan)
            outcome = await to_thread.run_sync(work)
            await self._until_ready(session, outcome, list(names) or None, timeout)
        finally:
            # also when we were cancelled: what was started in the thread is ours to end
            self._started = self._started or session.started
            if session.link is not None:
                session.link.close()
        return outcome

    async def _until_ready(
        self, session: Session, outcome: Outcome, names: list[str] | None, timeout: float
    ) -> None:
        if session.link is None or outcome.nothing:
            return
        wanted = {"names": names, "for": "ready", "limit": timeout}
        try:
            await _request(session.link, "wait", **wanted)
        except BootyError as fault:
            await to_thread.run_sync(session.undo, outcome, fault)
            raise

    async def down(self, *, timeout: float = PATIENCE) -> list[dict[str, Any]]:
        """Stop everything, supervisor included; data is kept.

        Args:
            timeout: seconds to wait; stopping goes on after them.

        Returns:
            How each instance ended: ``instance how code signal seconds``.

        Raises:
            StopError: it takes longer.
        """
        return await to_thread.run_sync(ending.down, self.place, timeout) or []

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor for something (docs/reference/control-protocol.md).

        Args:
            do: the verb.
            **fields: its fields, as the page on the protocol has them.

        Returns:
            What the supervisor answers.

        Raises:
            BootyError: nobody runs the stack, or it was refused.
        """
        try:
            link = await to_thread.run_sync(client.connect, self.place.state)
        except ControlError as error:
            raise from_data(error.data) from error
        with link:
            return await _request(link, do, **fields)

    async def start(self, *names: str) -> None:
        """Start services with what they need, and wait until they are ready.

        Args:
            *names: services or instances.

        Raises:
            StartError: one failed to start.
            HealthError: one was not ready in time.
            BootyError: there is no such name, or nobody runs the stack.
        """
        await self.ask("start", names=list(names))
        await self.ask("wait", names=list(names), **{"for": "ready"})

    async def stop(self, *names: str) -> list[dict[str, Any]]:
        """Stop services, those that need them first.

        Args:
            *names: services or instances.

        Returns:
            How each instance ended: ``instance how code signal seconds``.

        Raises:
            BootyError: there is no such name, or nobody runs the stack.
        """
        report: list[dict[str, Any]] = (await self.ask("stop", names=list(names)))["report"]
        return report

    async def restart(self, *names: str) -> None:
        """Restart services and wait until they are ready.

        Args:
            *names: services or instances.

        Raises:
            StartError: one failed to start.
            HealthError: one was not ready in time.
            BootyError: there is no such name, or nobody runs the stack.
        """
        changes = (await self.ask("restart", names=list(names)))["changes"]
        # with whoever asked to be restarted too
        others = [one["instance"] for one in changes if one["action"] == "restart"]
        await self.ask("wait", names=[*names, *others], **{"for": "ready"})

    async def scale(self, replicas: Mapping[str, int], *, timeout: float = PATIENCE) -> Outcome:
        """Run more or fewer instances of services; remembered until the file's numbers change.

        Args:
            replicas: by service, or ``service.role``.
            timeout: seconds to wait until all of it is done.

        Returns:
            What was changed.

        Raises:
            ConfigError: there is no such service or role, or its component forbids the number.
            ConflictError: nobody runs the stack.
            BootyError, BootyErrors: what :meth:`up` raises.
        """
        from booty.stack import scaling

        session = Session(self.place)
        try:
            outcome, names = await to_thread.run_sync(scaling.scale, session, replicas)
            await self._until_ready(session, outcome, list(names) or None, timeout)
        finally:
            if session.link is not None:
                session.link.close()
        return outcome

    async def ps(self) -> list[dict[str, Any]]:
        """Return the instances as ``booty ps --json`` lists them; asks nobody.

        Returns:
            A row for each: ``name instance component state pid since restarts ports urls health``
            and more; times in RFC 3339.
        """
        found = await to_thread.run_sync(listing.listing, self.place.state, str(self.place.root))
        rows: list[dict[str, Any]] = found["services"]
        return rows

    async def health(self, *names: str) -> dict[str, Any]:
        """Take a fresh look at instances.

        Args:
            *names: services or instances; none = all.

        Returns:
            By instance ``alive ready good reason at``; ``None`` where it cannot be known.

        Raises:
            BootyError: there is no such name, or nobody runs the stack.
        """
        found: dict[str, Any] = (await self.ask("health", names=list(names) or None))["health"]
        return found

    @asynccontextmanager
    async def client(self, name: str, consumer: str = "user") -> AsyncIterator[Any]:
        """Give a connected native client of a service, closed at the end.

        Args:
            name: service or instance.
            consumer: whose credentials.

        Raises:
            BootyError: no such service; its provider has no client.
        """
        from booty.stack import resolve

        provider, instance = await to_thread.run_sync(resolve.instance, self.place, name, consumer)
        found = provider.call("client", instance=instance)
        if found is None:
            raise BootyError(
                f'cannot open a client of "{name}": provider "{provider.name}" has none',
                reference="no-client",
                subject=name,
                hint=f'use the URL: stack.url("{name}")',
            )
        async with found as native:
            yield native

    async def backup(self, name: str, out: str | Path) -> dict[str, Any]:
        """Write the data of a running service to a new folder: whole, or not at all.

        Args:
            name: the service.
            out: the folder; nothing is there yet.

        Returns:
            What it is of: ``format stack root service component version at``.

        Raises:
            BootyError: it cannot be written, or the provider knows no backup.
        """
        from booty.stack import saving

        return await saving.backup(self.place, name, out)

    async def restore(self, name: str, source: str | Path) -> dict[str, Any]:
        """Put back into a running service what :meth:`backup` wrote.

        Args:
            name: the service.
            source: the folder.

        Returns:
            What it is of.

        Raises:
            BootyError: it is no backup of such a service, or cannot be put back.
        """
        from booty.stack import saving

        return await saving.restore(self.place, name, source)


async def _request(link: Connection, do: str, **fields: Any) -> dict[str, Any]:
    # the thread that waits is let go when its task is cancelled
    try:
        return await to_thread.run_sync(lambda: request(link, do, **fields), abandon_on_cancel=True)
    finally:
        link.interrupt()
