"""What a provider declares, looked at before anybody relies on it.

What would crash, be ignored or wait for ever later is refused here, with a sentence that tells the
provider's author what to change. What is only unwise is left to the contract kit.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Final

import attrs

from booty.errors import ProviderError
from booty.model import reserved, shape
from booty.model.component import Component
from booty.providers import sources
from booty.run import stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from booty.model.component import Probe, SecretNeed

__all__ = ["PROBES", "by_id"]

PROBES: Final = ("tcp", "http", "log", "exec", "file", "notify")
"""Kinds of probes; a probe is exactly one of them."""
_NAME: Final = re.compile("[a-z][a-z0-9-]*")
_KINDS: Final = frozenset(("service", "task"))


def by_id(provider: str, declared: Iterable[object]) -> dict[str, Component]:
    """Return the components that a provider declares, by id.

    Args:
        provider: the provider's name.
        declared: what its ``components`` answered.

    Raises:
        ProviderError: the first thing that cannot be.
    """
    found: dict[str, Component] = {}
    for one in declared:
        fault = next(_faults(provider, one, found), "")
        if fault or not isinstance(one, Component):
            raise ProviderError(
                f'cannot use provider "{provider}": {fault}',
                reference="provider-component",
                subject=provider,
                hint="this is a fault of the provider; docs/reference/nouns.md has the fields",
            )
        found[one.id] = one
    if not found:
        raise ProviderError(
            f'cannot use provider "{provider}": it declares no component',
            reference="provider-component",
            subject=provider,
            hint='this is a fault of the provider; its hook "components" returns at least one',
        )
    return found


def _faults(provider: str, declared: object, found: Collection[str]) -> Iterator[str]:
    if not isinstance(declared, Component):
        yield f'it declares a "{type(declared).__name__}" among its components'
        return
    if wrong := shape.misfit(declared, Component):
        yield f'component "{declared.id}": {wrong}'
        return
    if declared.owner != provider:
        yield f'component "{declared.id}" does not begin with its name'
    if declared.id in found:
        yield f'component "{declared.id}" is declared twice'
    for wrong in _wrong(declared):
        yield f'component "{declared.id}": {wrong}'


def _wrong(one: Component) -> Iterator[str]:
    if one.kind not in _KINDS:
        yield _not_one_of("kind", one.kind, _KINDS)
    for field in ("stop_signal", "drain_signal", "reload_signal"):
        name = getattr(one, field)
        if name and f"SIG{name}" not in signal.Signals.__members__:
            yield f'{field} "{name}" is no signal; write the name without SIG, such as "TERM"'
    if one.stop_after_ready and one.ready is None:
        yield "stop_after_ready says nothing without ready: nobody can see when that is"
    yield from _wrong_names(one)
    yield from _wrong_ports(one)
    yield from _wrong_sources(one)
    for field in ("ready", "live"):
        probe = getattr(one, field)
        if probe is not None:
            yield from _wrong_probe(field, probe, [port.name for port in one.ports])
    if one.log_time and (why := stamp.misfit(one.log_time)):
        yield f'log_time "{one.log_time}" cannot be read by: {why}'
    for need in one.secrets:
        yield from _wrong_secret(need, one.settings)
    if one.settings is not None and not attrs.has(one.settings):
        yield f'settings "{one.settings.__name__}" is no attrs class'


def _wrong_sources(one: Component) -> Iterator[str]:
    for source in one.sources:
        for field, why in sources.wrong(source):
            yield f'{field} of source "{source.name}": {why}'


def _not_one_of(what: str, value: str, choices: Iterable[str]) -> str:
    return f'{what} "{value}" is none of {", ".join(sorted(choices))}'


def _wrong_names(one: Component) -> Iterator[str]:
    names = [want.link for want in one.wants] + [resource.key for resource in one.resources]
    for name in names:
        if name in reserved.SERVICE_KEYS:
            yield f'the key "{name}" belongs to core; call the link or resource otherwise'
        elif not _NAME.fullmatch(name):
            yield f'"{name}" is no key: lower-case letters, digits and "-"'
    yield from _twice("key", names)
    for resource in one.resources:
        if not attrs.has(resource.entry):
            yield f'the entry of resource "{resource.key}" is no attrs class'


def _wrong_ports(one: Component) -> Iterator[str]:
    names = [port.name for port in one.ports]
    yield from _twice("port", names)
    for what, port in (
        *((f'interface "{offer.name}"', offer.port) for offer in one.offers),
        *(("metrics", metrics.port) for metrics in one.metrics),
    ):
        if port not in names:
            yield f'{what} names the port "{port}", which is not declared'


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'the {what} "{name}" is declared twice'


def _wrong_probe(field: str, probe: Probe, ports: Collection[str]) -> Iterator[str]:
    kinds = [kind for kind in PROBES if getattr(probe, kind)]
    if len(kinds) != 1:
        said = ", ".join(kinds) or "none"
        yield f"{field} is exactly one of {', '.join(PROBES)}, and not {said}"
    for target in filter(None, (probe.tcp, probe.http)):
        if ":" not in target and target.partition("/")[0] not in ports:
            yield f'{field} looks at the port "{target}", which is not declared'
    for pattern in filter(None, (probe.log, probe.body)):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f'{field} has a pattern that is none, "{pattern}": {error}'


def _wrong_secret(need: SecretNeed, settings: type | None) -> Iterator[str]:
    what = f'secret "{need.name}":'
    if need.kind not in reserved.SECRET_KINDS:
        yield _not_one_of(f"{what} kind", need.kind, reserved.SECRET_KINDS)
    if need.per not in reserved.SECRET_OWNERS:
        yield _not_one_of(f"{what} per", need.per, reserved.SECRET_OWNERS)
    for form in need.forms:
        if form not in reserved.SECRET_FORMS:
            yield _not_one_of(f"{what} form", form, reserved.SECRET_FORMS)
    if need.when and not _is_there(settings, need.when):
        yield f'{what} when "{need.when}" is no field or property of the settings'


def _is_there(settings: type | None, name: str) -> bool:
    return name in _fields(settings) or isinstance(getattr(settings, name, None), property)


def _fields(settings: type | None) -> set[str]:
    if settings is None or not attrs.has(settings):
        return set()
    return {field.name for field in attrs.fields(settings)}
