"""A hook that a command needs done: run in a worker process of its own, with a deadline."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from booty.errors import BootyErrors, ProviderError, from_data
from booty.supervise import wire

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SLACK", "ask"]

SLACK: Final = 2.0
"""Seconds beyond the deadline that the worker itself has to say that it is over."""
CHUNK: Final = 65536


def ask(
    provider: str, verb: str, *, limit: float, log: Path, slack: float = SLACK, **arguments: Any
) -> dict[str, Any]:
    """Have a hook run; a hook that hangs, exits or crashes costs nobody but its worker.

    Args:
        provider: the provider's name.
        verb: the hook.
        limit: seconds it may take.
        log: file that the worker's output is added to.
        slack: seconds beyond the limit that the worker has, its start included.
        **arguments: the hook's arguments as data, with true values.

    Returns:
        The hook's answer as data.

    Raises:
        BootyError, BootyErrors: what the hook raised of ours.
        ProviderError: it raised something else, hangs, or its worker died.
    """
    ours, theirs = socket.socketpair()
    with ours, log.open("ab") as output:
        with theirs:
            worker = _start(theirs.fileno(), output.fileno())
        try:
            ours.settimeout(limit + slack)
            request = {"id": 1, "verb": verb, "provider": provider, "deadline": limit}
            ours.sendall(wire.pack({**request, **arguments}))
            answer = _answer(ours)
        except TimeoutError as error:
            raise _unknown(provider, verb, f"it took more than {limit:g} s", log) from error
        except (OSError, wire.WireError) as error:
            raise _unknown(provider, verb, str(error), log) from error
        finally:
            worker.kill()
            worker.wait()
    if answer is None:
        raise _unknown(provider, verb, f"its process ended with {worker.returncode}", log)
    return _said(answer)


def _start(link: int, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "booty.worker"],
        env={**os.environ, "BOOTY_WORKER_FD": str(link)},
        pass_fds=[link],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _answer(link: socket.socket) -> dict[str, Any] | None:
    feed = wire.Feed()
    while data := link.recv(CHUNK):
        for frame in feed.add(data):
            return frame
    return None


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" not in answer:
        return dict(answer["ok"])
    faults = [from_data(one) for one in (answer["error"], *answer["error"].get("others", ()))]
    raise faults[0] if len(faults) == 1 else BootyErrors(faults)


def _unknown(provider: str, verb: str, why: str, log: Path) -> ProviderError:
    return ProviderError(
        f'cannot tell how hook "{verb}" of provider "{provider}" went: {why}',
        reference="hook-unknown",
        subject=provider,
        hint=f"look into {log}",
    )
