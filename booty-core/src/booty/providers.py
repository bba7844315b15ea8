"""Providers: found by entry point, loaded one at a time, asked one verb at a time.

The owner stands in the id: ``tidb/pd`` belongs to ``tidb``. A verb goes to that provider, and only
that one is imported; a broken one fails alone, with a sentence that says what to do.
"""

from __future__ import annotations

import difflib
import inspect
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Final

import pluggy
from attrs import Factory, frozen

from booty import hookspecs
from booty.errors import BootyError, BootyErrors, ConfigError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from booty.model.component import Component

__all__ = ["Listed", "Provider", "commands", "component", "drivers", "installed", "load"]

GROUP: Final = "booty"
VERBS: Final = frozenset(
    name
    for name, value in vars(hookspecs).items()
    if inspect.isfunction(value) and value.__module__ == hookspecs.__name__
)


@frozen(kw_only=True)
class Listed:
    """A provider as its distribution declares it; nothing has been imported.

    Attributes:
        name: the entry point's name, which users write after ``use``.
        module: the module that implements it.
        distribution: name of the distribution, empty if unknown.
        version: version of the distribution, empty if unknown.
        error: why it cannot be used (two distributions claim the name); ``None`` if nothing is
            known against it.
    """

    name: str
    module: str
    distribution: str = ""
    version: str = ""
    error: str | None = None


@frozen(kw_only=True)
class Provider:
    """One loaded provider.

    Attributes:
        name: the provider's name.
        module: its module.
        hooks: the verbs that it really implements.
        components: what it declares, by id.
        distribution: the distribution it came from.
        version: version of that distribution.
    """

    name: str
    module: ModuleType
    hooks: frozenset[str]
    components: Mapping[str, Component] = Factory(dict)
    distribution: str = ""
    version: str = ""
    _hook: Any = None

    def call(self, verb: str, /, **arguments: Any) -> Any:
        """Ask one verb.

        Args:
            verb: name of a hook; one that is not implemented answers ``None``.
            arguments: the hook's arguments, all of them.

        Returns:
            What the implementation returned; an awaitable or a context manager as it is.

        Raises:
            BootyError: what the provider raised of ours.
            ProviderError: anything else it raised.
        """
        if verb not in self.hooks:
            return None
        try:
            return getattr(self._hook, verb)(**arguments)
        except (BootyError, BootyErrors):
            raise
        except Exception as error:
            raise hook_failed(self.name, verb, error) from error


def hook_failed(name: str, verb: str, error: BaseException) -> ProviderError:
    """Return the fault of a hook that raised something that is not ours."""
    return ProviderError(
        f'cannot run hook "{verb}" of provider "{name}": {type(error).__name__}: {_line(error)}',
        reference="hook-failed",
        subject=name,
        hint="this is a fault of the provider; run again with -vv for the traceback",
    )


def installed() -> dict[str, Listed]:
    """Return every provider of this environment by name, without importing any.

    A name that two distributions claim is listed once, with the error that its use raises.
    """
    found: dict[str, Listed] = {}
    for point in metadata.entry_points(group=GROUP):
        origin = point.dist
        listed = Listed(
            name=point.name,
            module=point.value.partition(":")[0],
            distribution=origin.name if origin else "",
            version=origin.version if origin else "",
        )
        known = found.get(point.name)
        found[point.name] = _twice(known, listed) if known else listed
    return dict(sorted(found.items()))


def _twice(first: Listed, second: Listed) -> Listed:
    if (first.distribution, first.module) == (second.distribution, second.module):
        return first  # the same distribution, seen through two entries of sys.path
    both = f'"{first.distribution}" and "{second.distribution}"'
    return Listed(name=first.name, module=first.module, error=f"declared by both {both}")


def load(name: str) -> Provider:
    """Import one provider and nothing of the others.

    Args:
        name: the provider's name.

    Raises:
        ProviderError: it is not installed, claimed twice, broken, of another API number, or
            declares something impossible.
    """
    listed = _listed(name)
    module = _import(listed)
    _check_api(listed, module)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    _register(manager, listed, module)
    hooks = frozenset(verb for verb in VERBS if getattr(manager.hook, verb).get_hookimpls())
    provider = Provider(
        name=name,
        module=module,
        hooks=hooks,
        distribution=listed.distribution,
        version=listed.version,
        hook=manager.hook,
    )
    declared = provider.call("components") or []
    return Provider(
        name=name,
        module=module,
        hooks=hooks,
        components=_components(name, [one for group in declared for one in group]),
        distribution=listed.distribution,
        version=listed.version,
        hook=manager.hook,
    )


