"""Views of a bucket: below a prefix, and of one key alone. Drivers themselves, around another."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import attrs

from booty.clients.bucket.driver import BucketDriver, ObjectReader, ObjectWriter

if TYPE_CHECKING:
    from booty.clients.bucket.nouns import (
        Attributes,
        Before,
        Listed,
        ListRequest,
        Page,
        SignRequest,
        WriteRequest,
    )
    from booty.clients.capability import Capability
    from booty.clients.errors import Code

__all__ = ["Prefixed", "SingleKey"]


class _View(BucketDriver):
    def __init__(self, inner: BucketDriver) -> None:
        self._inner = inner

    @property
    def capabilities(self) -> frozenset[Capability]:  # type: ignore[override]  # read only here
        return self._inner.capabilities

    @abstractmethod
    def _key(self, key: str) -> str:
        """Return the key in the whole bucket."""

    def code(self, error: Exception) -> Code:
        return self._inner.code(error)

    def native(self) -> tuple[object, ...]:
        return self._inner.native()

    async def accessible(self) -> bool:
        return await self._inner.accessible()

    async def attributes(self, key: str) -> Attributes:
        return await self._inner.attributes(self._key(key))

    async def read(
        self, key: str, offset: int, length: int | None, before: Before | None
    ) -> ObjectReader:
        return await self._inner.read(self._key(key), offset, length, before)

    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        return await self._inner.write(self._key(key), request)

    async def delete(self, key: str, before: Before | None) -> None:
        await self._inner.delete(self._key(key), before)

    async def copy(self, source: str, target: str, before: Before | None) -> None:
        await self._inner.copy(self._key(source), self._key(target), before)

    async def signed_url(self, key: str, request: SignRequest) -> str:
        return await self._inner.signed_url(self._key(key), request)


class Prefixed(_View):
    """Keys below a prefix, which nobody sees.

    Args:
        inner: the driver of the whole bucket.
        prefix: what is put before each key, and taken off in listings.
    """

    def __init__(self, inner: BucketDriver, prefix: str) -> None:
        super().__init__(inner)
        self._prefix = prefix

    def _key(self, key: str) -> str:
        from booty.clients.bucket.checks import checked_key

        return checked_key(self._prefix + key)

    async def list(self, request: ListRequest) -> Page:
        whole = attrs.evolve(request, prefix=self._prefix + request.prefix)
        page = await self._inner.list(whole)
        return attrs.evolve(page, items=tuple(map(self._bare, page.items)))

    def _bare(self, item: Listed) -> Listed:
        return attrs.evolve(item, key=item.key[len(self._prefix) :])


class SingleKey(_View):
    """One object, whatever key is asked for; a listing has it alone.

    Args:
        inner: the driver of the whole bucket.
        key: of the object.
    """

    def __init__(self, inner: BucketDriver, key: str) -> None:
        super().__init__(inner)
        self._only = key

    def _key(self, key: str) -> str:
        return self._only

    async def list(self, request: ListRequest) -> Page:
        # it sorts before all others that begin with it, so a page of one is enough
        whole = attrs.evolve(request, prefix=self._only, delimiter="", token=None, size=1)
        page = await self._inner.list(whole)
        return attrs.evolve(
            page, items=tuple(one for one in page.items if one.key == self._only), token=None
        )
