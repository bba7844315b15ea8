"""All that is wrong with a file, in one go, each with its place; before anything is fetched."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from booty import config, plan, secrets
from booty.config import template
from booty.errors import BootyError, BootyErrors, ConfigError, ProviderError
from booty.plan.links import texts
from booty.stack import machine

if TYPE_CHECKING:
    from booty.model.plan import Saved
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = ["find", "missing", "services_of"]


def find(
    place: Place,
    spec: StackSpec,
    known: Mapping[str, Provider],
    saved: Saved,
    told: Iterable[BootyError],
    *,
    locked: Mapping[str, Collection[str]],
    dry: bool,
) -> list[BootyError]:
    """Return every fault of a file: those that are known, and what a plan of the rest finds.

    Args:
        place: the stack.
        spec: what is sound of the file.
        known: the providers that could be loaded, by name.
        saved: what earlier commands left.
        told: faults that are known already.
        locked: versions of booty.lock by component.
        dry: whether values that only a user can give may be missing.
    """
    found = [*told]
    usable = {
        name: one for name, one in spec.services.items() if one.use.partition("/")[0] in known
    }
    lost = services_of(found) | (spec.services.keys() - usable.keys())
    deciding = plan.Deciding(
        spec=evolve(spec, services=usable),
        providers=known,
        locked=locked,
        saved=saved,
        machine=machine.look(place, spec, found),
        lost=lost,
    )
    try:
        deciding.plan()
    except BootyErrors as errors:
        deciding.faults.extend(errors.faults)
    except BootyError as error:
        deciding.faults.append(error)
    subjects = [str(one.subject) for one in found]
    found += [one for one in deciding.faults if not _repeats(one, subjects)]
    found = [_placed(one, spec) for one in plan.once(found)]
    return found if dry else [*found, *missing(place, spec, deciding.secrets)]


def services_of(faults: Iterable[BootyError]) -> set[str]:
    """Return the services whose keys faults are about; not for a name alone that is none."""
    paths = (
        str(fault.subject).split(".") for fault in faults if fault.reference != "service-unknown"
    )
    return {path[1] for path in paths if path[0] == "services" and path[1:]}


def _repeats(fault: BootyError, subjects: Collection[str]) -> bool:
    # the reader has told of this key, or of something in it
    own = str(fault.subject)
    return own.startswith("services.") and any(
        one == own or one.startswith((f"{own}.", f"{own}[")) for one in subjects
    )


def _placed(fault: BootyError, spec: StackSpec) -> BootyError:
    if isinstance(fault, ProviderError):
        # who has mistyped a name wants to know where; a broken provider is not the file's fault
        users = [
            one.name for one in spec.services.values() if one.use.startswith(str(fault.subject))
        ]
        mistyped = fault.reference == "provider-missing" and users
        return config.placed(fault, spec, f"services.{users[0]}.use") if mistyped else fault
    return config.placed(fault, spec)


def missing(place: Place, spec: StackSpec, needs: Iterable[Mapping[str, Any]]) -> list[BootyError]:
    """Return a fault for every variable and secret that nobody has given, with its place.

    Args:
        place: the stack.
        spec: the file as read.
        needs: ``Plan.secrets``.
    """
    kept = secrets.backend("", place.id)
    faults = secrets.missing(needs, kept, os.environ, root=place.root)
    return [config.placed(one, spec, _asked_at(spec, str(one.subject))) for one in faults]


def _asked_at(spec: StackSpec, subject: str) -> str:
    for service in spec.services.values():
        for path, text in (*texts(service), *_references(service)):
            if text == subject or f"env.{subject}" in _names(text):
                return path
    return ""


def _references(service: ServiceSpec) -> list[tuple[str, str]]:
    path = f"services.{service.name}"
    return [(f"{path}.secrets.{name}", text) for name, text in service.secrets.items()]


def _names(text: str) -> tuple[str, ...]:
    try:
        return template.names(text)
    except ConfigError:
        return ()
