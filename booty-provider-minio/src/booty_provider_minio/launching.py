"""How each engine is started. Pure: an instance in, a launch out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from booty import File, Launch

from booty_provider_minio import events, grants
from booty_provider_minio.checks import check
from booty_provider_minio.component import ROOT
from booty_provider_minio.drives import folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from booty import Endpoint, Instance

__all__ = ["launch"]

_HEALTH: Final = "/healthz"
_CERT, _KEY = "cert.pem", "key.pem"


def launch(instance: Instance) -> Launch:
    """Return how a server is started.

    Raises:
        ConfigError: something that its engine refuses or lacks.
        BootyErrors: several.
    """
    if instance.role == events.ROLE:
        return events.feed(instance)
    check(instance)
    return _LAUNCHES[instance.component.rpartition("/")[2]](instance)


def _program(instance: Instance) -> tuple[str, ...]:
    return (instance.program, *instance.program_args)


def _listen(endpoint: Endpoint) -> str:
    return f"{endpoint.bind}:{endpoint.port}"


def _own(instance: Instance, drives: tuple[str, ...]) -> tuple[str, ...]:
    # a folder of the user's own is there already, or refused: see preflight
    return () if instance.settings.paths else drives


def _minio(instance: Instance) -> Launch:
    drives = folders(instance)
    console = instance.endpoints.get("console")
    return Launch(
        argv=(
            *(*_program(instance), "server"),
            *("--address", _listen(instance.endpoints["api"])),
            *(("--console-address", _listen(console)) if console else ()),
            *("--certs-dir", f"{instance.dirs.config}/certs"),  # else a folder in the user's home
            *(_everywhere(instance, drives) if instance.replicas > 1 else drives),
        ),
        env={
            "MINIO_ROOT_USER": ROOT,
            "MINIO_ROOT_PASSWORD": instance.secrets["root"],
            # the console listens on every address unless it is told where, or off
            "MINIO_BROWSER": "on" if console else "off",
            "MINIO_UPDATE": "off",
            "MINIO_SYNC_BOOT": "on",  # requests wait until buckets and their rules are loaded
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            # the drives are ours to choose: those of one laptop are all on its one disk
            "MINIO_ROOTDRIVE_THRESHOLD_SIZE": "1",
            # in a container it would wait for a name that is not loopback
            "_MINIO_SERVER_LOCAL": instance.endpoints["api"].address,
            **events.told_by_minio(instance),
        },
        files=_certificate(
            instance,
            key="certs/private.key",
            cert="certs/public.crt",
            ca="certs/CAs/ca.pem",  # servers of one store trust each other by it
        ),
        dirs=(*_own(instance, drives), *_queue(instance)),
    )


def _certificate(instance: Instance, **places: str) -> dict[str, File]:
    """Return the files of an instance's certificate, by part; none without TLS."""
    if not instance.settings.tls:
        return {}
    return {
        f"{instance.dirs.config}/{place}": File(content=instance.secrets[f"certificate:{part}"])
        for part, place in places.items()
    }


def _named(instance: Instance, cert: str, key: str) -> dict[str, str]:
    """Return the variables that name the files of a certificate; none without TLS."""
    folder = instance.dirs.config
    found = {cert: f"{folder}/{_CERT}", key: f"{folder}/{_KEY}"}
    return found if instance.settings.tls else {}


def _queue(instance: Instance) -> tuple[str, ...]:
    return (f"{instance.dirs.data}/{events.QUEUES}",) if events.arn(instance) else ()


def _everywhere(instance: Instance, drives: tuple[str, ...]) -> tuple[str, ...]:
    """Return the drives of all servers as URLs: the same words for each of them, or they quarrel.

    The folder of logs is the one that all instances have in common; data lies beside it.
    """
    data = f"{instance.dirs.logs}/../data"
    return tuple(
        f"{peer.endpoints['api'].url}{data}/{peer.name}{drive.removeprefix(instance.dirs.data)}"
        for peer in instance.peers
        if not peer.role
        for drive in drives
    )


def _versitygw(instance: Instance) -> Launch:
    drives = folders(instance)
    versions = f"{instance.dirs.data}/versions"
    users = f"{instance.dirs.config}/iam"
    return Launch(
        argv=(*_program(instance), "posix", "--versioning-dir", versions, *drives),
        env={
            "VGW_PORT": _listen(instance.endpoints["api"]),
            "VGW_HEALTH": _HEALTH,
            "VGW_QUIET": "true",  # else a line for each request
            "VGW_IAM_DIR": users,
            "ROOT_ACCESS_KEY_ID": ROOT,
            "ROOT_SECRET_ACCESS_KEY": instance.secrets["root"],
            **_named(instance, "VGW_CERT", "VGW_KEY"),
        },
        files={
            f"{users}/users.json": File(content=json.dumps(grants.accounts(instance)) + "\n"),
            **_certificate(instance, key=_KEY, cert=_CERT),
        },
        dirs=(*_own(instance, drives), versions),
    )


def _rclone(instance: Instance) -> Launch:
    drives = folders(instance)
    password = instance.secrets["password"]
    return Launch(
        argv=(
            *(*_program(instance), "serve", "s3"),
            *("--addr", _listen(instance.endpoints["api"])),
            *("--log-format", "date,time,microseconds,UTC"),
            *drives,
        ),
        env={
            "RCLONE_AUTH_KEY": f'"{ROOT},{password}"',  # a list of pairs, written as CSV
            "RCLONE_CONFIG": "",  # nothing of the user's own remotes is read, or written
            "RCLONE_CACHE_DIR": f"{instance.dirs.run}/cache",
            **_named(instance, "RCLONE_CERT", "RCLONE_KEY"),
        },
        files=_certificate(instance, key=_KEY, cert=_CERT),
        dirs=_own(instance, drives),
    )


_LAUNCHES: Final[dict[str, Callable[[Instance], Launch]]] = {
    "minio": _minio,
    "silo": _minio,
    "versitygw": _versitygw,
    "rclone": _rclone,
}
