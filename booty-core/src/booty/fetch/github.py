"""Private releases on GitHub: their assets have ordinary addresses that answer 404 to a token.

Who has a token asks the API for the release by its tag and downloads the asset by its number, as
GitHub documents it (REST API, releases and release assets).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from attrs import evolve

from booty.errors import FetchError
from booty.fetch import _http
from booty.fetch.access import Access
from booty.fetch.address import mirrored

if TYPE_CHECKING:
    from booty.fetch.request import Request

__all__ = ["asked", "located"]

HOST: Final = "github.com"
API: Final = "https://api.github.com"
_ASSET: Final = re.compile(
    rf"https://{re.escape(HOST)}/([^/]+/[^/]+)/releases/download/([^/]+)/([^/?]+)"
)


def asked(url: str, request: Request) -> str:
    """Return the address that is asked first: the API's for a private release, else the file's."""
    found = _private(url, request)
    if not found:
        return mirrored(url, request.mirrors)
    return mirrored(f"{API}/repos/{found[1]}/releases/tags/{found[2]}", request.mirrors)


def located(url: str, request: Request) -> tuple[str, Access]:
    """Return where a file of a publisher is, and how its host is asked.

    Args:
        url: its ordinary address.
        request: with mirrors, and with tokens by host.

    Raises:
        FetchError: the release cannot be asked for, or has no such asset.
    """
    found = _private(url, request)
    if not found:
        return mirrored(url, request.mirrors), request.access
    api = asked(url, request)
    token = request.access.tokens(HOST)
    own = evolve(request.access, tokens=lambda host: token if host == _http.host(api) else "")
    assets = _assets(api, _http.small(api, own))
    if found[3] not in assets:
        raise FetchError(
            f'cannot download "{url}": the release has no asset "{found[3]}"',
            reference="not-published",
            subject=url,
            hint="is the version right? booty providers lists those that were tested",
        )
    return mirrored(assets[found[3]], request.mirrors), evolve(
        own, accept="application/octet-stream"
    )


def _private(url: str, request: Request) -> re.Match[str] | None:
    # a mirror of github.com has files, and no API
    if HOST in request.mirrors or "*" in request.mirrors or not url.startswith("https://github"):
        return None
    found = _ASSET.fullmatch(url)
    return found if found and request.access.tokens(HOST) else None


def _assets(api: str, data: bytes) -> dict[str, str]:
    try:
        return {str(one["name"]): str(one["url"]) for one in json.loads(data)["assets"]}
    except (ValueError, KeyError, TypeError) as error:
        raise _http.fault(api, "it is no answer of GitHub's API") from error
