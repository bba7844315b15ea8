"""Sums files as publishers write them: one for all assets, or one for each."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from booty.errors import VerifyError

__all__ = ["SHA256", "Sum", "find"]

SHA256: Final = "sha256"

ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""Algorithms by the hexadecimal digits of their sums."""
TRUSTED: Final = (SHA256, "sha512")
_GNU: Final = re.compile(r"\\?([0-9a-fA-F]{32,128})\s+[ *]?(\S.*)")
_BSD: Final = re.compile(r"[A-Za-z0-9-]+ ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})")
_BARE: Final = re.compile(r"[0-9a-fA-F]{32,128}")


@frozen(kw_only=True)
class Sum:
    """What a file's bytes must add up to.

    Attributes:
        algorithm: ``sha256`` or ``sha512``.
        digest: in lower-case hex.
    """

    algorithm: str = SHA256
    digest: str


def find(text: str, names: tuple[str, ...], *, alone: bool, url: str, subject: str) -> Sum:
    """Return what a sums file says of an asset.

    ``HASH  NAME``, ``HASH *NAME``, ``SHA256 (NAME) = HASH`` and a hash by itself are understood;
    folders before a name do not count, nor does the frame of a clear-signed text.

    Args:
        text: of the sums file.
        names: what the asset may be called in it.
        alone: the file is for this asset only: it may hold the hash and no name.
        url: of the sums file, for messages.
        subject: the artifact's key, for messages.

    Raises:
        VerifyError: it does not name the asset, says two things of it, or only a broken hash.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = {digest for line in lines for digest in _of(line, names)}
    if not said and alone and len(lines) == 1 and _BARE.fullmatch(lines[0]):
        said = {lines[0].lower()}
    kinds = {name: [one for one in said if ALGORITHMS.get(len(one)) == name] for name in TRUSTED}
    best = next((name for name in TRUSTED if kinds[name]), "")
    if not said:
        why = "the sums file does not name it"
        raise _fault("not-in-sums", names[0], why, url, subject)
    if not best:
        weak = ", ".join(sorted({ALGORITHMS.get(len(one), "a strange hash") for one in said}))
        raise _fault("sums-weak", names[0], f"the sums file has {weak} of it only", url, subject)
    if len(kinds[best]) > 1:
        why = f"the sums file names it {len(kinds[best])} times"
        raise _fault("sums-ambiguous", names[0], why, url, subject)
    return Sum(algorithm=best, digest=kinds[best][0])


def _of(line: str, names: tuple[str, ...]) -> list[str]:
    gnu, bsd = _GNU.fullmatch(line), _BSD.fullmatch(line)
    pairs = [(gnu[2], gnu[1])] if gnu else [(bsd[1], bsd[2])] if bsd else []
    return [digest.lower() for name, digest in pairs if name.rpartition("/")[2] in names]


def _fault(reference: str, asset: str, why: str, url: str, subject: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{asset}": {why}',
        reference=reference,
        subject=subject,
        hint=f"look at {url}; another version may be published whole",
    )
