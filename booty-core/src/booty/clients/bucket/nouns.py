"""What a bucket knows about its objects, and what is asked of a driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import field, frozen

__all__ = ["Attributes", "Before", "ListRequest", "Listed", "Page", "SignRequest", "WriteRequest"]

Before = Callable[[Any], None]
"""Called with the native request just before it is made; may change it, or raise."""


@frozen(kw_only=True)
class Attributes:
    """What is known about one object.

    Attributes:
        size: bytes.
        modified: when it was written, with a time zone.
        created: when its key was first written; ``None`` where the driver cannot tell.
        etag: quoted, and another one after each write; empty where there is none.
        md5: of its content, 16 bytes; ``None`` where it is not known.
        content_type, cache_control, content_disposition, content_encoding, content_language:
            as written; empty where they were not given.
        metadata: free text by lower-case key.
    """

    size: int
    modified: datetime
    created: datetime | None = None
    etag: str = ""
    md5: bytes | None = None
    content_type: str = ""
    cache_control: str = ""
    content_disposition: str = ""
    content_encoding: str = ""
    content_language: str = ""
    metadata: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Listed:
    """One row of a listing: an object, or a directory, which stands for all keys below it.

    Attributes:
        key: of the object; of a directory what its keys begin with, delimiter included.
        size: bytes; 0 for a directory.
        modified: when it was written; ``None`` for a directory.
        md5: of its content; ``None`` where the listing does not have it.
        directory: whether it stands for several keys.
    """

    key: str
    size: int = 0
    modified: datetime | None = None
    md5: bytes | None = None
    directory: bool = False


@frozen(kw_only=True)
class Page:
    """A part of a listing.

    Attributes:
        items: in byte order of their keys.
        token: where the next page begins; ``None`` at the end.
    """

    items: tuple[Listed, ...] = ()
    token: str | None = None


@frozen(kw_only=True)
class ListRequest:
    """A page as it is asked of a driver.

    Attributes:
        prefix: what keys begin with.
        delimiter: what ends a directory; empty for a flat listing. Any text.
        token: of the page before; ``None`` for the first one.
        size: the most items, 1 or more.
        before: see :data:`Before`.
    """

    prefix: str = ""
    delimiter: str = ""
    token: str | None = None
    size: int = 1000
    before: Before | None = None


@frozen(kw_only=True)
class WriteRequest:
    """An object to be written, without its bytes.

    Attributes:
        content_type, cache_control, content_disposition, content_encoding, content_language:
            headers to be kept with it; empty for none.
        metadata: keys are lower-case and unique.
        md5: of the whole content, if the caller knows it. The portable type checks it, too.
        size: of the whole content in bytes, if the caller knows it.
        if_not_exist: write only if there is no object.
        if_match: write only over the object with this etag.
        before: see :data:`Before`.
    """

    content_type: str = ""
    cache_control: str = ""
    content_disposition: str = ""
    content_encoding: str = ""
    content_language: str = ""
    metadata: Mapping[str, str] = field(factory=dict)
    md5: bytes | None = None
    size: int | None = None
    if_not_exist: bool = False
    if_match: str | None = None
    before: Before | None = None


@frozen(kw_only=True)
class SignRequest:
    """A signed URL as it is asked of a driver.

    Attributes:
        method: the one verb that it is good for.
        expiry: seconds from now, more than 0.
        content_type: the type a PUT must have; empty for any.
        no_content_type: a PUT with any type is refused.
        before: see :data:`Before`.
    """

    method: Literal["GET", "PUT", "DELETE"] = "GET"
    expiry: float = 3600.0
    content_type: str = ""
    no_content_type: bool = False
    before: Before | None = None
