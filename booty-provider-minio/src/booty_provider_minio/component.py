"""The programs of this provider, declared: everything about them that is a fact."""

from __future__ import annotations

from typing import Final

from booty import (
    Change,
    Component,
    Interface,
    Metrics,
    Port,
    Probe,
    Resource,
    Role,
    SecretNeed,
    ServiceSpec,
)

from booty_provider_minio import engines, sources
from booty_provider_minio.resources import Bucket, Policy, User
from booty_provider_minio.settings import Settings

__all__ = ["COMPONENTS", "KEY", "ROOT", "roles"]

ROOT: Final = "booty"
"""The access key of the server's own user; its secret is random."""
KEY: Final = "booty-{user}"
"""The access key of a consumer: MinIO takes none of less than three letters."""

_OWN_KEY: Final = f"s3://{KEY}:{{password}}@{{host}}:{{port}}"
_ONE_KEY: Final = f"s3://{ROOT}:{{password}}@{{host}}:{{port}}"
_ENV: Final = {
    "AWS_ENDPOINT_URL": "http://{host}:{port}",
    "AWS_ACCESS_KEY_ID": "{user}",
    "AWS_SECRET_ACCESS_KEY": "{password}",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""What the SDKs and command lines of S3 read."""
_CLIENTS: Final = {"s3": "booty_provider_minio.commands:s3"}
_API: Final = Port("api", 9000, "http")
_RESOURCES: Final = (
    Resource(key="buckets", entry=Bucket, listed=True),
    Resource(key="policies", entry=Policy),
    Resource(key="users", entry=User),
)
_SECRETS: Final = (SecretNeed(name="root"), SecretNeed(name="password", per="consumer"))
_CHANGES: Final = {
    # what a server holds is made by bootstrap, which is asked again when these change
    "resources": Change.NONE,
    "consumers": Change.NONE,
    "settings.relies-on": Change.NONE,
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
        ports=(_API, Port("console", 9001, "http", optional=True)),
        offers=(Interface(name="s3", port="api", url=_OWN_KEY),),
        settings=Settings,
        resources=_RESOURCES,
        secrets=_SECRETS,
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
    settings=Settings,
    resources=_RESOURCES,
    secrets=(SecretNeed(name="password"),),
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

COMPONENTS: Final = (MINIO, SILO, VERSITYGW, RCLONE)


def roles(service: ServiceSpec) -> tuple[Role, ...] | None:
    """Return the one role of a service: so many servers of its engine; core tells of no engine."""
    engine = engines.chosen(service)
    if engine is None:
        return None
    return (Role(component=engine.component, replicas=service.replicas or 1),)
