"""What a consumer needs to reach a service, and the variables it becomes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.plan import Plan
    from booty.plan.addresses import Addresses
    from booty.plan.roles import Cast

__all__ = ["connections", "env", "variables"]

_LOGIN: Final = re.compile(r"://([^/@:]+):")


def connections(cast: Cast, consumer: str, addresses: Addresses) -> dict[str, Any]:
    """Return how one consumer reaches a service; secrets inside are references."""
    first = addresses.first(cast.name)
    secrets = addresses.credentials.of_consumer(cast, consumer)
    shared = addresses.credentials.of_instance(cast, cast.main, cast.instances()[0])
    password = secrets.get("password") or shared.get("password", "")
    endpoints = addresses.endpoints.get(cast.instances(cast.main.role.name)[0], {})
    return {
        "url": addresses.url(cast.name, consumer) or "",
        "host": first.host if first else "",
        "port": str(first.port) if first else "",
        "user": _user(cast, consumer, own="password" in secrets) if password else "",
        "password": password,
        "ca": addresses.ca(cast.name) or "",
        "endpoints": {name: endpoint.url for name, endpoint in sorted(endpoints.items())},
    }


def _user(cast: Cast, consumer: str, *, own: bool) -> str:
    # a password that all share belongs to the one user that the URL names
    known = cast.main.component.offers
    named = _LOGIN.search(known[0].url) if known else None
    if named is None:
        return consumer if own else ""
    return named.group(1).format(user=consumer)


def variables(services: Mapping[str, Mapping[str, Any]], consumer: str = "user") -> dict[str, str]:
    """Return the variables of ``env`` and ``run`` for one consumer, references inside.

    Args:
        services: ``Plan.services``.
        consumer: whose credentials; where a service does not know it, those of ``user``.
    """
    found: dict[str, str] = {}
    for name, service in services.items():
        known = service["consumers"]
        found.update(_of_service(name, known.get(consumer) or known["user"]))
    fields = [_of_field(service, consumer) for service in services.values()]
    givers = Counter(name for field in fields for name in field)  # engines differ, names do not
    for field in fields:
        found.update({name: value for name, value in field.items() if givers[name] == 1})
    return {name: found[name] for name in sorted(found) if found[name]}


def env(plan: Plan, consumer: str = "user", *services: str) -> dict[str, str]:
    """Return the variables of ``env`` and ``run`` for one consumer of a plan.

    Args:
        plan: the plan; what is returned holds references, to be filled in by the caller.
        consumer: whose credentials.
        services: only these; none = all.
    """
    chosen = {name: plan.services[name] for name in services} if services else plan.services
    return variables(chosen, consumer)


def _of_service(name: str, connection: Mapping[str, Any]) -> dict[str, str]:
    head = _upper(name)
    own = {
        f"{head}_{key.upper()}": connection[key]
        for key in ("url", "host", "port", "user", "password", "ca")
    }
    return own | {
        f"{head}_{_upper(endpoint)}_URL": url for endpoint, url in connection["endpoints"].items()
    }


def _of_field(service: Mapping[str, Any], consumer: str) -> dict[str, str]:
    known = service["consumers"]
    connection = known.get(consumer) or known["user"]
    return {name: text.format(**connection) for name, text in service["env"].items()}


def _upper(name: str) -> str:
    return re.sub(r"[-.]", "_", name).upper()
