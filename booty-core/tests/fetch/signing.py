"""Publishers who sign: keys that are made for a test, and what is signed with them."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache

from booty import Signature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class OpenPGP:
    """A publisher with an OpenPGP key."""

    def __init__(
        self, name: str = "Publisher", *, revoked: bool = False, rsa: bool = False
    ) -> None:
        from pysequoia import Cert, CipherSuite, Tsk

        suite = CipherSuite.RSA2k if rsa else CipherSuite.Cv25519
        self._secret = Tsk.generate(f"{name} <security@publisher.example>", cipher_suite=suite)
        cert = self._secret.extract_certificate()
        if revoked:
            own = cert.revoke(self._secret.certifier())
            cert = Cert.from_bytes(bytes(cert) + bytes(own))
        self.key = str(cert)
        self.number = cert.fingerprint[-16:].upper()

    def detached(self, data: bytes, *, armor: bool = False) -> bytes:
        """Return a signature that stands in a file of its own."""
        from pysequoia import SignatureMode, sign

        return bytes(sign(self._secret.signer(), data, mode=SignatureMode.DETACHED, armor=armor))

    def clear(self, data: bytes) -> bytes:
        """Return the text with the signature around it."""
        from pysequoia import SignatureMode, sign

        return bytes(sign(self._secret.signer(), data, mode=SignatureMode.CLEAR))


def as_go_writes(signature: bytes) -> bytes:
    """Return an RSA signature (of two bytes of length) with zeros in front of its number."""
    assert signature[0] == 0xC2
    assert 192 <= signature[1] < 224
    body = signature[3:]
    at = 4
    for _ in range(2):
        at += 2 + int.from_bytes(body[at : at + 2], "big")
    head, number = body[: at + 2], body[at + 4 :]
    padded = number.rjust(256, b"\0")
    done = head + (256 * 8).to_bytes(2, "big") + padded
    return bytes([0xC2, ((len(done) - 192) >> 8) + 192, (len(done) - 192) & 255]) + done


class Minisign:
    """A publisher with a minisign key."""

    def __init__(self) -> None:
        self._secret = Ed25519PrivateKey.generate()
        self._id = os.urandom(8)
        public = self._secret.public_key().public_bytes_raw()
        self.key = base64.b64encode(b"Ed" + self._id + public).decode()
        self.number = self._id[::-1].hex().upper()

    def signed(self, data: bytes, name: str, *, kind: bytes = b"ED", comment: str = "") -> bytes:
        """Return the ``.minisig`` of a file."""
        hashed = hashlib.blake2b(data).digest() if kind == b"ED" else data
        signature = self._secret.sign(hashed)
        trusted = f"timestamp:1757264253\tfile:{name}\thashed"
        sealed = self._secret.sign(signature + trusted.encode())
        lines = (
            "untrusted comment: signature from minisign secret key",
            base64.b64encode(kind + self._id + signature).decode(),
            f"trusted comment: {comment or trusted}",
            base64.b64encode(sealed).decode(),
        )
        return ("\n".join(lines) + "\n").encode()


@cache
def openpgp(name: str = "Publisher") -> OpenPGP:
    """Return a publisher, the same for all tests of a run."""
    return OpenPGP(name)


@cache
def minisign(name: str = "Publisher") -> Minisign:
    """Return a publisher, the same for all tests of a run."""
    return Minisign()


def by_openpgp(url: str = "", *keys: str) -> Signature:
    """Return what a provider declares of a publisher who signs his sums."""
    return Signature(scheme="openpgp", keys=keys or (openpgp().key,), url=url, by="Publisher")


def by_minisign(url: str, *keys: str) -> Signature:
    """Return what a provider declares of a publisher who signs his assets."""
    return Signature(scheme="minisign", keys=keys or (minisign().key,), url=url, by="Publisher")
