"""Where services are, and portable clients of them: from the graph that tells every consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from anyio import to_thread

from booty.errors import ConfigError

if TYPE_CHECKING:
    from booty.clients.bucket.face import Bucket
    from booty.clients.drivers import Kind
    from booty.clients.pubsub.subscription import Subscription
    from booty.clients.pubsub.topic import Topic
    from booty.stack.place import Place

__all__ = ["Portable", "client_url"]


class Portable:
    """The part of a stack that tells where its services are, and opens portable clients.

    Args:
        place: the stack's folders.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    def url(self, name: str, consumer: str = "user") -> str:
        """Return a service's URL, with a consumer's own credentials.

        Args:
            name: service or instance.
            consumer: a service that uses it, or ``user``.

        Raises:
            ConfigError: no such service, none with a URL, or the stack was never up.
        """
        from booty.stack import resolve

        head = resolve.entry(resolve.plan_data(self.place), name)["instance"]["service"]
        variable = head.replace("-", "_").upper() + "_URL"
        found = resolve.environment(self.place, consumer).get(variable)
        if not found:
            raise ConfigError(
                f'cannot tell a URL of "{name}": it has no port',
                reference="no-url",
                subject=name,
                hint="give it one: ports = { http = 0 }",
            )
        return found

    def environment(self, consumer: str = "user") -> dict[str, str]:
        """Return the variables that ``booty run`` gives, with true values.

        Args:
            consumer: a service, or ``user``.

        Raises:
            ConfigError: the stack was never up.
        """
        from booty.stack import resolve

        return resolve.environment(self.place, consumer)

    @asynccontextmanager
    async def bucket(
        self,
        name: str,
        bucket: str | None = None,
        consumer: str = "user",
        **parameters: object,
    ) -> AsyncIterator[Bucket]:
        """Give a portable bucket at a service, closed at the end.

        Args:
            name: service or instance.
            bucket: its name; ``None`` for the only one that the service declares.
            consumer: whose credentials.
            **parameters: of its URL: ``prefix="tenant-7/"``.

        Raises:
            ConfigError: no such service, none with a URL, or more than one bucket.
            InvalidArgumentError: no driver has buckets there, or a wrong parameter.
        """
        from booty.clients.bucket.opening import open_bucket
        from booty.stack.buckets import chosen

        found = await to_thread.run_sync(chosen, self.place, name, bucket)
        url = await self._portable("bucket", name, found, consumer, parameters)
        async with open_bucket(url) as opened:
            yield opened

    @asynccontextmanager
    async def topic(
        self, name: str, topic: str, consumer: str = "user", **parameters: object
    ) -> AsyncIterator[Topic]:
        """Give a portable topic at a service, closed at the end.

        Args:
            name: the service.
            topic: what its driver has behind the host: a subject of NATS.
            consumer: whose credentials.
            **parameters: of its URL: ``create=True``.

        Raises:
            ConfigError: no such service, none with a URL, or the stack was never up.
            InvalidArgumentError: no driver has topics there, or a wrong parameter.
        """
        from booty.clients.pubsub.opening import open_topic

        url = await self._portable("topic", name, topic, consumer, parameters)
        async with open_topic(url) as opened:
            yield opened

    @asynccontextmanager
    async def subscription(
        self, name: str, topic: str, consumer: str = "user", **parameters: object
    ) -> AsyncIterator[Subscription]:
        """Give a portable subscription at a service, closed at the end.

        Args:
            name: the service.
            topic: as with :meth:`topic`; NATS takes wildcards.
            consumer: whose credentials.
            **parameters: of its URL: ``durable="billing"``, ``create=True``.

        Raises:
            ConfigError, InvalidArgumentError: as :meth:`topic`.
        """
        from booty.clients.pubsub.opening import open_subscription

        url = await self._portable("subscription", name, topic, consumer, parameters)
        async with open_subscription(url) as opened:
            yield opened

    async def _portable(
        self,
        kind: Kind,
        name: str,
        path: str,
        consumer: str,
        parameters: Mapping[str, object],
    ) -> str:
        from booty.stack import resolve

        base = await to_thread.run_sync(self.url, name, consumer)
        known = await to_thread.run_sync(resolve.environment, self.place, consumer)
        head = resolve.entry(resolve.plan_data(self.place), name)["instance"]["service"]
        ca = known.get(head.replace("-", "_").upper() + "_CA")
        return client_url(base, kind, path, ca, parameters)


def client_url(
    base: str,
    kind: Kind,
    path: str,
    ca: str | None,
    parameters: Mapping[str, object],
) -> str:
    """Return the URL of a bucket, topic or subscription at a service.

    Args:
        base: the service's URL, with a consumer's credentials; several with commas between.
        kind: what is to be opened.
        path: the bucket or topic: what its driver has behind the host.
        ca: a file with the authority of the service's certificates, if it has any.
        parameters: of the URL; a flag is a bool.

    Raises:
        InvalidArgumentError: no driver opens such a client at this service.
    """
    from booty.clients import drivers

    found = drivers.opener(kind, base)
    given = {name: _text(value) for name, value in parameters.items()}
    if ca and any(one.name == "ca" for one in found.parameters):
        given = {"ca": ca, **given}
    query = f"?{urlencode(given)}" if given else ""
    return f"{base}/{quote(path, safe='/*>')}{query}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
