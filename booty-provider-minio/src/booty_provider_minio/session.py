"""Clients of a server by aiobotocore, set so that every engine understands them."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio import engines
from booty_provider_minio.component import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from booty import Instance

__all__ = ["REGION", "Refused", "Unreachable", "as_root", "ask", "client_of"]

REGION: Final = "us-east-1"
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 60
LOOK_SECONDS: Final = 5
ATTEMPTS: Final = 3
READ_AHEAD: Final = (("s3", "service-2"), ("s3", "endpoint-rule-set-1"))
"""What botocore knows of S3: a megabyte of JSON, which it reads when the first client is made."""


class Refused(Exception):  # noqa: N818 - an answer of S3, turned into one of booty's own errors
    """The server answered, and said no.

    Attributes:
        code: what S3 calls it: ``NoSuchBucket``.
        status: HTTP status.
        message: the server's own words.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.status = status
        self.message = message

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404  # noqa: PLR2004 - "not found" has no other name


class Unreachable(Exception):  # noqa: N818 - likewise
    """The server did not answer."""


async def ask(call: Awaitable[Any]) -> Any:
    """Return the answer to one call of a client.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return await call
    except ClientError as error:
        told = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise Refused(told.get("Code", ""), int(status), told.get("Message", "")) from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


@asynccontextmanager
async def client_of(instance: Instance) -> AsyncIterator[Any]:
    """Give a client with the caller's own key; it tries a failed call again."""
    async with _open(instance, READ_SECONDS, ATTEMPTS) as client:
        yield client


@asynccontextmanager
async def as_root(instance: Instance) -> AsyncIterator[Any]:
    """Give a client with the server's own key, which asks once and does not wait for long."""
    async with _open(instance, LOOK_SECONDS, 1) as client:
        yield client


@asynccontextmanager
async def _open(instance: Instance, patience: int, attempts: int) -> AsyncIterator[Any]:
    from anyio import to_thread

    # importing and reading take a second: in a thread they hold up no deadline
    session = await to_thread.run_sync(_session, abandon_on_cancel=True)
    made = session.create_client(
        "s3",
        endpoint_url=instance.endpoints["api"].url,
        region_name=REGION,
        aws_access_key_id=ROOT,
        aws_secret_access_key=instance.secrets["password"],
        config=_config(instance, patience, attempts),
    )
    async with made as client:
        yield client


@functools.cache
def _session() -> Any:
    from aiobotocore.session import get_session

    session = get_session()
    loader = session.get_component("data_loader")
    for name in READ_AHEAD:
        loader.load_service_model(*name)
    return session


def _config(instance: Instance, patience: int, attempts: int) -> Any:
    from aiobotocore.config import AioConfig

    when = "when_required" if engines.of(instance).whole_checksums else "when_supported"
    return AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path"},  # buckets have no host names of their own here
        connect_timeout=CONNECT_SECONDS,
        read_timeout=patience,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        response_checksum_validation=when,
    )
