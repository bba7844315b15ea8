"""A look at what a publisher or an index has, without downloading it."""

from __future__ import annotations

import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from booty.errors import FetchError
from booty.fetch import _http
from booty.fetch.access import OPEN, Access

if TYPE_CHECKING:
    import httpx

__all__ = ["Seen", "day", "looked"]

LONGEST_PAGE: Final = 32 << 20
"""Bytes of a page of an index: a distribution may have thousands of files."""


class Seen(NamedTuple):
    """What a server said of a file: status, headers (lower case), the text if asked for, where."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


def looked(
    url: str,
    *,
    get: bool = False,
    accept: str = "",
    seconds: float = _http.CONNECT,
    access: Access = OPEN,
) -> Seen:
    """Ask for a file's headers, or for a whole short text, in bounded time.

    Args:
        url: of the file; redirects are followed as for a download.
        get: ask for the text too.
        accept: kinds of answers that are understood; empty = any.
        seconds: how long all of it may take.
        access: how the host is asked.

    Raises:
        Unreachable: nobody answers, or not in time; with a phrase that says why.
    """
    answer: list[Seen | str] = []

    def ask() -> None:
        try:
            answer.append(_seen(url, "GET" if get else "HEAD", accept, seconds, access))
        except Exception as error:  # noqa: BLE001 - an address that makes no sense, as well
            answer.append(error.message if isinstance(error, FetchError) else _http.phrase(error))

    asked = threading.Thread(target=ask, daemon=True)
    asked.start()
    asked.join(seconds)
    found = answer[0] if answer else f"no answer within {seconds:g} s"
    if isinstance(found, str):
        raise _http.Unreachable(f"cannot reach {_http.host(url)}: {found}")
    return found


def day(text: str) -> str:
    """Return the day of a date as HTTP writes it, ``2026-11-25``; empty if it is none."""
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError):
        return ""


def _seen(url: str, method: str, accept: str, seconds: float, access: Access) -> Seen:
    target = url
    if urlsplit(url).scheme == "file":
        found = _http.local(url)
        return Seen(found.status_code, dict(found.headers), b"", url)
    for _ in range(_http.REDIRECTS):
        own = access.address(target, url)
        headers = {**({"Accept": accept} if accept else {}), **access.headers(own)}
        asked = _http.client().build_request(
            method, access.identified(own), headers=headers, timeout=seconds
        )
        response = _http.client().send(asked, stream=True)
        try:
            if not response.is_redirect:
                body = _short(response) if method == "GET" else b""
                return Seen(response.status_code, dict(response.headers), body, target)
        finally:
            response.close()
        target = _http.ahead(url, target, response.headers.get("location", ""))
    raise _http.fault(url, f"more than {_http.REDIRECTS} redirects")


def _short(response: httpx.Response) -> bytes:
    data = b""
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > LONGEST_PAGE:
            raise FetchError("cannot read it: it is too long", reference="download-failed")
    return data
