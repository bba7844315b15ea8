"""What vouches for a release: a digest that is known, the publisher's sums, his signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from booty.errors import FetchError
from booty.fetch import _http, github, minisign, openpgp, sums
from booty.fetch.address import asset, filled
from booty.fetch.request import Refused, Request, vouched
from booty.fetch.sums import Sum

if TYPE_CHECKING:
    from booty.model.source import Release, Signature

__all__ = ["Proof", "Proofs", "known", "promise"]

SUMS = "publisher's sums file"


@frozen(kw_only=True)
class Proof:
    """What a download must be.

    Attributes:
        sum: what its bytes must add up to, ``None`` if only a signature tells.
        trust: what said so, for the lock.
        signature: a minisign signature that is still to be checked on the file.
    """

    sum: Sum | None
    trust: str
    signature: bytes = b""


class Proofs:
    """What publishers say; each of their small files is asked for once."""

    def __init__(self) -> None:
        self._files: dict[str, bytes | FetchError] = {}

    def of(self, source: Release, request: Request) -> Proof:
        """Return what the asset must be, by the strongest that vouches for it.

        Raises:
            FetchError: a file of the publisher cannot be had.
            VerifyError: what he says does not hold together.
        """
        digest = known(source, request)
        if digest and digest == _recorded(source, request):
            return Proof(sum=Sum(digest=digest), trust="recorded digest")
        if digest:
            trust = request.locked.trust if request.locked else ""
            return Proof(sum=Sum(digest=digest), trust=trust)
        signature = source.signature
        if signature and signature.over == "asset":
            return self._signed_asset(source, request, signature)
        return self._from_sums(source, request)

    def check(self, proof: Proof, source: Release, request: Request, file: Path) -> str:
        """Check what can only be checked on the whole file; return what vouches for it.

        Raises:
            VerifyError: the publisher did not sign it.
        """
        if not proof.signature or source.signature is None:
            return proof.trust
        one, names = source.signature, _names(source, request)
        who = minisign.verify(
            proof.signature,
            file,
            one.keys,
            names=names,
            version=request.wish.version,
            by=_by(one),
        )
        return f"{proof.trust}, asset signed by {who}" if proof.trust else f"signed by {who}"

    def _signed_asset(self, source: Release, request: Request, signature: Signature) -> Proof:
        proof = self._file(signature.url, source, request)
        if not source.sums:
            return Proof(sum=None, trust="", signature=proof)
        return Proof(sum=self._sum(source, request)[0], trust=SUMS, signature=proof)

    def _from_sums(self, source: Release, request: Request) -> Proof:
        found, who = self._sum(source, request)
        return Proof(sum=found, trust=f"{SUMS}, signed by {who}" if who else SUMS)

    def _sum(self, source: Release, request: Request) -> tuple[Sum, str]:
        url = filled(source.sums, source, request)
        data, who, one = self._file(source.sums, source, request), "", source.signature
        if one and one.over == "sums":
            proof = self._file(one.url, source, request) if one.url else b""
            name = url.rpartition("/")[2]
            data, who = openpgp.verify(data, proof, one.keys, name, _by(one))
        names = _names(source, request)
        found = sums.find(
            _http.decoded(url, data),
            names,
            alone=asset(source, request) in url.rpartition("/")[2],
            url=url,
            subject=request.wish.key,
        )
        return found, who

    def _file(self, template: str, source: Release, request: Request) -> bytes:
        url = filled(template, source, request)
        if url not in self._files:
            self._files[url] = _small(url, request)
        found = self._files[url]
        if isinstance(found, FetchError):
            raise found
        return found


def _small(url: str, request: Request) -> bytes | FetchError:
    try:
        return _http.small(*github.located(url, request))
    except FetchError as error:
        return error


def known(source: Release, request: Request) -> str:
    """Return the sha256 that the lock or the provider recorded; empty if none did.

    Raises:
        VerifyError: they contradict each other.
        Refused: nothing at all vouches for this version, or it cannot be checked here.
    """
    digest = vouched(request, _recorded(source, request))
    if digest:
        return digest
    if not source.sums and source.signature is None:
        raise Refused("nothing vouches for this version: no sums file, no recorded digest")
    if source.signature and source.signature.scheme == "openpgp" and not openpgp.available():
        raise Refused(f'{openpgp.MISSING}: pip install "booty-core[openpgp]"')
    return ""


def promise(source: Release, request: Request) -> str:
    """Return what would vouch for the asset, before anything of it is asked for.

    Raises:
        VerifyError, Refused: as :func:`known`.
    """
    digest = known(source, request)
    if digest:
        locked = request.locked.trust if request.locked else ""
        return "recorded digest" if digest == _recorded(source, request) else locked
    signed = f"signed by {_by(source.signature)}" if source.signature else ""
    return ", ".join(filter(None, (SUMS if source.sums else "", signed)))


def _recorded(source: Release, request: Request) -> str:
    return source.digests.get(f"{request.wish.version}/{request.platform}", source.sha256)


def _names(source: Release, request: Request) -> tuple[str, ...]:
    own = asset(source, request)
    return (own, filled(source.named, source, request)) if source.named else (own,)


def _by(signature: Signature) -> str:
    return signature.by or "the publisher"
