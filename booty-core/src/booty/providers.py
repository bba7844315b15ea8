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
from attrs import Factory, evolve, frozen

from booty import hookspecs
from booty.errors import BootyError, BootyErrors, ConfigError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    claims: dict[str, dict[tuple[str, str], Listed]] = {}
    for point in _points(GROUP):
        listed = _as_listed(point)
        # one distribution may be seen through two entries of sys.path
        claims.setdefault(point.name, {})[listed.distribution, listed.module] = listed
    return {name: _only(list(claims[name].values())) for name in sorted(claims)}


def _as_listed(point: metadata.EntryPoint) -> Listed:
    origin = point.dist
    return Listed(
        name=point.name,
        module=point.value.partition(":")[0].strip(),
        distribution=(origin.name or "") if origin else "",
        version=(origin.version or "") if origin else "",
    )


def _only(claims: Sequence[Listed]) -> Listed:
    if len(claims) == 1:
        return claims[0]
    names = sorted({f'"{one.distribution or one.module}"' for one in claims})
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else f"{names[0]} twice"
    first = claims[0]
    return Listed(name=first.name, module=first.module, error=f"declared by {listed}")


def _points(group: str) -> Iterable[metadata.EntryPoint]:
    try:
        return metadata.entry_points(group=group)
    except Exception:  # noqa: BLE001 - whatever a damaged distribution makes the scan raise
        return _readable_points(group)


def _readable_points(group: str) -> Iterator[metadata.EntryPoint]:
    # slower, distribution by distribution: a damaged one does not take the others along
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            name, points = distribution.name, distribution.entry_points
        except Exception:  # noqa: BLE001, S112 - unreadable: nothing of it can be used
            continue
        if name not in seen:
            seen.add(name)
            yield from points.select(group=group)


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
    return evolve(provider, components=_components(name, _declared(provider)))


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
            hint="pip uninstall the one that is not wanted",
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
    except (Exception, SystemExit) as error:  # a module that exits must not end the command
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
    theirs = listed.distribution or listed.name
    old, fix = ("booty", "booty-core") if newer else (theirs, theirs)
    says = "states no BOOTY_API" if stated is None else f"speaks API {stated}"
    raise ProviderError(
        f'cannot use provider "{listed.name}": it {says}, booty speaks API {hookspecs.API};'
        f" {old} is too old",
        reference="provider-api",
        subject=listed.name,
        hint=f"pip install --upgrade {fix}",
    )


def _register(manager: pluggy.PluginManager, listed: Listed, module: ModuleType) -> None:
    try:
        manager.register(module, name=listed.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        said = " ".join(str(error).replace(repr(module), f'"{listed.module}"').split())
        raise ProviderError(
            f'cannot use provider "{listed.name}": {said}',
            reference="provider-hook",
            subject=listed.name,
            hint="see docs/reference/hooks.md for the names of hooks and their arguments",
        ) from error


def _declared(provider: Provider) -> list[Component]:
    groups = provider.call("components") or []
    try:
        return [one for group in groups for one in group]
    except (BootyError, BootyErrors):
        raise
    except Exception as error:  # a generator raises here and not in the call
        raise hook_failed(provider.name, "components", error) from error


def _components(name: str, declared: list[Component]) -> dict[str, Component]:
    found: dict[str, Component] = {}
    for one in declared:
        fault = _fault(name, one, found)
        if fault:
            raise ProviderError(
                f'cannot use provider "{name}": {fault}',
                reference="provider-component",
                subject=name,
                hint=f"this is a fault of the provider; ids begin with {name}",
            )
        found[one.id] = one
    return found


def _fault(name: str, declared: object, found: Mapping[str, Component]) -> str:
    from booty.model.component import Component

    if not isinstance(declared, Component):
        return f'it declares a "{type(declared).__name__}" among its components'
    if declared.id.partition("/")[0] != name:
        return f'component "{declared.id}" does not begin with its name'
    return f'component "{declared.id}" is declared twice' if declared.id in found else ""


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
        raise _no_component(provider, use)
    return provider, found


def _no_component(provider: Provider, use: str) -> ConfigError:
    near = difflib.get_close_matches(use, provider.components, 1)
    wish = f'did you mean "{near[0]}"? ' if near else ""
    return ConfigError(
        f'cannot use "{use}": provider "{provider.name}" has no such component',
        reference="component-missing",
        subject=use,
        hint=f"{wish}it has {', '.join(provider.components) or 'none'}",
    )


def commands() -> dict[str, metadata.EntryPoint]:
    """Return third-party commands (group ``booty.commands``) by name, not imported."""
    return {point.name: point for point in _points("booty.commands")}


def drivers() -> dict[str, metadata.EntryPoint]:
    """Return client drivers (group ``booty.drivers``) by URL scheme, not imported."""
    return {point.name: point for point in _points("booty.drivers")}


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