def _listed(name: str) -> Listed:
    known = installed()
    if name not in known:
        raise _missing(name, known)
    listed = known[name]
    if listed.error:
        raise ProviderError(
            f'cannot use provider "{name}": it is {listed.error}',
            reference="provider-twice",
            subject=name,
            hint="uninstall one of them with pip uninstall",
        )
    return listed


def _missing(name: str, known: Mapping[str, Listed]) -> ProviderError:
    near = difflib.get_close_matches(name, known, 1)
    wish = f'did you mean "{near[0]}"? else ' if near else ""
    return ProviderError(
        f'cannot use "{name}": no provider of this name is installed',
        reference="provider-missing",
        subject=name,
        hint=f"{wish}pip install booty-provider-{name}",
    )


def _import(listed: Listed) -> ModuleType:
    try:
        return import_module(listed.module)
    except Exception as error:
        raise ProviderError(
            f'cannot import provider "{listed.name}": {type(error).__name__}: {_line(error)}',
            reference="provider-broken",
            subject=listed.name,
            hint=f"pip install --force-reinstall {listed.distribution or listed.name}",
        ) from error


def _check_api(listed: Listed, module: ModuleType) -> None:
    stated = getattr(module, "BOOTY_API", None)
    if stated == hookspecs.API:
        return
    newer = isinstance(stated, int) and stated > hookspecs.API
    old, fix = ("booty", "booty-core") if newer else (listed.distribution, listed.distribution)
    raise ProviderError(
        f'cannot use provider "{listed.name}": it speaks API {stated}, booty speaks'
        f" {hookspecs.API}; {old} is too old",
        reference="provider-api",
        subject=listed.name,
        hint=f"pip install --upgrade {fix}",
    )


def _register(manager: pluggy.PluginManager, listed: Listed, module: ModuleType) -> None:
    try:
        manager.register(module, name=listed.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise ProviderError(
            f'cannot use provider "{listed.name}": {" ".join(str(error).split())}',
            reference="provider-hook",
            subject=listed.name,
            hint="see docs/reference/hooks.md for the names of hooks and their arguments",
        ) from error


def _components(name: str, declared: list[Component]) -> dict[str, Component]:
    ids = [one.id for one in declared]
    strange = [one for one in ids if one.partition("/")[0] != name]
    twice = [one for one in ids if ids.count(one) > 1]
    if strange or twice:
        wrong = (strange or twice)[0]
        why = "does not begin with its name" if strange else "is declared twice"
        raise ProviderError(
            f'cannot use provider "{name}": component "{wrong}" {why}',
            reference="provider-component",
            subject=name,
            hint=f"this is a fault of the provider; ids begin with {name}",
        )
    return {one.id: one for one in declared}


def component(use: str) -> tuple[Provider, Component]:
    """Return the provider and the component that ``use`` names.

    Args:
        use: a component's id, or a provider's name that is a component too (``nats``) or has only
            one component.

    Raises:
        ProviderError: as :func:`load`.
        ConfigError: the provider has no such component.
    """
    provider = load(use.partition("/")[0])
    found = provider.components.get(use)
    if found is None and "/" not in use and len(provider.components) == 1:
        found = next(iter(provider.components.values()))
    if found is None:
        names = ", ".join(provider.components)
        raise ConfigError(
            f'cannot use "{use}": provider "{provider.name}" has no such component',
            reference="component-missing",
            subject=use,
            hint=f"it has {names}",
        )
    return provider, found


def commands() -> dict[str, metadata.EntryPoint]:
    """Return third-party commands (group ``booty.commands``) by name, not imported."""
    return {point.name: point for point in metadata.entry_points(group="booty.commands")}


def drivers() -> dict[str, metadata.EntryPoint]:
    """Return client drivers (group ``booty.drivers``) by URL scheme, not imported."""
    return {point.name: point for point in metadata.entry_points(group="booty.drivers")}


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
