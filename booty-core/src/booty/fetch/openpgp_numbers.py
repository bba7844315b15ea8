"""Signatures as the OpenPGP library of Go writes them: numbers with zeros in front.

It says of every RSA number that it has as many bits as the key (half of them have fewer), which
the format forbids, GnuPG passes over and Sequoia refuses. HashiCorp's are of that kind. What is
mended here is how a number is written, never what it is; no signature covers these bytes.
"""

from __future__ import annotations

from typing import Final

__all__ = ["tidy"]

VERSION: Final = 4
_TAG: Final = 0xC2
_NEW: Final = 0x40
_FIXED: Final = 4
"""Bytes of version, type and algorithms."""


def tidy(packet: bytes) -> bytes:
    """Return a signature packet with each number written as short as it is.

    Raises:
        ValueError: it is no signature of version 4.
    """
    body = _body(packet)
    if not body or body[0] != VERSION:
        raise ValueError("no signature of version 4")
    at = _FIXED
    for _ in ("hashed", "unhashed"):
        at += 2 + int.from_bytes(body[at : at + 2], "big")
    head, rest = body[: at + 2], body[at + 2 :]  # two bytes of the hash
    done = head + b"".join(_numbers(rest))
    return bytes([_TAG, 0xFF]) + len(done).to_bytes(4, "big") + done


def _numbers(rest: bytes) -> list[bytes]:
    found = []
    while rest:
        size = (int.from_bytes(rest[:2], "big") + 7) // 8
        number, rest = rest[2 : 2 + size], rest[2 + size :]
        if len(number) != size:
            raise ValueError("it is cut")
        value = int.from_bytes(number, "big")
        bits = value.bit_length()
        found.append(bits.to_bytes(2, "big") + value.to_bytes((bits + 7) // 8, "big"))
    return found


def _body(packet: bytes) -> bytes:
    if len(packet) < 3 or not packet[0] & _NEW:  # noqa: PLR2004 - shorter than any
        raise ValueError("no packet")
    first = packet[1]
    if first < 192:  # noqa: PLR2004 - the three ways to write a length
        return packet[2:]
    return packet[6:] if first == 0xFF else packet[3:]  # noqa: PLR2004 - likewise
