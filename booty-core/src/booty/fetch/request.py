"""What is asked of a source, what it may answer, and what vouches for a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attrs import Factory, frozen

from booty.errors import VerifyError
from booty.fetch.access import OPEN, Access
from booty.fetch.command import Stop
from booty.fetch.progress import Tell, silent
from booty.fetch.store import Store

if TYPE_CHECKING:
    from booty.fetch.bundle import Bundle
    from booty.fetch.lock import Locked
    from booty.model.plan import Artifact, ArtifactWish
    from booty.model.platform import Platform

__all__ = ["Driver", "Lists", "Look", "Looks", "Refused", "Request", "bundled", "vouched"]


class Refused(Exception):  # noqa: N818 - a finding; it never leaves this floor
    """A source cannot serve here; the text says why.

    Args:
        why: the text.
        remembered: it was not asked now: it did not answer a while ago.
        withdrawn: it has it, but took it back: only who accepts that gets it.
    """

    def __init__(self, why: str, *, remembered: bool = False, withdrawn: bool = False) -> None:
        super().__init__(why)
        self.remembered = remembered
        self.withdrawn = withdrawn


@frozen(kw_only=True)
class Request:
    """What is asked of a source.

    Attributes:
        wish: the program.
        platform: of the host.
        store: where it goes.
        downloads: a folder for unfinished downloads.
        mirrors: base URLs by host, ``*`` for all others.
        access: how hosts are asked: tokens for private releases, patience.
        locked: what the lock says of this source, ``None`` if nothing.
        anew: ask hosts that did not answer lately, too.
        looks: only a look is taken: nothing may be written.
        keep_to_lock: ask no source that the lock does not name.
        bundle: files are taken from it, and no network is asked; ``None`` = downloaded.
        keep: a folder in which what was downloaded is kept for a bundle; ``None`` = it is not.
        tell: told of progress.
        stop: ends programs of others that are under way.
    """

    wish: ArtifactWish
    platform: Platform
    store: Store
    downloads: Path
    mirrors: Mapping[str, str] = Factory(dict)
    access: Access = OPEN
    locked: Locked | None = None
    anew: bool = False
    looks: bool = False
    keep_to_lock: bool = False
    bundle: Bundle | None = None
    keep: Path | None = None
    tell: Tell = silent
    stop: Stop = Factory(Stop)


class Driver(Protocol):
    """What a kind of source can do."""

    def probe(self, source: Any, request: Request) -> None:
        """See whether it can be had here, in at most two seconds.

        Raises:
            Refused: it cannot; the text says why.
        """

    def get(self, source: Any, request: Request) -> Artifact:
        """Download, verify, install.

        Raises:
            Refused: it turns out that it cannot be had.
            FetchError: something broke on the way.
            VerifyError: what came is not what was promised.
        """


@frozen(kw_only=True)
class Look:
    """What can be known of a source without taking anything from it.

    Attributes:
        can: whether the program can be had from it here.
        why: why not, or what speaks against it.
        trust: what would vouch for it; empty = nothing.
        size: bytes of the download, 0 = unknown.
        date: day of publication, ``2026-11-25``; empty = unknown.
        gone: it answers, and has not (or no longer) got this version.
        withdrawn: whether its publisher has taken the version back (yanked).
    """

    can: bool
    why: str = ""
    trust: str = ""
    size: int = 0
    date: str = ""
    gone: bool = False
    withdrawn: bool = False


class Looks(Protocol):
    """What a driver can do besides, if its sources tell more than whether they answer."""

    def look(self, source: Any, request: Request) -> Look:
        """Look, in about two seconds at most; nothing is written."""


class Lists(Protocol):
    """What a driver can do besides, if its sources name programs of other platforms too."""

    def others(self, source: Any, request: Request) -> Mapping[str, Locked]:
        """Return what the publisher says of the program for other platforms, by platform.

        Called right after :meth:`Driver.get`; whatever cannot be known is left out.
        """


def bundled(request: Request, digest: str) -> None:
    """See that the bundle has a file, before a source takes it from there.

    Args:
        request: what is asked; with a bundle.
        digest: the sha256 that the lock or the provider names; empty if neither does.

    Raises:
        Refused: it has not, or nothing vouches for it.
    """
    if not digest:
        raise Refused("neither booty.lock nor the provider names its digest")
    if request.bundle and not request.bundle.has(digest):
        raise Refused(f"the bundle holds nothing with sha256 {digest[:12]}…")


def vouched(request: Request, recorded: str) -> str:
    """Return the sha256 that a file must have by the lock or the provider; empty if none says.

    Args:
        request: what is asked; its lock entry comes first.
        recorded: what the provider recorded, empty if nothing.

    Raises:
        VerifyError: they contradict each other.
    """
    locked = request.locked.digest if request.locked else ""
    if locked and recorded and locked != recorded:
        raise VerifyError(
            f'cannot trust {request.wish.key}: booty.lock says sha256 "{locked}", the provider '
            f'"{recorded}"',
            reference="digest-mismatch",
            subject=request.wish.key,
            hint="find out who changed which; remove its entry from booty.lock, then booty lock",
        )
    return locked or recorded
