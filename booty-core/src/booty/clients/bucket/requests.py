"""What a caller asks for, checked and put together for the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.clients.bucket.checks import checked_headers, checked_key, checked_metadata
from booty.clients.bucket.nouns import SignRequest, WriteRequest
from booty.clients.capability import Capability
from booty.clients.errors import InvalidArgumentError

if TYPE_CHECKING:
    from booty.clients.bucket.session import Session

__all__ = ["sign_request", "write_request"]


def write_request(session: Session, key: str, options: dict[str, Any]) -> WriteRequest:
    """Return a request to write.

    Args:
        session: of the bucket; its driver must have what is asked for.
        key: of the object.
        options: the arguments of :meth:`Bucket.writer`, but for ``detect``.

    Raises:
        InvalidArgumentError: a key, type, header, MD5, condition or metadata that cannot be.
        UnimplementedError: the driver does not have what is asked for.
    """
    checked_key(key)
    headers: dict[str, Any] = checked_headers(
        options.pop("content_type"),
        cache_control=options.pop("cache_control"),
        content_disposition=options.pop("content_disposition"),
        content_encoding=options.pop("content_encoding"),
        content_language=options.pop("content_language"),
    )
    metadata = checked_metadata(options.pop("metadata"))
    request = WriteRequest(**headers, metadata=metadata, **options)
    _check_md5(request.md5)
    _check_condition(key, request)
    for capability in _needed(request):
        session.need(capability, f'write "{key}"')
    return request


def _needed(request: WriteRequest) -> list[Capability]:
    headers = (
        request.cache_control
        or request.content_disposition
        or request.content_encoding
        or request.content_language
    )
    needed = {
        Capability.ATTRS: bool(headers),
        Capability.METADATA: bool(request.metadata),
        Capability.MD5: request.md5 is not None,
        Capability.CONDITIONAL: request.if_not_exist,
        Capability.IF_MATCH: request.if_match is not None,
    }
    return [capability for capability, wanted in needed.items() if wanted]


def _check_md5(md5: bytes | None) -> None:
    if md5 is not None and len(md5) != 16:  # noqa: PLR2004 - an MD5 has 16 bytes
        told = f'cannot use "{md5.hex()}" as an MD5: {len(md5)} bytes, not 16'
        raise InvalidArgumentError(told, reference="md5-invalid")


def _check_condition(key: str, request: WriteRequest) -> None:
    if request.if_not_exist and request.if_match is not None:
        told = f'cannot write "{key}" both if it is not there and if it matches'
        raise InvalidArgumentError(told, reference="condition-invalid", subject=key)


def sign_request(session: Session, key: str, request: SignRequest) -> SignRequest:
    """Return a request to sign a URL, unchanged.

    Raises:
        InvalidArgumentError: the key, the type or the expiry cannot be, or it is another method.
        UnimplementedError: the driver cannot sign.
    """
    checked_key(key)
    checked_headers(request.content_type)
    _check_verb(key, request)
    session.need(Capability.PRESIGN, f'sign a URL of "{key}"')
    if request.no_content_type:
        session.need(Capability.PRESIGN_NO_TYPE, f'sign a PUT of "{key}" without a content type')
    return request


def _check_verb(key: str, request: SignRequest) -> None:
    typed = bool(request.content_type) + request.no_content_type
    why = None
    if request.method not in ("GET", "PUT", "DELETE"):
        why = f'there is no method "{request.method}" for it'
    elif request.expiry <= 0:
        why = f"{request.expiry} s is no time"
    elif typed > (request.method == "PUT"):
        why = "a content type is for a PUT, or there is none"
    if why is not None:
        told = f'cannot sign a {request.method} of "{key}": {why}'
        raise InvalidArgumentError(told, reference="sign-invalid", subject=key)
