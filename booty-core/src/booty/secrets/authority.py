"""The local CA of a stack: made once, never leaves the machine, trusts nobody else."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Authority", "create", "issue"]

CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
"""The longest that strict clients accept."""
SKEW: Final = dt.timedelta(minutes=5)


@frozen(repr=False)
class Authority:
    """Key and certificate of a CA, PEM."""

    key: str
    cert: str


def create(now: dt.datetime) -> Authority:
    """Make a CA: an ECDSA P-256 key (PKCS 8) and its certificate.

    Args:
        now: the time it is valid from, with a zone.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("booty local CA")
    built = (
        _begin(name, name, now, CA_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key=_pem_key(key), cert=_pem(built))


def issue(
    authority: Authority, name: str, hosts: Iterable[str], now: dt.datetime
) -> dict[str, str]:
    """Make a key and a certificate for servers and clients.

    Args:
        authority: who signs.
        name: common name; for people.
        hosts: addresses and host names it is valid for.
        now: the time it is valid from, with a zone; for :data:`LEAF_DAYS`.

    Returns:
        ``key``, ``cert`` and ``ca``, all PEM.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    issuer = x509.load_pem_x509_certificate(authority.cert.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    built = (
        _begin(_name(name), issuer.subject, now, LEAF_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        .add_extension(uses, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_signed_by(issuer), critical=False)
        .add_extension(_usage(sign_certificates=False), critical=True)
    )
    if not isinstance(signer, ec.EllipticCurvePrivateKey):  # pragma: no cover - we made it
        raise TypeError(type(signer).__name__)
    signed = built.sign(signer, hashes.SHA256())
    return {"key": _pem_key(key), "cert": _pem(signed), "ca": authority.cert}


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _signed_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    # strict clients (Python from 3.13) refuse a certificate that does not say whose key signed it
    from cryptography import x509

    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _begin(
    subject: x509.Name, issuer: x509.Name, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(text: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_key(key: object) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePrivateKey):  # pragma: no cover - we made it
        raise TypeError(type(key).__name__)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
