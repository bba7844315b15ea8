"""What cannot be in a source, whoever declares it: a provider, or a user for a program of his."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from booty.model.source import GoInstall, Release

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from booty.model.source import Signature, Source

__all__ = ["wrong"]

_SCHEMES: Final = ("minisign", "openpgp")
_PLACES: Final = ("version", "os", "arch")


def wrong(source: Source) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a source: the field, dotted, and a phrase about its value."""
    for field, text, places in _templates(source):
        if why := _misfit(text, places):
            yield field, why
    if isinstance(source, Release) and source.signature:
        yield from _wrong_signature(source, source.signature)


def _templates(source: Source) -> Iterator[tuple[str, str, Collection[str]]]:
    if isinstance(source, Release):
        for field in ("url", "member", "sums", "named"):
            yield field, getattr(source, field), _PLACES
        if source.signature:
            yield "signature.url", source.signature.url, _PLACES
    if isinstance(source, GoInstall):
        yield "tag", source.tag, ("version",)
        for flag in source.ldflags:
            yield "ldflags", flag, ("version", "release")


def _misfit(text: str, places: Collection[str]) -> str:
    known = " ".join(f"{{{one}}}" for one in places)
    why = f'"{text}" is no template over {known}'
    try:
        parts = [*string.Formatter().parse(text)]
    except ValueError as error:
        return f"{why}: {error}"
    for _, name, form, conversion in parts:
        if name is not None and (name not in places or form or conversion):
            return why
    return ""


def _wrong_signature(source: Release, signature: Signature) -> Iterator[tuple[str, str]]:
    if signature.scheme not in _SCHEMES:
        yield "signature.scheme", f"it is none of {', '.join(_SCHEMES)}"
    if not signature.keys:
        yield "signature.keys", "it names no key that it may be made with"
    if signature.over == "sums" and not source.sums:
        yield "sums", "there is a signature over sums, and no sums"
    if signature.over == "asset" and not signature.url:
        yield "signature.url", "it does not say where the signature of the asset is"
