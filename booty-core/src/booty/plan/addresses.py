"""Endpoints of instances and URLs of services, as each consumer sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import Factory, define

from booty.errors import ProviderError
from booty.model.instance import Endpoint
from booty.model.reference import MARK, place
from booty.plan.credentials import CA_FILE, certificates
from booty.plan.ports import Wish
from booty.plan.roles import Cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from booty.plan.credentials import Credentials

__all__ = ["Addresses"]

EVERYWHERE: Final = frozenset(("0.0.0.0", "::", "*"))  # noqa: S104 - only compared with
LOOPBACK: Final = "127.0.0.1"
PORTS: Final = {"http": 80, "https": 443, "nats": 4222, "mysql": 3306, "redis": 6379}
"""Usual ports by scheme, for a URL of somebody else's server that names none."""
_USERINFO: Final = re.compile(r"(?<=://)[^/@]*@")


@define(kw_only=True)
class Addresses:
    """Answers where everything is.

    Attributes:
        casts: every service.
        endpoints: endpoints of each instance by port name.
        credentials: gives consumers their secrets.
        externals: URLs of external services by name, rendered.
    """

    casts: Mapping[str, Cast]
    endpoints: Mapping[str, Mapping[str, Endpoint]]
    credentials: Credentials
    externals: dict[str, str] = Factory(dict)

    @classmethod
    def of(
        cls,
        casts: Mapping[str, Cast],
        asked: Iterable[Wish],
        given: Mapping[str, int],
        credentials: Credentials,
    ) -> Addresses:
        """Build the endpoints from allocated ports."""
        found: dict[str, dict[str, Endpoint]] = {}
        for wish in asked:
            if wish.key in given:
                bind = casts[wish.instance.partition(".")[0]].spec.bind
                found.setdefault(wish.instance, {})[wish.port.name] = Endpoint(
                    wish.port.name,
                    wish.port.scheme or "tcp",
                    LOOPBACK if bind in EVERYWHERE else bind,
                    given[wish.key],
                    bind,
                    wish.port.protocol,
                    wish.port.socket,
                )
        return cls(casts=casts, endpoints=found, credentials=credentials)

    def first(self, service: str) -> Endpoint | None:
        """Return the endpoint that a service's URL leads to, of its first instance."""
        cast = self.casts[service]
        if cast.main.component.id == "external":
            return _endpoint_of(self._external(cast))
        name = cast.main.component.offers[0].port if cast.main.component.offers else ""
        return self._endpoint(self._own(cast)[0], name)

    def _own(self, cast: Cast) -> list[str]:
        return cast.instances(cast.main.role.name)

    def _endpoint(self, instance: str, name: str) -> Endpoint | None:
        known = self.endpoints.get(instance, {})
        return known.get(name) or next(iter(known.values()), None)

    def url(self, service: str, consumer: str, interface: str = "") -> str | None:
        """Return a service's URL with a consumer's own credentials; ``None`` if it has none."""
        cast = self.casts[service]
        if cast.main.component.id == "external":
            return self._external(cast)
        known = cast.main.component.offers
        chosen = next((one for one in known if offers_this(one.name, interface)), None)
        if chosen is None:
            first = self.first(service)
            return first.url if first else None
        urls = [
            self._one(cast, name, chosen.port, chosen.url, consumer) for name in self._own(cast)
        ]
        return chosen.join.join(urls) if chosen.join else urls[0]

    def _external(self, cast: Cast) -> str:
        url = cast.spec.url
        if url.startswith("secret://"):
            return str(self.credentials.user_secret(url.removeprefix("secret://")))
        return self.externals.get(cast.name, url)

    def _one(self, cast: Cast, instance: str, port: str, text: str, consumer: str) -> str:
        endpoint = self._endpoint(instance, port)
        if endpoint is None:
            return ""
        if not text:
            return endpoint.url
        secrets = self.credentials.of_consumer(cast, consumer)
        shared = self.credentials.of_instance(cast, cast.main, instance)
        password = secrets.get("password") or shared.get("password", "")
        template = text if password else _USERINFO.sub("", text)
        try:
            return template.format(
                scheme=endpoint.scheme,
                user=consumer,
                password=password,
                host=endpoint.host,
                port=endpoint.port,
            )
        except (KeyError, ValueError, IndexError) as error:
            raise ProviderError(
                f'cannot use the URL template "{text}" of {cast.main.component.id}',
                reference="provider-url",
                subject=cast.provider.name,
                hint="this is a fault of the provider; names: scheme user password host port",
            ) from error

    def ca(self, service: str) -> str | None:
        """Return the file by which a service's certificates are trusted; ``None`` if it has none.

        It lies with the configuration of the service's first instance, where every consumer on
        this host finds it: the ones in the stack, and people.
        """
        cast = self.casts[service]
        if not certificates(cast.main):
            return None
        return f"{place('state')}/config/{self._own(cast)[0]}/{CA_FILE}"

    def plain_url(self, service: str) -> str:
        """Return a service's URL without credentials, for people and state."""
        cast = self.casts[service]
        if cast.main.component.id == "external":
            url = self._external(cast)
            return "" if MARK in url else url
        known = cast.main.component.offers
        port = known[0].port if known else ""
        found = [self._endpoint(name, port) for name in self._own(cast)]
        urls = [endpoint.url for endpoint in found if endpoint]
        join = known[0].join if known else ""
        return join.join(urls) if join else next(iter(urls), "")


def offers_this(name: str, interface: str) -> bool:
    """Tell whether an offered interface is the one asked for, or of its family; empty = any."""
    return not interface or name == interface or name.startswith(f"{interface}/")


def _endpoint_of(url: str) -> Endpoint | None:
    if MARK in url:
        return None  # host and port are part of a secret
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme)
    return Endpoint("url", parts.scheme, parts.hostname, port) if parts.hostname and port else None
