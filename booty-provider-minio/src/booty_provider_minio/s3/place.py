"""Where a bucket is, out of its URL: the server, the name, the credentials."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from attrs import field, frozen
from booty import InvalidArgumentError, clients

__all__ = ["Place", "place_of"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LEAST: Final = 5 << 20
"""Bytes of a part: S3 refuses smaller ones but for the last."""
_LARGEST: Final = 5 << 30
"""Bytes of a copy in one request, or of a part of one."""
REGION: Final = "us-east-1"


@frozen(kw_only=True)
class Place:
    """A bucket of a server.

    Attributes:
        bucket: its name.
        endpoint: URL of the server; ``None`` for AWS, or what ``AWS_ENDPOINT_URL`` says.
        key, secret: credentials; empty for those of the environment.
        parameters: those of the URL.
    """

    bucket: str
    endpoint: str | None
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    parameters: dict[str, Any] = field(factory=dict, repr=False)

    def config(self) -> Any:
        """Return botocore's configuration."""
        from aiobotocore.config import AioConfig
        from botocore import UNSIGNED

        from booty_provider_minio.s3.sending import Sending

        told = self.parameters
        style = told["path_style"]
        path_style = self.endpoint is not None if style is None else style
        return AioConfig(
            signature_version=UNSIGNED if told["anonymous"] else "s3v4",
            s3={"addressing_style": "path" if path_style else "auto"},
            connect_timeout=told["connect_timeout"],
            read_timeout=told["read_timeout"],
            retries={"total_max_attempts": max(1, told["attempts"]), "mode": "standard"},
            response_checksum_validation="when_required",  # look-alikes send that of the whole
            max_pool_connections=64,
            http_session_cls=Sending,
        )

    def options(self) -> dict[str, Any]:
        """Return what a client of aiobotocore is made with."""
        given = {
            "endpoint_url": self.endpoint,
            "region_name": self.parameters["region"],
            "aws_access_key_id": self.key or None,
            "aws_secret_access_key": self.secret or None,
            "verify": self.parameters["ca"],
        }
        known = {name: value for name, value in given.items() if value is not None}
        return {**known, "config": self.config()}


def place_of(location: clients.Location) -> Place:
    """Read the URL of a bucket.

    Raises:
        InvalidArgumentError: a name that S3 forbids, no name, two servers, a part that is too
            small: all that is wrong at once.
    """
    parts = location.path.strip("/").split("/")
    server = location.port is not None or bool(location.path.strip("/"))
    bucket = parts[0] if server else location.host
    faults = [*_wrong_name(bucket), *_wrong_place(location, parts, server=server)]
    faults += _wrong_parameters(location)
    clients.raise_arguments(f'cannot open "{location.shown}"', faults, location.shown)
    scheme = "https" if _secure(location) else "http"
    host = f"[{location.host}]" if ":" in location.host else location.host
    reached = f"{scheme}://{host}:{location.port}" if server else location.parameters["endpoint"]
    return Place(
        bucket=bucket,
        endpoint=reached,
        key=location.user,
        secret=location.password,
        parameters=dict(location.parameters),
    )


def _secure(location: clients.Location) -> bool:
    told = location.parameters
    return bool(told["ca"] if told["tls"] is None else told["tls"])


def _fault(message: str, reference: str, hint: str | None = None) -> InvalidArgumentError:
    return InvalidArgumentError(message, reference=reference, hint=hint)


def _wrong_name(name: str) -> list[InvalidArgumentError]:
    why = None
    if not _NAME.fullmatch(name):
        why = "3 to 63 of a-z, 0-9, dots and hyphens, with a letter or digit at both ends"
    elif ".." in name or ".-" in name or "-." in name or _is_address(name):
        why = "no address, and no dots beside dots or hyphens"
    elif name.startswith(("xn--", "sthree-")) or name.endswith(("-s3alias", "--ol-s3")):
        why = "S3 keeps such names for itself"
    told = f'cannot use "{name}" as the name of a bucket'
    return [_fault(told, "bucket-name-invalid", why)] if why else []


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _wrong_place(
    location: clients.Location, parts: list[str], *, server: bool
) -> list[InvalidArgumentError]:
    if not server:
        return []
    faults = []
    if location.port is None:
        told = f'cannot tell what "{location.shown}" names: a server has a port'
        hint = f"s3://{location.host}?prefix={location.path.strip('/')}/"
        faults.append(_fault(told, "url-invalid", f"s3://HOST:PORT/BUCKET, or {hint}"))
    if len(parts) > 1:
        told = f'cannot use the path "{location.path}": one bucket, and no more'
        hint = f"?prefix={'/'.join(parts[1:])}/"
        faults.append(_fault(told, "url-invalid", hint))
    if location.parameters["endpoint"] is not None:
        told = f'cannot use "endpoint": "{location.shown}" names a server already'
        faults.append(_fault(told, "url-invalid", "give one of both"))
    return faults


def _wrong_parameters(location: clients.Location) -> list[InvalidArgumentError]:
    told, faults = location.parameters, []
    if told["part_size"] < _LEAST:
        words = f"cannot use parts of {told['part_size']} bytes: S3 wants 5 MiB"
        faults.append(_fault(words, "url-value", "part_size=8MiB"))
    if not _LEAST <= told["copy_size"] <= _LARGEST:
        words = f"cannot copy {told['copy_size']} bytes at one time: S3 takes 5 MiB to 5 GiB"
        faults.append(_fault(words, "url-value", "copy_size=1GiB"))
    if told["concurrency"] < 1:
        faults.append(_fault('cannot use 0 as "concurrency"', "url-value", "concurrency=4"))
    plain = told["tls"] is False or str(told["endpoint"] or "").startswith("http:")
    if told["ca"] is not None and plain:
        words = 'cannot use "ca" over plain HTTP'
        faults.append(_fault(words, "url-value", "tls=true, or endpoint=https://…"))
    if bool(location.user) != bool(location.password):
        words = f'cannot use half of the credentials of "{location.shown}"'
        faults.append(_fault(words, "url-invalid", "s3://KEY:SECRET@…"))
    return faults
