"""From files, profiles, variables and the command line to one :class:`StackSpec`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from booty.config import files, personal, template
from booty.config.keys import DEFAULTS, FILE
from booty.config.merging import Merged, Origin, nested
from booty.config.reading import BAD, At, Reading, dotted, nearest, split
from booty.errors import BootyError, BootyErrors, ConfigError, raise_all
from booty.model.stack import ServiceSpec, StackSpec
from booty.paths import config_file

__all__ = ["attempt", "load", "written"]

_FORMAT: Final = 1
_STATE: Final = ".booty"
_SERVICE_DEPTH: Final = 2  # services.NAME, stack.KEY: less than this says nothing
_EARLY: Final = ("bind", "binary", "env_file")
"""Fields whose ``${…}`` is rendered when the file is read: planning begins with them."""
_IDENTITY: Final = {(key,) for key in ("use", "engine", "kind", "run", "url", "offers")}
"""Without one of these a service is another one."""
_VARIABLES: Final = {"BOOTY_LIFETIME": "stack.lifetime"}


def load(
    file: Path | str,
    *,
    profiles: Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> StackSpec:
    """Read booty.toml with all its layers.

    Args:
        file: booty.toml, as :func:`find` gave it.
        profiles: names of profiles, laid over in this order; ``None`` = those of ``BOOTY_PROFILE``.
        overrides: values from the command line by dotted path (``{"stack.lifetime": "…"}``).
        environ: variables to look at.

    Raises:
        ConfigError: the only fault there is.
        BootyErrors: all faults there are.
    """
    spec, _, faults = _loaded(file, profiles, overrides or {}, environ)
    raise_all(faults)
    return spec


def attempt(
    file: Path | str,
    *,
    profiles: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[StackSpec, list[BootyError]]:
    """Read booty.toml; where it has faults, return them with what is sound.

    Who goes on with that finds what else is wrong, so that all can be told at once.

    Args:
        file: booty.toml.
        profiles: as for :func:`load`.
        environ: variables to look at.

    Returns:
        The stack without the services that have faults, and what is wrong.

    Raises:
        ConfigError, BootyErrors: what is wrong leaves nothing to go on with.
    """
    spec, _, faults = _loaded(file, profiles, {}, environ)
    if faults and not spec.services:
        raise_all(faults)
    return spec, faults


def written(
    file: Path | str,
    *,
    profiles: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> list[tuple[str, Any, str]]:
    """Return every value that holds, as it was written, by its dotted path, and where it is from.

    Args:
        file: booty.toml.
        profiles: as for :func:`load`.
        environ: variables to look at.

    Raises:
        ConfigError: the only fault there is.
        BootyErrors: all faults there are.
    """
    spec, merged, faults = _loaded(file, profiles, {}, environ)
    raise_all(faults)
    return [(key, merged.value(split(key)), label) for key, label in sorted(spec.origins.items())]


def _loaded(
    file: Path | str,
    profiles: Sequence[str] | None,
    overrides: Mapping[str, Any],
    environ: Mapping[str, str],
) -> tuple[StackSpec, Merged, list[BootyError]]:
    path = Path(os.path.abspath(file))  # noqa: PTH100 - symbolic links stay: they are the user's
    asked = files.named_profiles(environ) if profiles is None else profiles
    chosen = tuple(dict.fromkeys(asked))
    faults: list[BootyError] = []
    merged = _layers(path, faults)
    if not faults:
        faults += _profiles(merged, chosen)
        _lay_values(merged, environ, overrides)
    reading = Reading(merged.place)
    found = _read(merged, chosen, reading)
    _check(found, merged, reading)
    raise_all(faults)
    if reading.faults:
        found = _sound(merged, chosen, reading.faults)
    return _spec(path, found, chosen, merged), merged, [*reading.faults]


def _layers(path: Path, faults: list[BootyError]) -> Merged:
    merged = Merged(path.parent)
    own = _personal(faults)
    if own:
        merged.lay({"stack": own}, lambda at: Origin("config.toml", config_file(), at[1:]))
    for source, data in files.sources(path, faults):
        if source in {path, path.with_name(files.LOCAL_NAME)}:
            merged.lay_file(source, data)
        else:
            faults.extend(merged.join(source, data))
    return merged


def _personal(faults: list[BootyError]) -> dict[str, Any]:
    try:
        return personal.read(config_file())
    except BootyErrors as errors:
        faults.extend(errors.faults)
    except ConfigError as error:
        faults.append(error)
    return {}


def _profiles(merged: Merged, chosen: Iterable[str]) -> Iterator[ConfigError]:
    known = merged.data.get("profiles", {})
    known = known if isinstance(known, dict) else {}
    for name in chosen:
        if isinstance(known.get(name), dict):
            merged.lay_profile(name)
        elif name not in known:
            yield ConfigError(
                f'cannot find the profile "{name}"',
                reference="profile-unknown",
                subject=f"profiles.{name}",
                hint=nearest(name, known) if known else f"add [profiles.{name}] to the file",
            )


def _lay_values(merged: Merged, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> None:
    for variable, key in _VARIABLES.items():
        if environ.get(variable):
            _lay_value(merged, split(key), environ[variable], variable)
    for key, value in overrides.items():
        at = split(key)
        _lay_value(merged, at, value, f"--{at[-1]}")


def _lay_value(merged: Merged, at: At, value: Any, label: str) -> None:
    merged.lay(nested(at, value), lambda here: Origin(label, None, here))


def _read(merged: Merged, chosen: Sequence[str], reading: Reading) -> dict[str, Any]:
    others = merged.data.get("profiles")
    if isinstance(others, dict):
        # the chosen ones are read where they were laid
        merged.data["profiles"] = {
            name: table
            for name, table in others.items()
            if name not in chosen or not isinstance(table, dict)
        }
    defaults = merged.data.pop("defaults", {})
    # told once, here, not again in every service
    sound = DEFAULTS.read(defaults, ("defaults",), reading) is not BAD
    merged.lay_defaults(defaults if sound else {})
    found = FILE.read(merged.data, (), reading)
    return {} if found is BAD else dict(found)


def _sound(merged: Merged, chosen: Sequence[str], faults: Sequence[ConfigError]) -> dict[str, Any]:
    # read once more without the keys that are wrong; if that will not do, without their services
    wrong = [split(one.subject or "") for one in faults if one.reference != "service-unknown"]
    if any(len(at) < _SERVICE_DEPTH or at[0] == "defaults" for at in wrong):
        return {}
    for depth in (_SERVICE_DEPTH + 1, _SERVICE_DEPTH):
        for at in wrong:
            what_it_is = at[0] == "services" and at[_SERVICE_DEPTH:][:1] in _IDENTITY
            merged.drop(at[: _SERVICE_DEPTH if what_it_is else depth])
        reading = Reading()
        found = _read(merged, chosen, reading)
        if not reading.faults:
            return found
    return {}


def _check(found: Mapping[str, Any], merged: Merged, reading: Reading) -> None:
    stack = found.get("stack", {})
    _check_format(stack.get("format", _FORMAT), reading)
    _check_version(stack.get("requires", ""), reading)
    services = merged.data.get("services")
    _check_mentions(services if isinstance(services, dict) else {}, merged, reading)


def _check_format(number: int, reading: Reading) -> None:
    if number != _FORMAT:
        why = f"this booty reads format {_FORMAT}"
        hint = "pip install --upgrade booty-core"
        at = ("stack", "format")
        reading.value(at, number, why, reference="format-unknown", hint=hint)


def _check_version(wanted: str, reading: Reading) -> None:
    if not wanted:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from booty import __version__

    at = ("stack", "requires")
    try:
        fits = SpecifierSet(wanted).contains(__version__, prereleases=True)
    except InvalidSpecifier:
        reading.value(at, wanted, "it must be a version range", hint='write requires = ">=0.4"')
        return
    if not fits:
        hint = f'pip install "booty-core{wanted}"'
        why = f"this is booty {__version__}"
        reading.value(at, wanted, why, reference="version-required", hint=hint)


def _check_mentions(services: Mapping[str, Any], merged: Merged, reading: Reading) -> None:
    for at, service, text in reading.mentions:
        if service in services or at[0] == "profiles":
            continue  # a profile that was not chosen may need another one
        if at[0] == "services" and merged.origin(at).label.endswith("[defaults]"):
            continue  # told once, where it stands
        problem = f'use "{text}" in {dotted(at)}: there is no service "{service}"'
        reading.add(at, problem, reference="service-unknown", hint=nearest(service, services))


def _spec(
    path: Path, found: Mapping[str, Any], chosen: tuple[str, ...], merged: Merged
) -> StackSpec:
    stack = dict(found.get("stack", {}))
    stack.pop("format", None)
    root = path.parent
    state = root / Path(stack.pop("state_dir", _STATE)).expanduser()
    label = stack.pop("name", "") or _label(root.name)
    early = {"stack.name": label, "stack.root": str(root)}
    return StackSpec(
        name=label,
        root=str(root),
        file=str(path),
        state_dir=os.path.normpath(state),
        services={
            name: ServiceSpec(name=name, **_early(fields, early))
            for name, fields in found.get("services", {}).items()
        },
        profiles=chosen,
        variants=tuple(sorted(found.get("profiles", {}))),
        origins={
            dotted(at): origin.label
            for at, origin in merged.origins.items()
            if at[0] not in {"profiles", "defaults"}
        },
        **stack,
    )


def _early(fields: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    given = {name: fields[name] for name in _EARLY if name in fields}
    return {
        **fields,
        **{
            name: template.render(value, known.get)
            if isinstance(value, str)
            else tuple(template.render(item, known.get) for item in value)
            for name, value in given.items()
        },
    }


def _label(folder: str) -> str:
    return re.sub("[^A-Za-z0-9._-]+", "-", folder).strip("-._") or "stack"
