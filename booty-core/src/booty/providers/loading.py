"""One provider: imported, checked, asked one verb at a time."""

from __future__ import annotations

import difflib
import functools
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import pluggy
from attrs import Factory, evolve, frozen

from booty import hookspecs
from booty.errors import ConfigError, ProviderError
from booty.providers import answers, declarations
from booty.providers.installed import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from booty.model.component import Component
    from booty.providers.installed import Listed

__all__ = ["VERBS", "Provider", "component", "load"]

VERBS: Final = frozenset(
    name
    for name, value in vars(hookspecs).items()
    if inspect.isfunction(value) and value.__module__ == hookspecs.__name__
)
AWAITED: Final = frozenset(("drain", "health", "reload", "start"))
"""Verbs whose answer is there when it has been awaited; who awaits it checks it."""


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
            ProviderError: anything else it raised; an answer of another kind than the verb's.
        """
        if verb not in self.hooks:
            return None
        hook = functools.partial(getattr(self._hook, verb), **arguments)
        answer = answers.run(self.name, verb, hook)
        return answer if verb in AWAITED else answers.checked(self.name, verb, answer)


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
    declared = answers.run(name, "components", lambda: _declared(provider))
    return evolve(provider, components=declarations.by_id(name, declared))


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
        with answers.silence():
            return import_module(listed.module)
    except (Exception, SystemExit) as error:  # a module that exits must not end the command
        said = f"{type(error).__name__}: {answers.line(error)}"
        raise ProviderError(
            f'cannot import provider "{listed.name}": {said}',
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
    raise ProviderError(
        f'cannot use provider "{listed.name}": {_says(stated)}, booty speaks API {hookspecs.API};'
        f" {old} is too old",
        reference="provider-api",
        subject=listed.name,
        hint=f"pip install --upgrade {fix}",
    )


def _says(stated: object) -> str:
    if stated is None:
        return "it states no BOOTY_API"
    return f"it speaks API {stated}" if isinstance(stated, int) else f"its BOOTY_API is {stated!r}"


def _register(manager: pluggy.PluginManager, listed: Listed, module: ModuleType) -> None:
    fault = next(_strange_hooks(manager, module), None)
    if fault is None:
        manager.register(module, name=listed.name)
        return
    what, near = fault
    wish = f'did you mean "{near[0]}"? else ' if near else ""
    raise ProviderError(
        f'cannot use provider "{listed.name}": {what}',
        reference="provider-hook",
        subject=listed.name,
        hint=f"{wish}pip install --upgrade booty-core, if the provider was made for a newer one",
    )


def _strange_hooks(
    manager: pluggy.PluginManager, module: ModuleType
) -> Iterator[tuple[str, list[str]]]:
    # hooks and arguments are only added within an API number: an unknown one is newer, or misspelt
    for name in dir(module):
        if manager.parse_hookimpl_opts(module, name) is None:
            continue
        if name not in VERBS:
            near = difflib.get_close_matches(name, VERBS, 1)
            yield f'it implements the hook "{name}", which this booty does not have', near
            continue
        known = inspect.signature(getattr(hookspecs, name)).parameters
        for wanted in set(inspect.signature(getattr(module, name)).parameters) - set(known):
            near = difflib.get_close_matches(wanted, known, 1)
            yield f'its hook "{name}" asks for "{wanted}", which this booty does not give', near


def _declared(provider: Provider) -> list[object]:
    return [one for group in provider.call("components") or [] for one in group]


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
