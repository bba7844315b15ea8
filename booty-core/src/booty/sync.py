"""``SyncStack``: the same names as :class:`booty.Stack`, blocking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Self

from booty.stack.face import PATIENCE, Stack

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from booty.clients.bucket.sync import SyncBucket
    from booty.clients.pubsub.sync import SyncSubscription, SyncTopic
    from booty.stack.choice import Outcome
    from booty.stack.place import Place

__all__ = ["SyncStack"]


class SyncStack:
    """A stack in the hands of a blocking program; see :class:`booty.Stack` for what each does."""

    def __init__(self, stack: Stack, portal: BlockingPortal) -> None:
        self._stack = stack
        self._portal = portal

    @classmethod
    @contextmanager
    def open(
        cls, file: str | Path = "booty.toml", *, lifetime: str | None = None
    ) -> Iterator[Self]:
        """Open a stack; nothing is started yet."""
        from anyio.from_thread import start_blocking_portal

        with start_blocking_portal() as portal:
            opened = portal.wrap_async_context_manager(Stack.open(file, lifetime=lifetime))
            with opened as stack:
                yield cls(stack, portal)

    @property
    def place(self) -> Place:
        """The stack's folders."""
        return self._stack.place

    def _call(self, name: str, *arguments: Any, **fields: Any) -> Any:
        async def run() -> Any:
            return await getattr(self._stack, name)(*arguments, **fields)

        return self._portal.call(run)

    def up(
        self,
        *names: str,
        timeout: float = PATIENCE,
        profiles: tuple[str, ...] | None = None,
        frozen: bool = False,
        replan: bool = False,
    ) -> Outcome:
        """Fetch, plan, start, wait until ready."""
        outcome: Outcome = self._call(
            "up", *names, timeout=timeout, profiles=profiles, frozen=frozen, replan=replan
        )
        return outcome

    def down(self, *, timeout: float = PATIENCE) -> list[dict[str, Any]]:
        """Stop everything, supervisor included; data is kept."""
        report: list[dict[str, Any]] = self._call("down", timeout=timeout)
        return report

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor for something."""
        found: dict[str, Any] = self._call("ask", do, **fields)
        return found

    def start(self, *names: str) -> None:
        """Start services with what they need, and wait until they are ready."""
        self._call("start", *names)

    def stop(self, *names: str) -> list[dict[str, Any]]:
        """Stop services, those that need them first; returns how each ended."""
        report: list[dict[str, Any]] = self._call("stop", *names)
        return report

    def restart(self, *names: str) -> None:
        """Restart services and wait until they are ready."""
        self._call("restart", *names)

    def scale(self, replicas: Mapping[str, int], *, timeout: float = PATIENCE) -> Outcome:
        """Run more or fewer instances of services; remembered until the file's numbers change."""
        outcome: Outcome = self._call("scale", replicas, timeout=timeout)
        return outcome

    def ps(self) -> list[dict[str, Any]]:
        """Return the instances' states."""
        rows: list[dict[str, Any]] = self._call("ps")
        return rows

    def health(self, *names: str) -> dict[str, Any]:
        """Take a look at instances."""
        found: dict[str, Any] = self._call("health", *names)
        return found

    def url(self, name: str, consumer: str = "user") -> str:
        """Return a service's URL, with a consumer's own credentials."""
        return self._stack.url(name, consumer)

    def environment(self, consumer: str = "user") -> dict[str, str]:
        """Return the variables that ``booty run`` gives."""
        return self._stack.environment(consumer)

    def backup(self, name: str, out: str | Path) -> dict[str, Any]:
        """Write the data of a running service to a new folder: whole, or not at all."""
        head: dict[str, Any] = self._call("backup", name, out)
        return head

    def restore(self, name: str, source: str | Path) -> dict[str, Any]:
        """Put back into a running service what ``backup`` wrote."""
        head: dict[str, Any] = self._call("restore", name, source)
        return head

    @contextmanager
    def topic(
        self, name: str, topic: str, consumer: str = "user", **parameters: object
    ) -> Iterator[SyncTopic]:
        """Give a portable topic at a service, closed at the end."""
        from booty.clients.pubsub.sync import SyncTopic

        inner = self._stack.topic(name, topic, consumer, **parameters)
        with self._portal.wrap_async_context_manager(inner) as opened:
            yield SyncTopic(opened, self._portal)

    @contextmanager
    def subscription(
        self, name: str, topic: str, consumer: str = "user", **parameters: object
    ) -> Iterator[SyncSubscription]:
        """Give a portable subscription at a service, closed at the end."""
        from booty.clients.pubsub.sync import SyncSubscription

        inner = self._stack.subscription(name, topic, consumer, **parameters)
        with self._portal.wrap_async_context_manager(inner) as opened:
            yield SyncSubscription(opened, self._portal)

    @contextmanager
    def bucket(
        self,
        name: str,
        bucket: str | None = None,
        consumer: str = "user",
        **parameters: object,
    ) -> Iterator[SyncBucket]:
        """Give a portable bucket at a service, closed at the end."""
        from booty.clients.bucket.sync import SyncBucket

        inner = self._stack.bucket(name, bucket, consumer, **parameters)
        with self._portal.wrap_async_context_manager(inner) as opened:
            yield SyncBucket(opened, self._portal)

    @contextmanager
    def client(self, name: str, consumer: str = "user") -> Iterator[Any]:
        """Give a connected native client; its coroutines, and those of what it gives, block."""
        opened = self._portal.wrap_async_context_manager(self._stack.client(name, consumer))
        with opened as native:
            yield _Blocking(native, self._portal)


class _Blocking:
    """A native client, or what it gave: coroutines are run to their end when called."""

    def __init__(self, native: Any, portal: BlockingPortal) -> None:
        self._native = native
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._native, name)
        if not callable(found):
            return _blocking(found, self._portal)

        def call(*arguments: Any, **fields: Any) -> Any:
            async def run() -> Any:
                # also what is no coroutine may start tasks: it belongs into the loop
                given = found(*map(_native, arguments), **fields)
                return await given if isawaitable(given) else given

            return _blocking(self._portal.call(run), self._portal)

        return call


def _native(value: Any) -> Any:
    return value._native if isinstance(value, _Blocking) else value  # noqa: SLF001 - our own


def _blocking(value: Any, portal: BlockingPortal) -> Any:
    # a subscription or a message has coroutines of its own; plain values stay as they are
    if isinstance(value, list):
        return [_blocking(one, portal) for one in value]
    kind = type(value)
    own = [getattr(kind, name, None) for name in dir(kind) if not name.startswith("_")]
    return _Blocking(value, portal) if any(map(iscoroutinefunction, own)) else value
