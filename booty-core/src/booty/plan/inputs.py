"""Digests of everything that could change how an instance is started, by path."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from booty.model import codec
from booty.model.reference import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.instance import Endpoint
    from booty.model.plan import Artifact, Machine
    from booty.plan.launches import Started

__all__ = ["digest_of", "inputs_of", "short"]


def digest_of(value: Any) -> str:
    """Return sha256 in hex over the canonical JSON of a value."""
    return hashlib.sha256(codec.canonical(value)).hexdigest()


def short(value: Any) -> str:
    """Return the first 16 hex digits of :func:`digest_of`."""
    return digest_of(value)[:16]


def inputs_of(
    one: Started, rest: Mapping[str, Any], artifact: Artifact | None, machine: Machine
) -> dict[str, str]:
    """Return a digest for each input path of an instance.

    Args:
        one: the instance with its launch.
        rest: its policy.
        artifact: its program, if it has one of its own.
        machine: for the values of variables and env-files; only digests of them are kept.

    Returns:
        Digests by ``version replicas peers consumers resources run env stdin bind kind
        secrets-as``, ``settings.KEY``, ``ports.NAME``, ``config.KEY``, ``links.KEY`` and
        ``secrets.NAME``.
    """
    instance, launch = one.instance, one.launch
    found = {
        "version": short([instance.version, artifact.digest if artifact else ""]),
        "replicas": short([peer.name for peer in instance.peers]),
        "peers": short([(peer.name, _addresses(peer.endpoints)) for peer in instance.peers]),
        "consumers": short(instance.consumers),
        "resources": short(instance.resources),
        "run": short([instance.spec, launch.cwd, launch.umask, launch.limits]),
        "env": short([dict(launch.env), _variables(one, machine)]),
        "stdin": short(rest["stdin"]),
        "kind": short(rest["kind"]),
        "secrets-as": short(rest["secrets_as"]),
        "bind": short(one.cast.spec.bind),
    }
    for name, value in (codec.to_data(instance.settings) or {}).items():
        found[f"settings.{name.replace('_', '-')}"] = short(value)
    for name, endpoint in _addresses(instance.endpoints).items():
        found[f"ports.{name}"] = short(endpoint)
    for kind in ("config", "links", "secrets"):
        for name, value in getattr(instance, kind).items():
            found[f"{kind}.{name}"] = short(value)
    return dict(sorted(found.items()))


def _addresses(endpoints: Mapping[str, Endpoint]) -> dict[str, dict[str, Any]]:
    # what is as it always was is left out: a newer booty alone must not change a digest
    usual = {"protocol": "tcp", "socket": False}
    return {
        name: {key: one for key, one in codec.to_data(found).items() if usual.get(key) != one}
        for name, found in endpoints.items()
    }


def _variables(one: Started, machine: Machine) -> dict[str, str]:
    # the value of a variable is an input of the plan; its digest is all that is kept
    used = {found.partition("#")[0] for found in references(codec.to_data([one.launch]))}
    values = {
        name: hashlib.sha256(f"{one.instance.stack}/{name}/{value}".encode()).hexdigest()[:16]
        for name, value in sorted(machine.env.items())
        if f"secret:env/{name}" in used
    }
    return values | {path: machine.files.get(path, "") for path in one.cast.spec.env_file}
