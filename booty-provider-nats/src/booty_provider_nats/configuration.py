"""The server's file and command line. Pure: an instance in, a launch out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty import Command, ConfigError, File, Launch

from booty_provider_nats.accounts import SYS, accounts
from booty_provider_nats.checks import check, duration, sync_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty import Instance

    from booty_provider_nats.settings import Settings

__all__ = ["FILE", "PARTS", "launch", "server_file", "store"]

FILE: Final = "nats.json"
PARTS: Final = ("key", "cert", "ca")
ROUTE_USER: Final = "route"
_CHECK_SECONDS: Final = 10.0
_AUTH_SECONDS: Final = 5.0


def launch(instance: Instance) -> Launch:
    """Return how a server is started.

    Raises:
        ConfigError: a setting or resource that NATS would refuse.
        BootyErrors: several.
    """
    check(instance)
    path = f"{instance.dirs.config}/{FILE}"
    server = (instance.program, *instance.program_args)
    content = json.dumps(server_file(instance), indent=2) + "\n"
    return Launch(
        argv=(*server, "-c", path),
        files={path: File(content=content), **_certificate_files(instance)},
        # an unknown flag prints the help and ends with 0, so the sentence is asked for too
        check=Command(argv=(*server, "-c", path, "-t"), timeout=_CHECK_SECONDS, expect="is valid"),
    )


def server_file(instance: Instance) -> dict[str, Any]:
    """Return the whole configuration, the user's raw ``config`` laid over what is ours to give."""
    own: dict[str, Any] = {
        "server_name": instance.name,
        "listen": _listen(instance, "client"),
        "http": _listen(instance, "monitor"),
        "logtime_utc": True,
        **_limits(instance.settings),
        "jetstream": _jetstream(instance),
        "accounts": accounts(instance),
        "system_account": SYS,
        "authorization": {"timeout": _AUTH_SECONDS},
        **_optional(instance),
    }
    if instance.replicas > 1:
        own["cluster"] = _cluster(instance)
    if instance.settings.tls:
        own["tls"] = _tls(instance)
    return _merge(own, instance.config, f"services.{instance.service}.config")


def store(instance: Instance) -> str:
    """Return the folder in which JetStream makes its own.

    A member that finds the streams of a single server in its folder deletes them after 30 s
    ("Detected orphaned stream, will cleanup"), so the two never share one.
    """
    return f"{instance.dirs.data}/cluster" if instance.replicas > 1 else instance.dirs.data


def _listen(instance: Instance, port: str) -> str:
    endpoint = instance.endpoints[port]
    return f"{endpoint.bind}:{endpoint.port}"


def _limits(settings: Settings) -> dict[str, Any]:
    return {
        "max_payload": settings.max_payload,
        "max_connections": settings.max_connections,
        "lame_duck_grace_period": duration(settings.lame_duck_grace_period),
        "lame_duck_duration": duration(settings.lame_duck_duration),
        **({"debug": True} if settings.debug else {}),
        **({"trace": True} if settings.trace else {}),
    }


def _jetstream(instance: Instance) -> dict[str, Any]:
    settings: Settings = instance.settings
    limits = {"max_memory_store": settings.max_memory, "max_file_store": settings.max_file}
    return {
        "store_dir": store(instance),
        "sync_interval": sync_interval(settings.sync_interval),
        **{key: value for key, value in limits.items() if value is not None},
        **({"domain": settings.domain} if settings.domain else {}),
    }


def _optional(instance: Instance) -> dict[str, Any]:
    secure = {"tls": _tls(instance)} if instance.settings.tls else {}
    found: dict[str, Any] = {}
    if "leaf" in instance.endpoints:
        found["leafnodes"] = {"listen": _listen(instance, "leaf"), **secure}
    if "websocket" in instance.endpoints:
        found["websocket"] = {"listen": _listen(instance, "websocket"), **(secure or _PLAIN)}
    return found


_PLAIN: Final = {"no_tls": True}


def _cluster(instance: Instance) -> dict[str, Any]:
    # the cluster's name is written into every stream, so it is the service's: labels may change
    password = instance.secrets["route"]
    secure = {"tls": _tls(instance)} if instance.settings.tls else {}
    return {
        "name": instance.service,
        "listen": _listen(instance, "cluster"),
        "authorization": {"user": ROUTE_USER, "password": password, "timeout": _AUTH_SECONDS},
        "routes": [
            f"nats://{ROUTE_USER}:{password}@{peer.endpoints['cluster'].address}"
            for peer in instance.peers
            if peer.name != instance.name
        ],
        **secure,
    }


def _tls(instance: Instance) -> dict[str, Any]:
    folder = instance.dirs.config
    return {
        "cert_file": f"{folder}/cert.pem",
        "key_file": f"{folder}/key.pem",
        "ca_file": f"{folder}/ca.pem",
        "timeout": _AUTH_SECONDS,
    }


def _certificate_files(instance: Instance) -> dict[str, File]:
    if not instance.settings.tls:
        return {}
    return {
        f"{instance.dirs.config}/{part}.pem": File(content=instance.secrets[f"certificate:{part}"])
        for part in PARTS
    }


def _merge(own: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    # NATS reads keys in any case: "HOST" beside "host" would undo what booty owns
    merged = dict(own)
    for key, value in given.items():
        if key != key.lower():
            raise ConfigError(
                f'cannot use "{key}" in {path}: NATS keys are written in lower case here',
                reference="nats-key-case",
                subject=f"{path}.{key}",
                hint=f'write "{key.lower()}"',
            )
        inner = merged.get(key)
        if not isinstance(inner, dict):
            merged[key] = _plain(value)
        elif hasattr(value, "items"):
            merged[key] = _merge(inner, value, f"{path}.{key}")
        else:
            raise _no_table(key, value, path)
    return merged


def _no_table(key: str, value: object, path: str) -> ConfigError:
    # "jetstream = false" would undo what booty owns in that table
    return ConfigError(
        f'cannot use "{value}" for "{key}" in {path}: it must be a table',
        reference="nats-not-a-table",
        subject=f"{path}.{key}",
        hint=f"write {key} = {{ … }} with the keys to change",
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
