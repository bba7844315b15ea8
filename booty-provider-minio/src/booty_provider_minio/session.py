"""Clients of a server by aiobotocore, set so that every engine understands them."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio import engines
from booty_provider_minio.component import KEY, ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from booty import Endpoint, Instance

__all__ = [
    "BUCKET",
    "REGION",
    "Refused",
    "Unreachable",
    "as_root",
    "ask",
    "authority",
    "client_of",
    "create",
    "exists",
    "opened",
    "root_key",
]

REGION: Final = "us-east-1"
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 60
LOOK_SECONDS: Final = 5
ATTEMPTS: Final = 3
USER: Final = "user"
BUCKET: Final = "booty-health"
"""A bucket of booty's own: one object comes and goes in it when somebody looks."""
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
        super().__init__(": ".join(filter(None, (code, message))))
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
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        return await call
    except ParamValidationError as error:  # nobody was asked
        raise Refused("", 0, "S3 takes no such name of a bucket or an object") from error
    except ClientError as error:
        told = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise Refused(told.get("Code", ""), int(status), told.get("Message", "")) from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


async def exists(client: Any, bucket: str) -> bool:
    """Tell whether a bucket is there.

    Raises:
        Refused: it is not ours to ask.
        Unreachable: the server said nothing.
    """
    try:
        await ask(client.head_bucket(Bucket=bucket))
    except Refused as error:
        if error.missing:
            return False
        raise
    return True


async def create(client: Any, bucket: str) -> None:
    """Make a bucket; that somebody else makes it in the same instant is no fault.

    Raises:
        Refused: it cannot be made.
        Unreachable: the server said nothing.
    """
    try:
        await ask(client.create_bucket(Bucket=bucket))
    except Refused as error:
        if error.status != 409 or not await exists(client, bucket):  # noqa: PLR2004 - conflict
            raise


@asynccontextmanager
async def client_of(instance: Instance) -> AsyncIterator[Any]:
    """Give a client with the caller's own key, to a server that answers; it tries again."""
    endpoint = await _answering(instance)
    async with _open(instance, endpoint, _key_of(instance), READ_SECONDS, ATTEMPTS) as client:
        yield client


@asynccontextmanager
async def as_root(instance: Instance, patience: int = LOOK_SECONDS) -> AsyncIterator[Any]:
    """Give a client with the server's own key, to this very one, which asks once and gives up."""
    endpoint = instance.endpoints["api"]
    async with _open(instance, endpoint, root_key(instance), patience, 1) as client:
        yield client


def root_key(instance: Instance) -> tuple[str, str]:
    """Return access key and secret of the server's own user."""
    return ROOT, instance.secrets[engines.of(instance).root]


def _key_of(instance: Instance) -> tuple[str, str]:
    # whoever asks gets an instance that holds its own credentials, and those of nobody else
    named = [one for one in instance.consumers if one.name == USER]
    own = next(iter([*named, *instance.consumers]), None)
    if own is None or "password" not in own.secrets:
        return root_key(instance)
    return KEY.format(user=own.name), own.secrets["password"]


async def _answering(instance: Instance) -> Endpoint:
    """Return the first of the service's servers that takes a connection; else this one."""
    import asyncio

    own = instance.endpoints["api"]
    others = (peer.endpoints["api"] for peer in instance.peers if "api" in peer.endpoints)
    for endpoint in (own, *others):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        except (OSError, TimeoutError):
            continue
        writer.transport.abort()
        return endpoint
    return own


def authority(instance: Instance) -> str:
    """Return the authority of a server's certificate, PEM; empty without TLS."""
    return instance.secrets["certificate:ca"] if instance.settings.tls else ""


@asynccontextmanager
async def _open(
    instance: Instance, endpoint: Endpoint, key: tuple[str, str], patience: int, attempts: int
) -> AsyncIterator[Any]:
    made = opened(
        endpoint.url,
        *key,
        read_timeout=patience,
        attempts=attempts,
        whole_checksums=engines.of(instance).whole_checksums,
        ca=authority(instance),
    )
    async with made as client:
        yield client


@asynccontextmanager
async def opened(
    url: str,
    key: str,
    secret: str,
    *,
    read_timeout: int = READ_SECONDS,
    attempts: int = 1,
    whole_checksums: bool = False,
    ca: str = "",
) -> AsyncIterator[Any]:
    """Give a client of a server.

    Args:
        url: where it is.
        key: access key.
        secret: what belongs to it.
        read_timeout: seconds that the server may be silent.
        attempts: how often a call is tried.
        whole_checksums: see :class:`~booty_provider_minio.engines.Engine`.
        ca: the authority of its certificate, PEM; empty = the machine's.
    """
    from anyio import to_thread

    # importing and reading take a second: in a thread they hold up no deadline
    session = await to_thread.run_sync(_session, abandon_on_cancel=True)
    made = session.create_client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=_config(read_timeout, attempts, ca, whole_checksums=whole_checksums),
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


def _config(patience: int, attempts: int, ca: str, *, whole_checksums: bool) -> Any:
    from aiobotocore.config import AioConfig

    from booty_provider_minio.s3.sending import Sending, trusting

    return AioConfig(
        http_session_cls=trusting(ca) if ca else Sending,
        signature_version="s3v4",
        s3={"addressing_style": "path"},  # buckets have no host names of their own here
        connect_timeout=CONNECT_SECONDS,
        read_timeout=patience,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        # in a trailer, as botocore sends it over TLS, rclone understands none either
        request_checksum_calculation="when_required" if whole_checksums else "when_supported",
        response_checksum_validation="when_required" if whole_checksums else "when_supported",
    )
