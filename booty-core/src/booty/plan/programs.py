"""Which programs a stack needs, each at one exact version and from one place."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from attrs import evolve

from booty.config.reading import nearest
from booty.errors import BootyError, ConfigError, raise_all
from booty.model.plan import Artifact, ArtifactWish
from booty.plan.launches import artifact_key
from booty.plan.roles import Cast, Member, cast_all
from booty.plan.sourced import binary_of, id_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from booty.model.platform import Platform
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.providers import Provider

__all__ = ["gather", "resolve", "tools", "unfetched"]


def resolve(
    spec: StackSpec,
    providers: Mapping[str, Provider],
    locked: Mapping[str, Collection[str]],
    accept: Collection[str] = (),
) -> tuple[ArtifactWish, ...]:
    """Return the programs that a stack needs, at exact versions.

    Args:
        spec: the file as read.
        providers: loaded providers by name, one for every enabled service.
        locked: exact versions of booty.lock by component id.
        accept: services or components whose withdrawn versions are taken.

    Raises:
        ConfigError: an impossible version, number of replicas, or setting; two sources for one
            program.
        BootyErrors: several of them.
    """
    faults: list[BootyError] = []
    casts = cast_all(spec, providers, locked, {}, faults)
    found = gather(casts, spec.root, faults, accept)
    raise_all(faults)
    return tuple(found[key] for key in sorted(found))


def gather(
    casts: Mapping[str, Cast],
    root: str,
    faults: list[BootyError],
    accept: Collection[str] = (),
) -> dict[str, ArtifactWish]:
    """Return the programs of services by key; one program has one source, which any of them pins.

    Args:
        casts: the services.
        root: the folder of booty.toml.
        faults: a program that is pinned to two sources is added here.
        accept: services or components whose withdrawn versions are taken.
    """
    found: dict[str, ArtifactWish] = {}
    for cast in casts.values():
        for member in cast.members:
            if not member.is_fetched:
                continue
            named = {cast.name, cast.spec.use, member.component.id} & {*accept}
            wish = evolve(_wish(cast, member, root), accepted=bool(named))
            names = [one.name for one in member.component.sources]
            if wish.source and wish.source not in names:
                faults.append(_no_source(cast.name, wish, names))
                continue
            known = found.setdefault(wish.key, wish)
            known = found[wish.key] = evolve(known, accepted=known.accepted or wish.accepted)
            if not known.source:
                found[wish.key] = evolve(known, source=wish.source)
            elif wish.source not in {"", known.source}:
                faults.append(_two_sources(cast.name, wish, known.source))
    return found


def tools(spec: StackSpec) -> dict[str, ServiceSpec]:
    """Return the command-line tools of a stack: programs with a source that are switched off.

    They are never started; ``run-tool`` and ``which`` take them, the lock holds them. They come
    back switched on, as if they were services.
    """
    return {
        name: evolve(one, enabled=True)
        for name, one in spec.services.items()
        if not one.enabled and id_of(one)
    }


def _wish(cast: Cast, member: Member, root: str) -> ArtifactWish:
    source, binary = cast.spec.source, binary_of(cast.spec)
    if member.role.apart:
        source, binary = "", ""
    return ArtifactWish(
        key=artifact_key(member, cast.spec),
        component=member.component,
        version=member.version,
        source=source if isinstance(source, str) else "",
        # a name alone is looked for on PATH; a relative path starts at the folder of booty.toml
        binary=posixpath.join(root, binary) if "/" in binary else binary,
        tested=member.tested,
    )


def _no_source(service: str, wish: ArtifactWish, names: Sequence[str]) -> ConfigError:
    return ConfigError(
        f'cannot use the source "{wish.source}" in services.{service}: {wish.component.id} has no'
        " such source",
        reference="source-missing",
        subject=f"services.{service}.source",
        hint=nearest(wish.source, names),
    )


def _two_sources(service: str, wish: ArtifactWish, other: str) -> ConfigError:
    return ConfigError(
        f'cannot get "{wish.key}" from "{wish.source}" for {service}: another service has pinned'
        f' it to "{other}"',
        reference="source-twice",
        subject=f"services.{service}.source",
        hint=f'write source = "{other}" here too, or choose another version',
    )


def unfetched(wish: ArtifactWish, platform: Platform) -> Artifact:
    """Return what stands for a program that has not been got."""
    return Artifact(
        key=wish.key,
        program=wish.component.program,
        version=wish.version,
        platform=str(platform),
    )
