"""Minisign signatures, as ``minisign -S`` writes them beside a file.

The format is the one that its author documents: a public key is base64 of algorithm, key number
and Ed25519 key; a signature file has an untrusted comment, the signature, a trusted comment, and
a signature over both of the latter.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from attrs import frozen

from booty.errors import VerifyError

__all__ = ["verify"]

PREHASHED: Final = b"ED"
PLAIN: Final = b"Ed"
"""The older kind: over the file itself. Some publishers keep to it for the tools of their users."""
TRUSTED: Final = "trusted comment: "
_HEAD: Final = 10
"""Bytes of algorithm and key number."""
_KEY: Final = 42
_SIGNATURE: Final = 74
_LINES: Final = 4
_FILE: Final = re.compile(r"(?:^|\s)file(?:name)?:(\S+)")


@frozen(kw_only=True)
class _Signed:
    kind: bytes
    number: str
    signature: bytes
    comment: str
    proof: bytes


def verify(
    proof: bytes,
    file: Path,
    keys: tuple[str, ...],
    *,
    names: tuple[str, ...],
    version: str,
    by: str,
) -> str:
    """See that a file was signed by one of a publisher's keys.

    Args:
        proof: content of the ``.minisig`` file.
        file: what was signed.
        keys: the publisher's keys, each the line of base64 that ``minisign`` prints.
        names: what the signed file may be called.
        version: the version that is wanted; a signature for a file of another name must name it.
        by: the publisher's name, for messages.

    Returns:
        Who signed it, for people.

    Raises:
        VerifyError: it was not, or as another file.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed = _read(proof, names[0])
    known = dict(_key(one, by) for one in keys)
    if signed.number not in known:
        ours = ", ".join(sorted(known))
        raise _fault(
            "signature-key",
            names[0],
            f'it is signed by key "{signed.number}", not by {by} ({ours})',
        )
    key = Ed25519PublicKey.from_public_bytes(known[signed.number])
    try:
        key.verify(signed.signature, _message(signed.kind, file))
    except InvalidSignature as error:
        raise _fault(
            "signature-mismatch", names[0], f"the signature by {by} is over other content"
        ) from error
    try:
        key.verify(signed.proof, signed.signature + signed.comment.encode())
    except InvalidSignature as error:
        raise _fault(
            "signature-mismatch", names[0], f"the trusted comment is not what {by} signed"
        ) from error
    _same_file(signed.comment, names, version, by)
    return f"{by} (minisign {signed.number})"


def _message(kind: bytes, file: Path) -> bytes:
    if kind == PLAIN:
        return file.read_bytes()
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, hashlib.blake2b).digest()


def _same_file(comment: str, names: tuple[str, ...], version: str, by: str) -> None:
    # an old file with its own good signature, served in place of the new one
    meant = _FILE.search(comment)
    if meant and meant[1].rpartition("/")[2] not in names and version not in meant[1]:
        raise _fault("signature-mismatch", names[0], f'{by} signed it as "{meant[1]}"')


def _read(proof: bytes, name: str) -> _Signed:
    try:
        lines = proof.decode().splitlines()[:_LINES]
        signature, sealed = base64.b64decode(lines[1], validate=True), base64.b64decode(lines[3])
    except (ValueError, IndexError) as error:
        raise _fault("signature-unreadable", name, "its signature is no minisign file") from error
    if len(signature) != _SIGNATURE or not lines[2].startswith(TRUSTED):
        raise _fault("signature-unreadable", name, "its signature is no minisign file")
    if signature[:2] not in {PREHASHED, PLAIN}:
        raise _fault("signature-unreadable", name, "its minisign signature is of a kind unknown")
    return _Signed(
        kind=signature[:2],
        number=_number(signature),
        signature=signature[_HEAD:],
        comment=lines[2].removeprefix(TRUSTED),
        proof=sealed,
    )


def _key(text: str, by: str) -> tuple[str, bytes]:
    try:
        data = base64.b64decode(text.strip().splitlines()[-1], validate=True)
    except (ValueError, IndexError) as error:
        raise _fault("signature-key", by, "the recorded minisign key cannot be read") from error
    if len(data) != _KEY:
        raise _fault("signature-key", by, "the recorded minisign key cannot be read")
    return _number(data), data[_HEAD:]


def _number(data: bytes) -> str:
    return data[2:_HEAD][::-1].hex().upper()


def _fault(reference: str, name: str, why: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{name}": {why}',
        reference=reference,
        subject=name,
        hint="nothing of it was kept; if the publisher has a new key, update the provider",
    )
