"""The only place that imports the HTTP library: requests with deadlines, judged redirects."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from booty.errors import FetchError

__all__ = [
    "Seen", "Unreachable", "client", "day", "decoded", "host", "looked", "opened", "reach",
    "shown", "small",
]  # fmt: skip

CONNECT: Final = 2.0
"""Seconds to find out that a publisher cannot be reached, name look-up included."""
READ: Final = 30.0
"""Seconds without a byte until a server counts as hanging."""
REDIRECTS: Final = 8
LONGEST_TEXT: Final = 1 << 20
LONGEST_PAGE: Final = 32 << 20
"""Bytes of a page of an index: a distribution may have thousands of files."""


class Unreachable(Exception):  # noqa: N818 - a finding; it never leaves this floor
    """A host does not answer."""


class Seen(NamedTuple):
    """What a server said of a file: status, headers (lower case), the text if asked for, where."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


_making: Final = threading.Lock()


def client() -> httpx.Client:
    """Return the one client of this process; proxies and CAs are what the environment says."""
    with _making:
        return _client()


@cache
def _client() -> httpx.Client:
    timeout = httpx.Timeout(READ, connect=CONNECT)
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:  # a machine without a list of authorities
        import certifi

        context.load_verify_locations(certifi.where())
    return httpx.Client(
        timeout=timeout,
        follow_redirects=False,
        verify=context,
        headers={"Accept-Encoding": "identity", "User-Agent": "booty"},
    )


def shown(url: str) -> str:
    """Return a URL as it may be told: without credentials and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=host(url), query="").geturl()


def host(url: str) -> str:
    """Return host and port of a URL, without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2]


def reach(url: str, seconds: float = CONNECT) -> None:
    """Find out whether the host of a URL answers at all, in bounded time.

    So does every host that it redirects to. A name look-up has no deadline of its own, so all is
    done beside us and abandoned when it hangs.

    Raises:
        Unreachable: with a phrase that says why.
    """
    answer: list[str] = []
    asked = threading.Thread(target=_ask, args=(url, seconds, answer), daemon=True)
    asked.start()
    asked.join(seconds)
    if not answer:
        raise Unreachable(f"cannot reach {host(url)} within {seconds:g} s")
    if answer[0]:
        raise Unreachable(f"cannot reach {host(url)}: {answer[0]}")


def _ask(url: str, seconds: float, answer: list[str]) -> None:
    try:
        _follow(url, seconds)
    except FetchError:
        answer.append("")  # it answers; with what, the download will tell
    except Exception as error:  # noqa: BLE001 - a proxy's address or a host's name that makes no sense, as well
        answer.append(_phrase(error))
    else:
        answer.append("")


def _follow(url: str, seconds: float) -> None:
    target, asked = url, [""]
    while host(target) not in asked and len(asked) <= REDIRECTS:
        asked.append(host(target))
        response = client().head(target, timeout=seconds)
        if response.is_redirect:
            target = _next(url, target, response.headers.get("location", ""))


def _phrase(error: Exception) -> str:
    said = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip())
    return said.splitlines()[0] if said else type(error).__name__


def looked(url: str, *, get: bool = False, accept: str = "", seconds: float = CONNECT) -> Seen:
    """Ask for a file's headers, or for a whole short text, in bounded time.

    Args:
        url: of the file; redirects are followed as for a download.
        get: ask for the text too.
        accept: kinds of answers that are understood; empty = any.
        seconds: how long all of it may take.

    Raises:
        Unreachable: nobody answers, or not in time; with a phrase that says why.
    """
    answer: list[Seen | str] = []

    def ask() -> None:
        try:
            answer.append(_seen(url, get=get, accept=accept, seconds=seconds))
        except Exception as error:  # noqa: BLE001 - an address that makes no sense, as well
            answer.append(error.message if isinstance(error, FetchError) else _phrase(error))

    asked = threading.Thread(target=ask, daemon=True)
    asked.start()
    asked.join(seconds)
    found = answer[0] if answer else f"no answer within {seconds:g} s"
    if isinstance(found, str):
        raise Unreachable(f"cannot reach {host(url)}: {found}")
    return found


def day(text: str) -> str:
    """Return the day of a date as HTTP writes it, ``2026-11-25``; empty if it is none."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError):
        return ""


def _seen(url: str, *, get: bool, accept: str, seconds: float) -> Seen:
    target = url
    headers = {"Accept": accept} if accept else {}
    for _ in range(REDIRECTS):
        asked = client().build_request(
            "GET" if get else "HEAD", target, headers=headers, timeout=seconds
        )
        response = client().send(asked, stream=True)
        try:
            if not response.is_redirect:
                body = _short(response) if get else b""
                return Seen(response.status_code, dict(response.headers), body, target)
        finally:
            response.close()
        target = _next(url, target, response.headers.get("location", ""))
    raise _fault(url, f"more than {REDIRECTS} redirects")


def _short(response: httpx.Response) -> bytes:
    data = b""
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > LONGEST_PAGE:
            raise FetchError("cannot read it: it is too long", reference="download-failed")
    return data


@contextmanager
def opened(url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
    """Open a URL for streaming, following redirects; never from https down to http.

    Raises:
        FetchError: the host hangs or refuses, redirects in a circle or to something unsafe.
    """
    target = url
    for _ in range(REDIRECTS):
        try:
            response = client().send(
                client().build_request("GET", target, headers=dict(headers or {})), stream=True
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            raise _fault(url, _phrase(error)) from error
        if not response.is_redirect:
            yield from _closing(url, response)
            return
        response.close()
        target = _next(url, target, response.headers.get("location", ""))
    raise _fault(url, f"more than {REDIRECTS} redirects")


def _closing(url: str, response: httpx.Response) -> Iterator[httpx.Response]:
    try:
        yield response
    except httpx.HTTPError as error:
        raise _fault(url, _phrase(error)) from error
    finally:
        response.close()


def _next(url: str, current: str, location: str) -> str:
    target = urljoin(current, location)
    if urlsplit(current).scheme == "https" and urlsplit(target).scheme != "https":
        raise _fault(url, f"it redirects to an unsafe address, {urlsplit(target).scheme}://…")
    return target


def small(url: str) -> bytes:
    """Return a short file (sums, a signature).

    Raises:
        FetchError: it cannot be had or is too long.
    """
    with opened(url) as response:
        if response.status_code != httpx.codes.OK:
            raise _fault(url, f"the server says {response.status_code}")
        data = b""
        for chunk in response.iter_raw():
            data += chunk
            if len(data) > LONGEST_TEXT:
                raise _fault(url, "it is too long for a sums file")
    return data


def decoded(url: str, data: bytes) -> str:
    """Return the text of a short file.

    Raises:
        FetchError: it is no text.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _fault(url, "it is no text") from error


def _fault(url: str, why: Any) -> FetchError:
    return FetchError(
        f'cannot download "{shown(url)}": {why}',
        reference="download-failed",
        subject=shown(url),
        hint='try again, or set a mirror: [stack] mirrors = { "HOST" = "https://…" }',
    )
