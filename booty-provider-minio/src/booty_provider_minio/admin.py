"""MinIO's own calls beside S3: users, policies, quotas.

They are signed as S3 requests are. What holds a secret is encrypted with the secret of whoever
asks, in the form of madmin-go: salt, kind, nonce, then AES-256-GCM over pieces of 16 KiB.
"""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio.session import REGION, Refused, Unreachable, authority, root_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aiohttp import ClientSession
    from booty import Endpoint, Instance

__all__ = ["Admin", "admin_of", "encrypted"]

_PATH: Final = "/minio/admin/v3/"
_SECONDS: Final = 10.0
_OK: Final = 200
_SALT, _NONCE, _PIECE, _ROUNDS = 32, 8, 16 * 1024, 8192
_PBKDF2_AES: Final = b"\x02"
"""The kind that needs nothing but PBKDF2; MinIO reads it whatever it writes itself."""


class Admin:
    """MinIO's admin interface, with the server's own key."""

    def __init__(self, http: ClientSession, endpoint: Endpoint, key: tuple[str, str]) -> None:
        self._http = http
        self._endpoint = endpoint
        self._key = key

    async def put_user(self, key: str, secret: str) -> None:
        """Make a user, or give it another secret."""
        body = json.dumps({"secretKey": secret, "status": "enabled"}).encode()
        await self._ask("PUT", "add-user", encrypted(self._key[1], body), accessKey=key)

    async def put_policy(self, name: str, document: dict[str, Any]) -> None:
        """Make a policy, or change it."""
        await self._ask("PUT", "add-canned-policy", json.dumps(document).encode(), name=name)

    async def attach(self, policy: str, key: str) -> None:
        """Let a user do what a policy allows, and nothing else."""
        words = {"policyName": policy, "userOrGroup": key, "isGroup": "false"}
        await self._ask("PUT", "set-user-or-group-policy", b"", **words)

    async def user(self, key: str) -> dict[str, Any] | None:
        """Return ``status policyName`` of a user; ``None`` if there is none."""
        try:
            answer: dict[str, Any] = json.loads(await self._ask("GET", "user-info", accessKey=key))
        except Refused as error:
            if error.missing:
                return None
            raise
        return answer

    async def policies(self) -> dict[str, Any]:
        """Return all policies by name; what lists users is encrypted, and needs Argon2."""
        found: dict[str, Any] = json.loads(await self._ask("GET", "list-canned-policies"))
        return found

    async def remove_user(self, key: str) -> None:
        """Take a user away, with what it has signed; one that is not there is no fault."""
        try:
            await self._ask("DELETE", "remove-user", accessKey=key)
        except Refused as error:
            if not error.missing:
                raise

    async def remove_policy(self, name: str) -> None:
        """Take a policy away that nobody has."""
        await self._ask("DELETE", "remove-canned-policy", name=name)

    async def put_quota(self, bucket: str, size: int) -> None:
        """Limit a bucket; 0 = no limit."""
        body = json.dumps({"quota": size, "size": size, "quotatype": "hard"}).encode()
        await self._ask("PUT", "set-bucket-quota", body, bucket=bucket)

    async def quota(self, bucket: str) -> int:
        """Return the limit of a bucket, bytes; 0 = none."""
        answer = await self._ask("GET", "get-bucket-quota", bucket=bucket)
        found = json.loads(answer or b"{}")
        return int(found.get("size") or found.get("quota") or 0)

    async def _ask(self, method: str, call: str, body: bytes = b"", **words: str) -> bytes:
        from aiohttp import ClientError

        url = f"{self._endpoint.url}{_PATH}{call}"
        headers = self._signed(method, url, body, words)
        try:
            async with self._http.request(
                method, url, params=words, data=body, headers=headers
            ) as answer:
                text = await answer.read()
        except (ClientError, OSError, TimeoutError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        if answer.status != _OK:
            raise _refusal(answer.status, text)
        return text

    def _signed(self, method: str, url: str, body: bytes, words: dict[str, str]) -> dict[str, str]:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method=method, url=url, data=body, params=words)
        request.context["payload_signing_enabled"] = True  # over plain HTTP too
        S3SigV4Auth(Credentials(*self._key), "s3", REGION).add_auth(request)
        return dict(request.headers.items())


def _refusal(status: int, text: bytes) -> Refused:
    try:
        told = json.loads(text)
    except ValueError:
        return Refused(f"HTTP {status}", status, text[:200].decode(errors="replace"))
    return Refused(str(told.get("Code", status)), status, str(told.get("Message", "")))


@asynccontextmanager
async def admin_of(instance: Instance) -> AsyncIterator[Admin]:
    """Give the admin interface of a server."""
    import ssl

    from aiohttp import ClientSession, ClientTimeout, TCPConnector

    ca = authority(instance)
    trust = TCPConnector(ssl=ssl.create_default_context(cadata=ca)) if ca else None
    async with ClientSession(timeout=ClientTimeout(total=_SECONDS), connector=trust) as http:
        yield Admin(http, instance.endpoints["api"], root_key(instance))


def encrypted(password: str, data: bytes) -> bytes:
    """Return data as MinIO's admin interface takes what is secret."""
    import hashlib

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS, 32)
    return salt + _PBKDF2_AES + nonce + b"".join(_sealed(AESGCM(key), nonce, data))


def _sealed(cipher: Any, nonce: bytes, data: bytes) -> Iterator[bytes]:
    # each piece has its number in the nonce; the seal over nothing, number 0, goes with all of them
    seal = cipher.encrypt(nonce + bytes(4), b"", None)
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)] or [b""]
    for number, piece in enumerate(pieces, 1):
        mark = b"\x80" if number == len(pieces) else b"\x00"
        yield cipher.encrypt(nonce + number.to_bytes(4, "little"), piece, mark + seal)
