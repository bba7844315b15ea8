"""OpenPGP signatures over a sums file. The only place that imports the OpenPGP library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrs import frozen

from booty.errors import FetchError, VerifyError
from booty.fetch import openpgp_numbers

if TYPE_CHECKING:
    from pysequoia import Cert, Sig

__all__ = ["MISSING", "available", "verify"]

MISSING = "no OpenPGP library is installed to check its signature"


def available() -> bool:
    """Return whether signatures can be checked here."""
    return find_spec("pysequoia") is not None


def verify(
    data: bytes, proof: bytes, keys: tuple[str, ...], name: str, by: str
) -> tuple[bytes, str]:
    """See that a text was signed by one of a publisher's keys.

    Args:
        data: the text; a clear-signed one if ``proof`` is empty.
        proof: the detached signatures, armored or not.
        keys: the publisher's public keys, armored.
        name: of the text, for messages.
        by: the publisher's name, for messages.

    Returns:
        The bytes that were signed, and who signed them, for people.

    Raises:
        VerifyError: it was not; by another key, over another text, by an expired or revoked key.
        FetchError: there is no library that could tell.
    """
    if not available():
        raise FetchError(
            f'cannot check "{name}": {MISSING}',
            reference="openpgp-missing",
            subject=name,
            hint='pip install "booty-core[openpgp]"',
        )
    known = _merged(keys, by)
    if not proof:
        return _clear(data, known, name, by)
    for signature in _signatures(proof, name):
        found = next((one for one in known if _issuer(signature) in one.keys), None)
        if found:
            _fit(found, name, by)
            _checked(found, data, signature, name, by)
            return data, _told(found, by)
    raise _other(name, {_issuer(one) for one in _signatures(proof, name)}, known, by)


@frozen(kw_only=True)
class _Known:
    """One of the publisher's keys, with the numbers of all that it can sign with."""

    cert: Cert
    keys: frozenset[str]


def _merged(keys: tuple[str, ...], by: str) -> list[_Known]:
    # the same key in its former form, too: a renewed one says nothing of the time before
    found: dict[str, Cert] = {}
    for text in keys:
        cert = _cert(text, by)
        known = found.get(cert.fingerprint)
        found[cert.fingerprint] = known.merge(cert) if known else cert
    return [_known(cert) for cert in found.values()]


def _known(cert: Cert) -> _Known:
    from pysequoia.packet import PacketPile

    packets = PacketPile.from_bytes(bytes(cert))
    return _Known(cert=cert, keys=frozenset(one.key_id for one in packets if one.key_id))


def _cert(text: str, by: str) -> Cert:
    from pysequoia import Cert

    try:
        return Cert.from_bytes(text.encode())
    except RuntimeError as error:
        raise _fault(
            "signature-key", by, f"the recorded key cannot be read: {_line(error)}"
        ) from error


def _signatures(proof: bytes, name: str) -> list[Sig]:
    from pysequoia.packet import PacketPile

    try:
        found = [_signature(bytes(one)) for one in PacketPile.from_bytes(proof)]
    except (RuntimeError, ValueError) as error:
        why = "its signature is no OpenPGP signature"
        raise _fault("signature-unreadable", name, why) from error
    if not found:
        raise _fault("signature-unreadable", name, "its signature is no OpenPGP signature")
    return found


def _signature(packet: bytes) -> Sig:
    from pysequoia import Sig

    try:
        return Sig.from_bytes(packet)
    except RuntimeError:
        return Sig.from_bytes(openpgp_numbers.tidy(packet))


def _issuer(signature: Sig) -> str:
    return (signature.issuer_key_id or (signature.issuer_fingerprint or "")[-16:]).lower()


def _clear(data: bytes, known: Sequence[_Known], name: str, by: str) -> tuple[bytes, str]:
    from pysequoia import verify as check

    asked: list[str] = []

    def keys(numbers: list[str]) -> list[Cert]:
        asked.extend(number[-16:].lower() for number in numbers)
        return [one.cert for one in known]

    try:
        done = check(bytes=data, store=keys)
    except RuntimeError as error:
        found = next((one for one in known if one.keys & set(asked)), None)
        if found:
            _fit(found, name, by)
            raise _mismatch(name, by, error) from error
        if asked:
            raise _other(name, set(asked), known, by) from error
        why = "it is no clear-signed text"
        raise _fault("signature-unreadable", name, why) from error
    found = _signer(done.valid_sigs, known)
    _fit(found, name, by)
    return done.bytes or b"", _told(found, by)


def _signer(signatures: Sequence[Any], known: Sequence[_Known]) -> _Known:
    made = {one.certificate.lower() for one in signatures}
    return next(one for one in known if one.cert.fingerprint.lower() in made)


def _checked(found: _Known, data: bytes, signature: Sig, name: str, by: str) -> None:
    from pysequoia import verify as check

    try:
        check(bytes=data, store=lambda _: [found.cert], signature=signature)
    except RuntimeError as error:
        raise _mismatch(name, by, error) from error


def _fit(found: _Known, name: str, by: str) -> None:
    # stricter than the format: who got hold of an old key can date a signature back
    number = _number(found)
    try:
        revoked, expires = found.cert.is_revoked, found.cert.expiration
    except RuntimeError as error:
        raise _fault(
            "signature-key", name, f"the key {number} of {by} is too weak: {_line(error)}"
        ) from error
    if revoked:
        raise _fault("signature-revoked", name, f"the key {number} of {by} was revoked")
    if expires and expires <= datetime.now(UTC):
        raise _fault(
            "signature-expired", name, f"the key {number} of {by} expired on {expires:%Y-%m-%d}"
        )


def _number(found: _Known) -> str:
    return found.cert.fingerprint[-16:].upper()


def _told(found: _Known, by: str) -> str:
    return f"{by} (openpgp {_number(found)})"


def _other(name: str, made: set[str], known: Sequence[_Known], by: str) -> VerifyError:
    numbers = ", ".join(sorted(one.upper() for one in made))
    ours = ", ".join(_number(one) for one in known)
    return _fault("signature-key", name, f'it is signed by key "{numbers}", not by {by} ({ours})')


def _mismatch(name: str, by: str, error: Exception) -> VerifyError:
    why = f"the signature by {by} is over other content, or too weak ({_line(error)})"
    return _fault("signature-mismatch", name, why)


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


def _fault(reference: str, name: str, why: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{name}": {why}',
        reference=reference,
        subject=name,
        hint="nothing of it was kept; if the publisher has a new key, update the provider",
    )
