"""``s3://``: the entry point of the portable client; what it needs is imported when it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty import clients

from booty_provider_minio.engines import ENGINES

if TYPE_CHECKING:
    from booty_provider_minio.s3.bucket import S3Bucket

__all__ = ["DRIVER", "PARAMETERS"]


def _open(location: clients.Location) -> S3Bucket:
    from booty_provider_minio.s3.bucket import open_bucket

    return open_bucket(location)


PARAMETERS: Final = (
    clients.Parameter(
        name="endpoint", about="URL of the server, where the host of the URL is the bucket."
    ),
    clients.Parameter(
        name="tls", kind="flag", about="HTTPS to HOST:PORT; true where an authority is named."
    ),
    clients.Parameter(
        name="ca", about="File with the authority of the server's certificate; else the machine's."
    ),
    clients.Parameter(name="region", about="Region; us-east-1 if nothing else says it."),
    clients.Parameter(
        name="path_style",
        kind="flag",
        about="The bucket is in the path; true where a server is named.",
    ),
    clients.Parameter(name="anonymous", kind="flag", default=False, about="Sign nothing."),
    clients.Parameter(name="profile", about="Credentials out of the AWS files."),
    clients.Parameter(
        name="engine",
        choices=("aws", *ENGINES, "moto"),
        about="What the server is; if not given, it is asked. Says what it can do.",
    ),
    clients.Parameter(
        name="part_size", kind="size", default=8 << 20, about="Of large uploads; 5 MiB or more."
    ),
    clients.Parameter(
        name="copy_size",
        kind="size",
        default=1 << 30,
        about="What is larger is copied in parts of so many bytes; 5 MiB to 5 GiB.",
    ),
    clients.Parameter(
        name="concurrency", kind="number", default=4, about="Parts of one upload at once."
    ),
    clients.Parameter(
        name="connect_timeout", kind="duration", default=5.0, about="For a connection."
    ),
    clients.Parameter(
        name="read_timeout", kind="duration", default=60.0, about="Silence of a server."
    ),
    clients.Parameter(
        name="attempts", kind="number", default=3, about="How often a request is tried."
    ),
)
DRIVER: Final = clients.Driver(bucket=clients.Opener(open=_open, parameters=PARAMETERS))
