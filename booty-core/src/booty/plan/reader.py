"""``${…}`` as one instance reads it: with its own ports and folders, and its own credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from booty.config import template
from booty.errors import BootyError, ConfigError
from booty.model.reference import place

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from booty.model.instance import Endpoint
    from booty.model.stack import StackSpec
    from booty.plan.addresses import Addresses

__all__ = ["Reader"]


@define(kw_only=True)
class Reader:
    """Renders the strings of one instance.

    Attributes:
        stack: the file as read.
        service: name of the reading service.
        instance: name of the reading instance.
        index: its number.
        addresses: where everything is.
        faults: what goes wrong is added here.
        unsure: services that something is wrong with already; what they lack is no fault of its
            own.
        program: the path of its fetched program, as a reference; empty = it has none.
    """

    stack: StackSpec
    service: str
    instance: str
    index: int
    addresses: Addresses
    faults: list[BootyError]
    unsure: Collection[str] = ()
    program: str = ""

    def text(self, text: str, path: str) -> str:
        """Return a string with every name replaced; a fault leaves it empty."""
        if "$" not in text:
            return text
        try:
            parts = template.parse(text, path)
            return "".join(
                part if isinstance(part, str) else self._value(part, path) for part in parts
            )
        except BootyError as error:
            self.faults.append(error)
            return ""

    def value(self, value: Any, path: str) -> Any:
        """Return a nesting of mappings and sequences with all its strings rendered."""
        if isinstance(value, str):
            return self.text(value, path)
        if isinstance(value, (list, tuple)):
            return [self.value(item, f"{path}[{number}]") for number, item in enumerate(value)]
        if hasattr(value, "items"):
            return {key: self.value(item, f"{path}.{key}") for key, item in value.items()}
        return value

    def _value(self, name: template.Name, path: str) -> str:
        head, _, rest = name.name.partition(".")
        found = getattr(self, f"_{head}")(rest, name)
        if found is None and self._follows(head, rest):
            return ""
        if found is None:
            raise ConfigError(
                f'cannot resolve "${{{name.name}}}" in {path}: it names nothing',
                reference="reference-to-nothing",
                subject=path,
                hint=self._hint(head, rest),
            )
        return str(found)

    def _follows(self, head: str, rest: str) -> bool:
        if head == "ports":
            return self.service in self.unsure
        return head == "services" and rest.partition(".")[0] in self.unsure

    def _hint(self, head: str, rest: str) -> str:
        if head == "program":
            return "only what is fetched is one; write source = { … }"
        if head == "ports":
            return f"ports of {self.instance}: {', '.join(self._endpoints) or 'none'}"
        cast = self.addresses.casts.get(rest.partition(".")[0])
        if cast is None:
            return f"services: {', '.join(self.addresses.casts)}"
        if rest.endswith(".ca"):
            return f"{cast.name} has no certificate; settings = {{ tls = true }} may give it one"
        known = {
            port: None
            for name in cast.instances()
            for port in self.addresses.endpoints.get(name, {})
        }
        return f"endpoints of {cast.name}: {', '.join(known) or 'none that is known beforehand'}"

    @property
    def _endpoints(self) -> Mapping[str, Endpoint]:
        return self.addresses.endpoints.get(self.instance, {})

    def _stack(self, rest: str, _: template.Name) -> str:
        return self.stack.name if rest == "name" else place("root")

    def _program(self, _: str, __: template.Name) -> str | None:
        return self.program or None

    def _instance(self, rest: str, _: template.Name) -> str:
        return self.instance if rest == "name" else str(self.index)

    def _ports(self, rest: str, _: template.Name) -> str | None:
        known = self._endpoints.get(rest)
        return str(known.port) if known else None

    def _dirs(self, rest: str, _: template.Name) -> str:
        return place(rest)

    def _env(self, rest: str, name: template.Name) -> str:
        return self.addresses.credentials.variable(rest, name.default)

    def _services(self, rest: str, _: template.Name) -> str | None:
        service, _dot, what = rest.partition(".")
        if service not in self.addresses.casts:
            return None
        if what.startswith("endpoints."):
            endpoint, field = what.split(".")[1:]
            return self._of_endpoint(self._named(service, endpoint), field)
        if what == "url":
            return self.addresses.url(service, self.service)
        if what == "ca":
            return self.addresses.ca(service)
        return self._of_endpoint(self.addresses.first(service), what)

    def _named(self, service: str, endpoint: str) -> Endpoint | None:
        cast = self.addresses.casts[service]
        known = (self.addresses.endpoints.get(name, {}) for name in cast.instances())
        return next((found[endpoint] for found in known if endpoint in found), None)

    def _of_endpoint(self, endpoint: Endpoint | None, field: str) -> str | None:
        return None if endpoint is None else str(getattr(endpoint, field))
