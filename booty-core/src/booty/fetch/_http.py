"""The only place that imports the HTTP library: requests with deadlines, judged redirects."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from booty.errors import FetchError, VerifyError
from booty.fetch import _calls, authority, retry_after
from booty.fetch.access import OPEN, Access
from booty.fetch.patience import Passing, Patience, persist

__all__ = [
    "Unreachable",
    "ahead",
    "chunks",
    "client",
    "decoded",
    "fault",
    "host",
    "local",
    "opened",
    "phrase",
    "reach",
    "shown",
    "small",
    "unanswered",
]

CONNECT: Final = 2.0
"""Seconds to find out that a publisher cannot be reached, name look-up included."""
REDIRECTS: Final = 8
LONGEST_TEXT: Final = 1 << 20
BLOCK: Final = 1 << 16
PASSING: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Answers that may be others a moment later."""
GONE: Final = frozenset((404, 410))
_LOST: Final = (
    httpx.ReadError,
    httpx.WriteError,
    httpx.ReadTimeout,
    httpx.ConnectTimeout,
    httpx.RemoteProtocolError,
)
_PAGE: Final = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)


class Unreachable(Exception):  # noqa: N818 - a finding; it never leaves this floor
    """A host does not answer."""


_making: Final = threading.Lock()


def client() -> httpx.Client:
    """Return the one client of this process; proxies and CAs are what the environment says.

    Raises:
        FetchError: the environment names authorities that cannot be read.
    """
    with _making:
        return _client()


@cache
def _client() -> httpx.Client:
    return httpx.Client(
        timeout=httpx.Timeout(Patience().silence, connect=CONNECT),
        follow_redirects=False,
        verify=authority.context(),
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
    if urlsplit(url).scheme == "file":
        return  # what is there, the download will tell
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
        answer.append(phrase(error))
    else:
        answer.append("")


def _follow(url: str, seconds: float) -> None:
    target, asked = url, [""]
    while host(target) not in asked and len(asked) <= REDIRECTS:
        asked.append(host(target))
        response = client().head(target, timeout=seconds)
        if response.is_redirect:
            target = ahead(url, target, response.headers.get("location", ""))


def phrase(error: Exception) -> str:
    """Return what an error of the library means, in one line."""
    said = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip())
    return said.splitlines()[0] if said else type(error).__name__


@contextmanager
def opened(
    url: str, headers: Mapping[str, str] | None = None, access: Access = OPEN
) -> Iterator[httpx.Response]:
    """Open a URL for streaming, following redirects; never from https down to http.

    Each host is shown what is meant for it, and nothing else.

    Raises:
        FetchError: the host refuses, redirects in a circle or to something unsafe.
        Passing: it hangs or broke off: another try may help.
    """
    if urlsplit(url).scheme == "file":
        yield local(url)
        return
    target, seen = url, [url]
    while True:
        response = _send(url, access.address(target, url), headers or {}, access)
        if not response.is_redirect:
            yield from _closing(url, response)
            return
        response.close()
        target = ahead(url, target, response.headers.get("location", ""))
        if target in seen:
            raise fault(url, "it redirects in a circle", "redirect-loop")
        if len(seen) > REDIRECTS:
            raise fault(url, f"more than {REDIRECTS} redirects", "redirect-loop")
        seen.append(target)


def _send(url: str, target: str, headers: Mapping[str, str], access: Access) -> httpx.Response:
    own = {**headers, **access.headers(target)}
    timeout = httpx.Timeout(access.patience.silence, connect=CONNECT)
    answer: list[httpx.Response | Exception] = []
    answered = threading.Event()

    def ask() -> None:
        try:
            request = client().build_request(
                "GET", access.identified(target), headers=own, timeout=timeout
            )
            answer.append(client().send(request, stream=True))
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            answer.append(error)
        answered.set()

    # a server may give its head byte by byte for ever: no time-out of the library sees that
    threading.Thread(target=ask, daemon=True).start()
    _calls.heard(answered, access.patience.answer)
    if not answer:
        raise fault(url, f"no answer within {access.patience.answer:g} s", "too-slow")
    return _answered(url, answer[0])


