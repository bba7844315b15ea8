"""``events = "bus"``: what the server and the feed are told, so that changes reach NATS. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty import ConfigError, File, Launch

from booty_provider_minio import engines
from booty_provider_minio.component import ROOT
from booty_provider_minio.feed import choice

if TYPE_CHECKING:
    from booty import Instance

__all__ = [
    "LINK",
    "OWN",
    "QUEUES",
    "ROLE",
    "arn",
    "bus",
    "feed",
    "folder",
    "queue",
    "source",
    "told_by_minio",
    "way",
]

LINK: Final = "events"
ROLE: Final = "feed"
"""The role of the process that tells changes in the stack's own words."""
QUEUES: Final = "events"
"""The folder of a server's data in which its events wait while the bus is away."""
OWN: Final = "/proc/self/cwd"
"""The folder in which a process runs, by a name that is the same for each: its data folder."""
_TARGET: Final = "BOOTY"


def way(instance: Instance) -> str:
    """Return how changes are heard of; empty if nobody wants to know."""
    if LINK not in instance.links:
        return ""
    engine = _engine(instance)
    return instance.settings.events_way or engine.ways[0]


def _engine(instance: Instance) -> engines.Engine:
    return engines.ENGINES[instance.settings.engine] if instance.role else engines.of(instance)


def arn(instance: Instance) -> str:
    """Return the name of the target that a server tells, as its buckets know it; empty = none."""
    found = way(instance)
    return f"arn:minio:sqs::{_TARGET}:{found}" if found in {"nats", "webhook"} else ""


def _raw(instance: Instance) -> tuple[str, str]:
    """Return stream and subject that a server of MinIO's kind tells into, and its feed alone reads.

    A bus of somebody else may serve several stacks.
    """
    stack = instance.stack.replace(".", "_")
    return f"minio_raw_{stack}_{instance.service}", f"minio.raw.{stack}.{instance.service}"


def told_by_minio(instance: Instance) -> dict[str, str]:
    """Return the variables that make MinIO tell its changes; none if it need not.

    Raises:
        ConfigError: the bus has no address that can be told.
    """
    found = way(instance)
    if found not in {"nats", "webhook"}:
        return {}
    words = _to_nats(instance) if found == "nats" else _to_feed(instance)
    # kept here while nobody takes them
    words |= {"ENABLE": "on", "QUEUE_DIR": f"{folder(instance)}/{QUEUES}"}
    mark = f"MINIO_NOTIFY_{found.upper()}"
    told = {f"{mark}_{name}_{_TARGET}": text for name, text in words.items() if text}
    # a write is answered when its event is on disk, else a killed server loses the last ones
    return {**told, "MINIO_API_SYNC_EVENTS": "on"}


def folder(instance: Instance) -> str:
    """Return the folder that holds the queue of a server, as the server is told it.

    Servers of one store refuse each other when one word of their settings differs, and each needs a
    queue of its own: that in the folder in which it runs, which is its data folder.
    """
    return OWN if instance.replicas > 1 else instance.dirs.data


def _to_nats(instance: Instance) -> dict[str, str]:
    link = instance.links[LINK]
    about = bus(instance)
    scheme, _, address = about["servers"][0].partition("://")
    return {
        "ADDRESS": address,
        "SUBJECT": _raw(instance)[1],
        "JETSTREAM": "on",  # a message counts when the stream has it
        "USERNAME": about["user"],
        "PASSWORD": about["password"],
        **({"TLS": "on", "CERT_AUTHORITY": link.ca} if scheme == "tls" else {}),
    }


def _to_feed(instance: Instance) -> dict[str, str]:
    feed = next(peer for peer in instance.peers if peer.role == ROLE)
    return {
        "ENDPOINT": feed.endpoints["hook"].url,
        "AUTH_TOKEN": f"Bearer {instance.secrets['hook']}",
    }


def source(instance: Instance) -> str:
    """Return which service of which stack tells, as its events say it."""
    return f"booty:{instance.stack}/{instance.service}"


def bus(instance: Instance) -> dict[str, Any]:
    """Return how the bus of the link is reached: ``servers user password ca``.

    Raises:
        ConfigError: it has no address that can be told.
    """
    link = instance.links[LINK]
    urls = link.url.split(",")
    if not all("://" in url for url in urls):
        raise ConfigError(
            f'cannot tell changes to "{link.service}": its address is a secret as a whole',
            reference="minio-events",
            subject=f"services.{instance.service}.{LINK}",
            hint="write the address, and the password alone as a secret",
        )
    parts = [url.partition("://") for url in urls]
    login, at, _ = parts[0][2].rpartition("@")
    user, _, password = login.partition(":") if at else ("", "", "")
    return {
        "servers": [f"{scheme}://{rest.rpartition('@')[2]}" for scheme, _, rest in parts],
        "user": user,
        "password": link.secrets.get("password", password),
        "ca": link.ca,
    }


def feed(instance: Instance) -> Launch:
    """Return how the feed of a service is started.

    Raises:
        ConfigError: the bus has no address that can be told.
    """
    path = f"{instance.dirs.config}/feed.json"
    content = json.dumps(_about(instance), indent=1, sort_keys=True) + "\n"
    files = {path: File(content=content)}
    for part, file in _certificate(instance).items():
        files[file] = File(content=instance.secrets[f"certificate:{part}"])
    argv = (instance.program, *instance.program_args, path)
    return Launch(argv=argv, files=files, env={"PYTHONUNBUFFERED": "1"})


def _certificate(instance: Instance) -> dict[str, str]:
    """Return the files of the feed's certificate and of who signed it; none without TLS."""
    if not instance.settings.tls:
        return {}
    return {part: f"{instance.dirs.config}/{part}.pem" for part in ("ca", "cert", "key")}


def _about(instance: Instance) -> dict[str, Any]:
    engine, settings, found = _engine(instance), instance.settings, way(instance)
    raw, subject = _raw(instance) if found == "nats" else ("", "")
    return {
        "source": source(instance),
        "bus": bus(instance),
        "raw": raw,
        "raw_subject": subject,
        "hook": _hook(instance) if found == "webhook" else None,
        "arn": arn(instance),
        "queues": _queues(instance) if arn(instance) else [],
        "window": settings.events_window,
        "interval": settings.events_interval,
        "listing": settings.events_listing if arn(instance) else settings.events_interval,
        "versions": "versioning" in engine.has,
        "told": choice.written(instance.resources.get("buckets", {})),
        "cursor": f"{instance.dirs.data}/cursor.db",
        "server": {
            "urls": [peer.endpoints["api"].url for peer in instance.peers if not peer.role],
            "key": ROOT,
            "secret": instance.secrets[engine.root],
            "ca": _certificate(instance).get("ca", ""),
        },
    }


def _hook(instance: Instance) -> dict[str, Any]:
    listener = instance.endpoints["hook"]
    return {
        "host": listener.bind,
        "port": listener.port,
        "token": instance.secrets["hook"],
        "certificate": _certificate(instance),
    }


def _queues(instance: Instance) -> list[str]:
    """Return the folders in which servers keep events: their data lies beside the feed's own."""
    data = f"{instance.dirs.logs}/../data"
    servers = [peer for peer in instance.peers if not peer.role]
    return [_queue(f"{data}/{peer.name}", way(instance)) for peer in servers]


def queue(instance: Instance) -> str:
    """Return the folder in which a server keeps its events; empty if it tells none."""
    return _queue(instance.dirs.data, way(instance)) if arn(instance) else ""


def _queue(data: str, found: str) -> str:
    # MinIO makes the last part
    return f"{data}/{QUEUES}/minio-{found}-{_TARGET}"
