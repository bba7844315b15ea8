"""Coroutines of tests, with a deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

SECONDS = 60.0


def run(body: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine with a deadline."""

    async def inner() -> Any:
        with anyio.fail_after(SECONDS):
            return await body()

    return anyio.run(inner)
