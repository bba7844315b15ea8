"""The content type of bytes that nobody named one for, by the rules of WHATWG's MIME sniffing."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ENOUGH", "sniffed"]

ENOUGH: Final = 512
"""Bytes that are looked at; more do not change the answer."""
_TAGS: Final = rb"!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P"
_HTML: Final = re.compile(rb"[\t\n\f\r ]*<((" + _TAGS + rb")[ >]|!--)", re.IGNORECASE)
_XML: Final = re.compile(rb"[\t\n\f\r ]*<\?xml")
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_STARTS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff", "text/plain; charset=utf-16be"),
    (b"\xff\xfe", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (b"\x00asm", "application/wasm"),
)
_RIFF: Final = {
    b"WEBPVP": "image/webp",
    b"WAVE": "audio/wave",
    b"AVI ": "video/avi",
}


def sniffed(data: bytes) -> str:
    """Return the content type that the first bytes look like.

    Args:
        data: the first :data:`ENOUGH` bytes, or all where there are fewer.

    Returns:
        A type; ``application/octet-stream`` for what nothing is known about.
    """
    head = data[:ENOUGH]
    if _HTML.match(head):
        return "text/html; charset=utf-8"
    if _XML.match(head):
        return "text/xml; charset=utf-8"
    found = next((kind for start, kind in _STARTS if head.startswith(start)), None)
    if found is None and head.startswith(b"RIFF"):
        found = next((kind for mark, kind in _RIFF.items() if head[8:].startswith(mark)), None)
    if found is None and head[4:8] == b"ftyp":
        found = "video/mp4"
    if found is not None:
        return found
    return "application/octet-stream" if _BINARY.search(head) else "text/plain; charset=utf-8"
