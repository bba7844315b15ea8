"""tally: counts things. One line in, one line out; a change is journalled before the answer.

::

    AUTH <password>      OK | ERR wrong password
    MAKE <name>          OK            the counter exists from now on, at 0
    ADD <name> <number>  OK <value>
    GET <name>           OK <value>
    LIST                 OK <name> <name> …

The server greets with ``TALLY 1``. TERM ends it with 0 when all answers are out.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import os
import signal
from pathlib import Path


class Tally:
    """The counters and their journal."""

    def __init__(self, journal: Path, *, sync: bool) -> None:
        self.counts: dict[str, int] = {}
        self.sync = sync
        if journal.exists():
            for line in journal.read_text().splitlines():
                self._apply(line)
        self.journal = journal.open("a")

    def _apply(self, line: str) -> int:
        name, _, number = line.rpartition(" ")
        self.counts[name] = self.counts.get(name, 0) + int(number)
        return self.counts[name]

    def add(self, name: str, number: int) -> int:
        """Write the change down, then count it; returns the new value."""
        self.journal.write(f"{name} {number}\n")
        self.journal.flush()
        if self.sync:
            os.fsync(self.journal.fileno())
        return self._apply(f"{name} {number}")

    def answer(self, words: list[str]) -> str:
        """Answer one request of an authenticated client."""
        match words:
            case ["MAKE", name]:
                if name not in self.counts:
                    self.add(name, 0)
                return "OK"
            case ["ADD", name, number] if number.lstrip("-").isdigit():
                return f"OK {self.add(name, int(number))}"
            case ["GET", name] if name in self.counts:
                return f"OK {self.counts[name]}"
            case ["LIST"]:
                return " ".join(["OK", *sorted(self.counts)])
        return "ERR cannot understand that, or no such counter"


class Session:
    """One connected client."""

    def __init__(self, tally: Tally, password: str) -> None:
        self.tally = tally
        self.password = password

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet, then answer line by line until the client goes."""
        writer.write(b"TALLY 1\n")
        known = False
        while line := (await reader.readline()).decode(errors="replace").split():
            if line[0] == "AUTH":
                known = hmac.compare_digest(" ".join(line[1:]), self.password)
                writer.write(b"OK\n" if known else b"ERR wrong password\n")
            else:
                text = self.tally.answer(line) if known else "ERR say AUTH first"
                writer.write(f"{text}\n".encode())
            await writer.drain()
        writer.close()


async def run(arguments: argparse.Namespace) -> None:
    """Serve until TERM or INT."""
    tally = Tally(Path(arguments.data) / "journal", sync=arguments.sync)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    password = os.environ["TALLY_PASSWORD"]
    server = await asyncio.start_server(
        lambda reader, writer: Session(tally, password).serve(reader, writer),
        arguments.host,
        arguments.port,
    )
    print(f"tally: {len(tally.counts)} counters, listening", flush=True)
    async with server:
        await ended.wait()
    print("tally: ended", flush=True)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sync", action="store_true")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
