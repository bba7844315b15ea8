"""Addresses of a publisher's files: filled templates, and what the user's mirrors make of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from booty.fetch.request import Request
    from booty.model.source import Release

__all__ = ["asset", "filled", "mirrored"]


def filled(template: str, source: Release, request: Request) -> str:
    """Return a template of a source with version, os and arch filled in."""
    platform = request.platform
    return template.format(
        version=request.wish.version,
        os=source.os.get(platform.os, platform.os),
        arch=source.arch.get(platform.arch, platform.arch),
    )


def asset(source: Release, request: Request) -> str:
    """Return the file name of a source's archive or binary."""
    return filled(source.url, source, request).rpartition("/")[2]


def mirrored(url: str, mirrors: Mapping[str, str]) -> str:
    """Return a URL with its scheme and host replaced as the user's mirrors say.

    ``{"github.com": "https://mirror/gh"}`` turns ``https://github.com/a/b`` into
    ``https://mirror/gh/a/b``; ``"*"`` is for all other hosts, with the host as first folder.
    """
    parts = urlsplit(url)
    if parts.netloc in mirrors:
        return mirrors[parts.netloc].rstrip("/") + parts.path
    if "*" in mirrors:
        return f"{mirrors['*'].rstrip('/')}/{parts.netloc}{parts.path}"
    return url
