"""What fetching tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

__all__ = ["Progress", "Tell", "silent"]


@frozen(kw_only=True)
class Progress:
    """One thing to tell.

    Attributes:
        key: the artifact's key (``nats@2.15.0``).
        phase: ``stored`` (was there), ``waiting`` (for another process that gets it), ``trying``,
            ``refused`` (a source cannot serve; ``note`` says why), ``warning`` (it goes on all
            the same), ``retrying`` (``note`` says why and when), ``downloading``, ``building``
            (``note`` says how far), ``unpacking``, ``done``.
        source: name of the source.
        bytes: bytes so far.
        total: bytes in all, 0 = unknown.
        note: a phrase for people.
    """

    key: str
    phase: str
    source: str = ""
    bytes: int = 0
    total: int = 0
    note: str = ""


Tell = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Tell nobody."""
