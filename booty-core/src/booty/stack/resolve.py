"""True values for whoever runs outside of the supervisor: clients, ``env``, ``run``, ``exec``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from booty import paths, plan, providers, secrets
from booty.errors import ConfigError, from_data
from booty.model import codec
from booty.model.instance import Service
from booty.model.reference import fill
from booty.model.reference import place as in_place
from booty.run import runtime
from booty.stack import plans
from booty.stack.place import Place
from booty.supervise.fill import holds_secret
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from booty.model.instance import Instance
    from booty.providers import Provider

__all__ = [
    "entry",
    "environment",
    "instance",
    "lookup",
    "own_environment",
    "plan_data",
    "service",
    "whole",
]


def plan_data(place: Place) -> dict[str, Any]:
    """Return the plan that runs, else the newest, as data.

    Raises:
        ConfigError: the stack was never planned.
    """
    running = place.stack.get("plan")
    found = plans.latest_data(place, running) or plans.latest_data(place)
    if found is None:
        raise ConfigError(
            f'cannot say anything of "{place.root}": it was never up',
            reference="never-up",
            subject=str(place.root),
            hint="booty up -d",
        )
    return found


def lookup(place: Place, data: Mapping[str, Any], name: str) -> Callable[[str], str]:
    """Return the lookup of references for one instance of a plan: true places and values.

    Args:
        place: the stack.
        data: the plan, as JSON data.
        name: the instance whose own folders are meant.
    """
    values = secrets.materialise(
        data["secrets"],
        secrets.backend("", place.id),
        dict(os.environ),
        root=place.root,
        make=False,
    )
    stack = place.stack
    place_run = stack.get("runtime") or runtime.find(place.id, dict(os.environ)) or ""
    places = {
        "root": str(place.root),
        "state": str(place.state),
        "store": str(paths.store()),
        "data": str(place.state / "data" / name),
        "config": str(place.state / "config" / name),
        "logs": str(place.state / "logs"),
        "run": f"{place_run}/{name}",
    }

    def look(text: str) -> str:
        kind, _, rest = text.partition(":")
        if kind == "secret":
            return values.get(rest, "")
        if kind in {"program", "artifact"}:
            artifact = data["artifacts"][rest]
            folder = paths.store() / artifact["path"]
            return str(folder if kind == "artifact" else folder / artifact["executable"])
        return places[text]

    return look


def entry(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the planned instance that a name stands for; a service is its first instance.

    Raises:
        ConfigError: there is no such service or instance.
    """
    for one in data["instances"]:
        if name in {one["instance"]["name"], one["instance"]["service"]}:
            found: dict[str, Any] = one
            return found
    names = [one["instance"]["name"] for one in data["instances"]]
    raise from_data(no_such(name, [*data["services"], *names]).data)


def instance(place: Place, name: str, consumer: str = "user") -> tuple[Provider, Instance]:
    """Return an instance with true values, as hooks of its provider see it.

    Args:
        place: the stack.
        name: service or instance.
        consumer: whose credentials stand in ``consumers``; others are left out.

    Raises:
        BootyError: no such instance, or its provider cannot be loaded.
    """
    data = plan_data(place)
    own = entry(data, name)["instance"]
    provider = providers.load(str(own["component"]).partition("/")[0])
    if consumer not in {"user", *data["services"]}:
        raise from_data(no_such(consumer, data["services"], "service").data)
    return provider, _filled(place, data, own, provider, consumer)


def _filled(
    place: Place,
    data: Mapping[str, Any],
    own: Mapping[str, Any],
    provider: Provider,
    consumer: str | None,
) -> Instance:
    filled = fill(own, lookup(place, data, str(own["name"])))
    found = codec.instance_from_data(filled, provider.components[own["component"]])
    if consumer is None:
        return found
    known = [one for one in found.consumers if one.name == consumer]
    known = known or [one for one in found.consumers if one.name == "user"]
    return evolve(found, consumers=tuple(known))


def whole(place: Place, name: str, consumer: str | None = "user") -> tuple[Provider, Service]:
    """Return a service with true values, as hooks of its provider see it that act on all of it.

    Args:
        place: the stack.
        name: the service.
        consumer: whose credentials are in it; ``None`` = everybody's, as in ``bootstrap``.

    Raises:
        BootyError: no such service, or its provider cannot be loaded.
    """
    data = plan_data(place)
    service = entry(data, name)["instance"]["service"]
    own = [one["instance"] for one in data["instances"] if one["instance"]["service"] == service]
    provider = providers.load(str(own[0]["component"]).partition("/")[0])
    found = tuple(_filled(place, data, one, provider, consumer) for one in own)
    return provider, Service(name=service, instances=found)


def service(place: Place, name: str) -> dict[str, Any]:
    """Return what the plan says of a service.

    Raises:
        ConfigError: there is no such service.
    """
    data = plan_data(place)
    found: dict[str, Any] = data["services"][entry(data, name)["instance"]["service"]]
    return found


def environment(place: Place, consumer: str = "user") -> dict[str, str]:
    """Return the variables of ``env`` and ``run`` with true values.

    Raises:
        ConfigError: the stack was never planned, or has no such service.
    """
    data = plan_data(place)
    if consumer not in {"user", *data["services"]}:
        raise from_data(no_such(consumer, data["services"], "service").data)
    found: dict[str, str] = fill(
        plan.variables(data["services"], consumer), lookup(place, data, consumer)
    )
    return found


def own_environment(place: Place, name: str) -> tuple[str, dict[str, str]]:
    """Return an instance's own working folder and variables, with true values."""
    data = plan_data(place)
    one = entry(data, name)
    look = lookup(place, data, str(one["instance"]["name"]))
    base = place.stack.get("environment") or {}
    own = fill({"cwd": one["launch"]["cwd"], "env": _given(one)}, look)
    return str(own["cwd"]), {**base, **own["env"]}


def _given(one: Mapping[str, Any]) -> dict[str, str]:
    # as the supervisor gives it: with secrets-as = "file" by the file that it has written
    given: dict[str, str] = one["launch"]["env"]
    if one["policy"].get("secrets_as") != "file":
        return given
    return {
        f"{name}_FILE" if holds_secret(text) else name: f"{in_place('run')}/{name}"
        if holds_secret(text)
        else text
        for name, text in given.items()
    }
