"""The client library of tally."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from booty import Instance


class Client:
    """One authenticated connection; requests are answered in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def of(cls, instance: Instance) -> AsyncIterator[Client]:
        """Connect to an instance with its password; close at the end.

        Raises:
            OSError: nobody is there, or it refuses.
        """
        main = instance.endpoints["main"]
        reader, writer = await asyncio.open_connection(main.host, main.port)
        try:
            await reader.readline()
            client = cls(reader, writer)
            await client.ask(f"AUTH {instance.secrets['password']}")
            yield client
        finally:
            writer.close()
            await writer.wait_closed()

    async def ask(self, line: str) -> str:
        """Send one request, return what follows ``OK``."""
        self._writer.write(f"{line}\n".encode())
        answer = (await self._reader.readline()).decode().strip()
        status, _, rest = answer.partition(" ")
        if status != "OK":
            raise ConnectionError(rest or "the server went away")
        return rest

    async def make(self, name: str) -> None:
        """Make sure that a counter exists."""
        await self.ask(f"MAKE {name}")

    async def add(self, name: str, number: int = 1) -> int:
        """Count; returns the new value."""
        return int(await self.ask(f"ADD {name} {number}"))

    async def get(self, name: str) -> int:
        """Return a counter's value."""
        return int(await self.ask(f"GET {name}"))

    async def names(self) -> list[str]:
        """Return the names of all counters, sorted."""
        return (await self.ask("LIST")).split()
