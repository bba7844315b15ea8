"""``Stack``: a stack in the hands of a program."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from anyio import to_thread

from booty.errors import BootyError, from_data
from booty.stack import place as places
from booty.stack.choice import Choice
from booty.stack.handing import Outcome, Session, request
from booty.supervise import client, state
from booty.supervise.client import ControlError

if TYPE_CHECKING:
    from pathlib import Path

    from booty.stack.place import Place

__all__ = ["Stack"]

PATIENCE: Final = 300.0
"""Seconds that ``up`` and ``down`` wait if they are not told otherwise."""


class Stack:
    """A stack that this program opened; a client of its supervisor, never the supervisor itself.

    Open it with :meth:`open`. While it is open this process holds a pipe; if the stack was started
    here with ``die-with-me`` (the default), its end, by KILL too, is an orderly stop.
    """

    def __init__(self, place: Place, lifetime: str) -> None:
        self.place = place
        self._lifetime = lifetime
        self._hold: tuple[int, int] | None = None
        self._session: Session | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, file: str | Path = places.FILE, *, lifetime: str = "die-with-me"
    ) -> AsyncIterator[Self]:
        """Open a stack; nothing is started yet.

        Args:
            file: path of booty.toml, or its folder.
            lifetime: ``die-with-me`` or ``outlive-me``; holds if this program starts the stack.

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
        started = self._session is not None and self._session.started
        try:
            if started and self._lifetime == "die-with-me":
                await self.down()
        finally:
            for fd in self._hold or ():
                os.close(fd)
            self._hold = None

    async def up(
        self, *names: str, timeout: float = PATIENCE, profiles: tuple[str, ...] | None = None
    ) -> Outcome:
        """Fetch, plan, start, wait until ready; converges a stack that runs already.

        Args:
            *names: services or instances; none = all.
            timeout: seconds to wait for readiness.
            profiles: profiles laid over the file.

        Returns:
            What was changed.

        Raises:
            BootyError, BootyErrors: whatever is wrong.
        """
        choice = Choice(names=names, profiles=profiles)
        return await to_thread.run_sync(self._up, choice, timeout)

    def _up(self, choice: Choice, timeout: float) -> Outcome:
        reader = self._hold[0] if self._hold else None
        session = Session(place=self.place, lifetime=self._lifetime, hold=reader)
        self._session = session if self._session is None else self._session
        try:
            outcome = session.up(choice)
            self._session.started = self._session.started or session.started
            if session.link is not None and not outcome.nothing:
                names = list(choice.names) or None
                request(session.link, "wait", names=names, limit=timeout, **{"for": "ready"})
        finally:
            if session.link is not None:
                session.link.close()
        return outcome

    async def down(self, *, timeout: float = PATIENCE) -> list[dict[str, Any]]:
        """Stop everything, supervisor included; data is kept.

        Args:
            timeout: seconds to wait.

        Returns:
            How each instance ended: ``instance how code signal seconds``.
        """
        return await to_thread.run_sync(self._down, timeout)

    def _down(self, timeout: float) -> list[dict[str, Any]]:
        try:
            with client.connect(self.place.state) as link:
                report: list[dict[str, Any]] = link.request("down", timeout=timeout)["report"]
                return report
        except ControlError as error:
            if error.reference in {"not-running", "connection-lost"}:
                return []
            raise from_data(error.data) from error

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor for something (docs/reference/control-protocol.md).

        Raises:
            BootyError: nobody runs the stack, or it was refused.
        """
        return await to_thread.run_sync(self._ask, do, fields)

    def _ask(self, do: str, fields: dict[str, Any]) -> dict[str, Any]:
        try:
            with client.connect(self.place.state) as link:
                return link.request(do, **fields)
        except ControlError as error:
            raise from_data(error.data) from error

    async def start(self, *names: str) -> None:
        """Start services with what they need, and wait until they are ready."""
        await self.ask("start", names=list(names))
        await self.ask("wait", names=list(names), **{"for": "ready"})

    async def stop(self, *names: str) -> list[dict[str, Any]]:
        """Stop services, those that need them first; returns how each ended."""
        report: list[dict[str, Any]] = (await self.ask("stop", names=list(names)))["report"]
        return report

    async def restart(self, *names: str) -> None:
        """Restart services and wait until they are ready."""
        await self.ask("restart", names=list(names))
        await self.ask("wait", names=list(names), **{"for": "ready"})

    async def ps(self) -> list[dict[str, Any]]:
        """Return the instances' states as they are on disk, checked against the kernel."""
        found = await to_thread.run_sync(state.read, self.place.state)
        rows: list[dict[str, Any]] = found["instances"]
        return rows

    async def health(self, *names: str) -> dict[str, Any]:
        """Take a look at instances: ``alive ready good reason`` by name."""
        found: dict[str, Any] = (await self.ask("health", names=list(names) or None))["health"]
        return found

    def url(self, name: str, consumer: str = "user") -> str:
        """Return a service's URL, with a consumer's own credentials.

        Raises:
            ConfigError: no such service, or the stack was never up.
        """
        from booty.stack import resolve

        head = resolve.entry(resolve.plan_data(self.place), name)["instance"]["service"]
        variable = head.replace("-", "_").upper() + "_URL"
        return resolve.environment(self.place, consumer).get(variable, "")

    def environment(self, consumer: str = "user") -> dict[str, str]:
        """Return the variables that ``booty run`` gives, with true values."""
        from booty.stack import resolve

        return resolve.environment(self.place, consumer)

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
