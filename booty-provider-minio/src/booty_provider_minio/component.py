"""The programs of this provider, declared: everything about them that is a fact."""

from __future__ import annotations

from typing import Final

from booty import (
    Change,
    Component,
    ConfigError,
    Interface,
    Metrics,
    Module,
    Need,
    Port,
    Probe,
    Resource,
    Role,
    SecretNeed,
    ServiceSpec,
    Want,
)

from booty_provider_minio import engines, sources
from booty_provider_minio.resources import Bucket, Policy, User
from booty_provider_minio.settings import FeedSettings, Settings

__all__ = ["COMPONENTS", "KEY", "ROOT", "roles"]

ROOT: Final = "booty"
"""The access key of the server's own user; its secret is random."""
KEY: Final = "booty-{user}"
"""The access key of a consumer: MinIO takes none of less than three letters."""

_OWN_KEY: Final = f"s3://{KEY}:{{password}}@{{host}}:{{port}}"
_ONE_KEY: Final = f"s3://{ROOT}:{{password}}@{{host}}:{{port}}"
_ENV: Final = {
    "AWS_ENDPOINT_URL": "{endpoints[api]}",
    "AWS_CA_BUNDLE": "{ca}",
    "AWS_ACCESS_KEY_ID": "{user}",
    "AWS_SECRET_ACCESS_KEY": "{password}",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""What the SDKs and command lines of S3 read."""
_CLIENTS: Final = {"s3": "booty_provider_minio.commands:s3"}
_API: Final = Port("api", 9000, "http", secure="https")
_RESOURCES: Final = (
    Resource(key="buckets", entry=Bucket, listed=True),
    Resource(key="policies", entry=Policy),
    Resource(key="users", entry=User),
)
_CERTIFICATE: Final = SecretNeed(name="certificate", kind="certificate", per="instance", when="tls")
_SECRETS: Final = (
    SecretNeed(name="root"),
    SecretNeed(name="password", per="consumer"),
    _CERTIFICATE,
)
HOOK: Final = SecretNeed(name="hook", when="hooked")
"""What a server shows to a feed that it tells by HTTP."""
_HOOK_PORT: Final = Port("hook", 0, "http", optional=True, secure="https")
_WANTS: Final = (Want(link="events", interface="nats/jetstream"),)
_CHANGES: Final = {
    # what a server holds is made by bootstrap, which is asked again when these change
    "resources": Change.NONE,
    "consumers": Change.NONE,
    "settings.relies-on": Change.NONE,
    "settings.events-interval": Change.NONE,
    "settings.events-listing": Change.NONE,
    "settings.events-window": Change.NONE,
    # a server finds nothing on other drives than those it wrote
    "settings.drives": Change.MIGRATE,
    "settings.paths": Change.MIGRATE,
    "replicas": Change.MIGRATE,
}


def _minio(name: str, summary: str, known: sources.Known, other: str) -> Component:
    return Component(
        id=f"{engines.PROVIDER}/{name}",
        program=name,
        summary=summary,
        versions=known[0],
        sources=known[1],
        ports=(_API, Port("console", 9001, "http", optional=True, secure="https")),
        offers=(Interface(name="s3", port="api", url=_OWN_KEY),),
        wants=_WANTS,
        settings=Settings,
        resources=_RESOURCES,
        secrets=(*_SECRETS, HOOK),
        # 200 only when metadata of buckets and users are loaded; "live" and "ready" come before
        ready=Probe(http="api/minio/health/cluster", status=(200,)),
        replicas=(1, 4),
        changes=_CHANGES,
        reads=(f"{engines.PROVIDER}/{other}",),
        metrics=(Metrics(port="api", path="/minio/v2/metrics/cluster"),),
        env=_ENV,
        clients=_CLIENTS,
    )


MINIO: Final = _minio(
    "minio",
    "MinIO: all of S3 that this provider knows, and erasure coding.",
    sources.MINIO,
    "silo",
)
SILO: Final = _minio(
    "silo",
    "Silo: a maintained fork of MinIO, which reads its drives.",
    sources.SILO,
    "minio",
)

VERSITYGW: Final = Component(
    id=f"{engines.PROVIDER}/versitygw",
    program="versitygw",
    summary="Versity S3 Gateway: plain files with S3 in front of them, in little memory.",
    versions=sources.VERSITYGW[0],
    sources=sources.VERSITYGW[1],
    ports=(_API,),
    offers=(Interface(name="s3", port="api", url=_OWN_KEY),),
    wants=_WANTS,
    settings=Settings,
    resources=_RESOURCES,
    secrets=_SECRETS,
    ready=Probe(http="api/healthz", status=(200,)),
    replicas=(1,),
    # its users stand in a file, which it reads when it meets one that it does not know
    changes={**_CHANGES, "consumers": Change.RELOAD},
    env=_ENV,
    clients=_CLIENTS,
)

RCLONE: Final = Component(
    id=f"{engines.PROVIDER}/rclone",
    program="rclone",
    summary="A folder as an S3 server (rclone serve s3): objects, listings, uploads, no more.",
    versions=sources.RCLONE[0],
    sources=sources.RCLONE[1],
    ports=(_API,),
    offers=(Interface(name="s3", port="api", url=_ONE_KEY),),
    wants=_WANTS,
    settings=Settings,
    resources=_RESOURCES,
    secrets=(SecretNeed(name="password"), _CERTIFICATE),
    # whoever asks without a signature is told so; the stand-in of the contract says 200
    ready=Probe(http="api/", status=(200, 400, 403)),
    exit_codes=(0, 143),
    replicas=(1,),
    changes=_CHANGES,
    # "2026/11/25 20:13:42.922629 NOTICE: …"; --log-format says UTC
    log_time="%Y/%m/%d %H:%M:%S.%f",
    env=_ENV,
    clients=_CLIENTS,
)


def _feed(name: str, secret: str) -> Component:
    return Component(
        id=f"{engines.PROVIDER}/{name}",
        program="feed",
        summary="Tells changes of files as events on NATS, the same whatever the engine.",
        versions=("1",),
        sources=(Module(module="booty_provider_minio.feed", distribution="booty-provider-minio"),),
        wants=(Want(link="events", interface="nats/jetstream", required=True),),
        settings=FeedSettings,
        resources=_RESOURCES,
        ports=(_HOOK_PORT,),
        secrets=(SecretNeed(name=secret), HOOK, _CERTIFICATE),
        ready=Probe(notify=True),
        replicas=(1,),
        changes={
            # of resources it is told which keys are chosen: if these change, it is started again
            **dict.fromkeys(("consumers", "settings.relies-on"), Change.NONE),
            **dict.fromkeys(("settings.drives", "settings.paths", "replicas"), Change.NONE),
        },
        older_on_newer=True,
    )


_FEEDS: Final = {"root": _feed("feed", "root"), "password": _feed("one-key-feed", "password")}
"""The feed by the secret that sees everything; an engine without users has but the one."""

COMPONENTS: Final = (MINIO, SILO, VERSITYGW, RCLONE, *_FEEDS.values())


def roles(service: ServiceSpec) -> tuple[Role, ...] | None:
    """Return the roles of a service: servers of its engine, and a feed if it has the link.

    What cannot be an engine is left to core, which says so.

    Raises:
        ConfigError: the feed is named as an engine.
    """
    engine = engines.chosen(service)
    if engine is None:
        _refuse_feed(service)
        return None
    if "events" not in service.extra:
        return (Role(component=engine.component, replicas=service.replicas or 1),)
    # a way that the engine does not have is refused when its server is configured
    hooked = service.settings.get("events-way") == "webhook" and "webhook" in engine.ways
    server = Role(component=engine.component, replicas=service.replicas or 1)
    feed = Role(
        component=_FEEDS[engine.root].id,
        name="feed",
        # no more: the server counts as ready when bootstrap is done, which waits for the feed too
        needs=(Need(role="", until="started"),),
        settings={"engine": engine.name},
        ports=("hook",) if hooked else (),
        apart=True,
    )
    return server, feed


def _refuse_feed(service: ServiceSpec) -> None:
    # it is a component as the engines are, and none of them
    name = service.engine or service.use.partition("/")[2]
    if f"{engines.PROVIDER}/{name}" in {one.id for one in _FEEDS.values()}:
        raise ConfigError(
            f'cannot use the engine "{name}" in services.{service.name}: it is no S3 server',
            reference="minio-engine",
            subject=f"services.{service.name}.engine",
            hint=f"there is {', '.join(engines.ENGINES)}",
        )