def _answered(url: str, answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, httpx.Response):
        return answer
    if isinstance(answer, _LOST):
        raise Passing(fault(url, phrase(answer))) from answer
    if isinstance(answer, (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError)):
        raise fault(url, phrase(answer)) from answer
    raise answer


def local(url: str) -> httpx.Response:
    """Return the answer of a ``file://`` address."""
    path = Path(unquote(urlsplit(url).path))
    if not path.is_file():
        return httpx.Response(404)
    return httpx.Response(
        200, headers={"Content-Length": str(path.stat().st_size)}, content=_blocks(path)
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _closing(url: str, response: httpx.Response) -> Iterator[httpx.Response]:
    try:
        with _calls.under_way(response):
            yield response
    except _LOST as error:
        raise Passing(fault(url, phrase(error))) from error
    except httpx.HTTPError as error:
        raise fault(url, phrase(error)) from error
    finally:
        response.close()


def ahead(url: str, current: str, location: str) -> str:
    """Return where a redirect leads.

    Raises:
        FetchError: from https down to http, or to anything else.
    """
    target = urljoin(current, location)
    scheme = urlsplit(target).scheme
    if scheme not in {"http", "https"} or (urlsplit(current).scheme, scheme) == ("https", "http"):
        raise fault(url, f"it redirects to an unsafe address, {scheme}://…", "unsafe-redirect")
    return target


def unanswered(url: str, response: httpx.Response) -> FetchError | Passing:
    """Return what an answer means that brings no file."""
    code = response.status_code
    if code in GONE:
        return FetchError(
            f'cannot download "{shown(url)}": the server says {code}, there is no such file',
            reference="not-published",
            subject=shown(url),
            hint="is the version right? booty providers lists those that were tested",
        )
    if code in {401, 403}:
        return FetchError(
            f'cannot download "{shown(url)}": the server says {code}, it wants to know who asks',
            reference="not-allowed",
            subject=shown(url),
            hint='[stack] tokens = { "HOST" = "secret://NAME" }, or an entry in ~/.netrc',
        )
    told = fault(url, f"the server says {code}")
    if code in PASSING:
        return Passing(told, retry_after.seconds(response.headers.get("retry-after", "")))
    return told


def chunks(url: str, response: httpx.Response, access: Access) -> Iterator[bytes]:
    """Return the bytes of an answer as they come, from a server that keeps up.

    Raises:
        FetchError: it gives less than a person would wait for.
        VerifyError: it is a web page.
    """
    patience = access.patience
    begin, got = patience.now(), 0
    first = True
    for chunk in response.iter_raw():
        if first and _PAGE.match(chunk):
            raise _page(url)
        first = False
        got += len(chunk)
        now = patience.now()
        if now - begin >= patience.window:
            if got < patience.slowest * (now - begin):
                why = f"{got} bytes in {now - begin:.0f} s are too slow"
                raise fault(url, why, "too-slow")
            begin, got = now, 0
        yield chunk


def _page(url: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{shown(url)}": a web page came in its place',
        reference="web-page",
        subject=shown(url),
        hint="does a proxy want you to log in, is the mirror's address right? see it in a browser",
    )


def small(url: str, access: Access = OPEN) -> bytes:
    """Return a short file (sums, a signature).

    Raises:
        FetchError: it cannot be had or is too long.
        VerifyError: it is a web page.
    """
    return persist(lambda: _small(url, access), access.patience, told=lambda _: None)


def _small(url: str, access: Access) -> bytes:
    with opened(url, access=access) as response:
        if response.status_code != httpx.codes.OK:
            raise unanswered(url, response)
        data = b""
        for chunk in chunks(url, response, access):
            data += chunk
            if len(data) > LONGEST_TEXT:
                raise fault(url, "it is too long for a sums file")
    return data


def decoded(url: str, data: bytes) -> str:
    """Return the text of a short file.

    Raises:
        FetchError: it is no text.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise fault(url, "it is no text") from error


def fault(url: str, why: Any, reference: str = "download-failed") -> FetchError:
    """Return what is told of a download that did not come to an end."""
    return FetchError(
        f'cannot download "{shown(url)}": {why}',
        reference=reference,
        subject=shown(url),
        hint='try again, or set a mirror: [stack] mirrors = { "HOST" = "https://…" }',
    )
