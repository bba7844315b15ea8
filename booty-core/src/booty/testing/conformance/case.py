"""One case of the conformance suite: an async test with a number, needs and a deadline."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import anyio
import pytest

from booty.clients.capability import Capability

__all__ = ["case"]

_Self = TypeVar("_Self")
SECONDS: Final = 60.0
"""What a case may take at most; one that waits for something that never comes ends then."""


def case(
    number: str, *needs: Capability, without: Capability | None = None, seconds: float = SECONDS
) -> Callable[[Callable[[_Self, Any], Awaitable[None]]], Callable[[_Self, Any], None]]:
    """Make a test of a coroutine: skipped where a capability is missing, ended at a deadline.

    Args:
        number: the case's own, ``P03``; never changed, never used again.
        needs: capabilities without which the case says nothing.
        without: a capability that a driver must not have for the case to say anything.
        seconds: the deadline.
    """

    def decorate(body: Callable[[_Self, Any], Awaitable[None]]) -> Callable[[_Self, Any], None]:
        @functools.wraps(body)
        def test(self: _Self, harness: Any) -> None:
            _skip(harness.capabilities, needs, without)
            anyio.run(functools.partial(_within, seconds, functools.partial(body, self, harness)))

        test.case = number  # type: ignore[attr-defined]  # read by the matrix
        return test

    return decorate


def _skip(
    declared: frozenset[Capability], needs: tuple[Capability, ...], without: Capability | None
) -> None:
    missing = [word.value for word in needs if word not in declared]
    if missing:
        pytest.skip(f"the driver declares no {', '.join(missing)}")
    if without in declared:
        pytest.skip(f"the driver declares {without}")


async def _within(seconds: float, body: Callable[[], Awaitable[None]]) -> None:
    with anyio.fail_after(seconds):
        await body()
