"""What a driver's author writes once, so that every case can be run on the driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from booty.clients.capability import Capability

if TYPE_CHECKING:
    import httpx

    from booty.clients.bucket.face import Bucket

__all__ = ["BucketHarness", "lacking"]


def lacking(harness: object, word: str, method: str) -> NotImplementedError:
    """Return what is raised in the place of a method that a declared capability needs."""
    told = f'{type(harness).__name__} declares "{word}": it must have a method "{method}"'
    return NotImplementedError(told)


class BucketHarness(ABC):
    """A driver of buckets with a place to run.

    ``start`` and ``stop`` are called once for all cases, the rest once for each case, in its loop.

    Attributes:
        driver: what the matrix calls it: ``mem``, ``s3 on moto``.
        in_memory: whether it holds objects in the memory of the process, by its nature.
        deadline: seconds that one case may take.
    """

    driver: ClassVar[str]
    in_memory: ClassVar[bool] = False
    deadline: ClassVar[float] = 60.0

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What the driver declares, here, with this server; asked for before ``start``, too."""

    @abstractmethod
    async def make(self) -> Bucket:
        """Return the driver's bucket on a fresh, empty place."""

    @abstractmethod
    async def make_missing(self) -> Bucket:
        """Return the driver's bucket on a place that does not exist."""

    def start(self) -> None:  # noqa: B027 - not every driver has a server
        """Start the server; may skip with a reason where it cannot be had."""

    def stop(self) -> None:  # noqa: B027 - not every driver has a server
        """Stop the server and remove what it left."""

    async def cleanup(self) -> None:  # noqa: B027 - often there is nothing
        """Remove what ``make`` made for one case; the buckets are closed already."""

    def url(self) -> str | None:
        """Return a URL with which another process opens the place that was made last.

        ``None`` where another process cannot: cases with processes are skipped then.
        """
        return None

    def environment(self) -> Mapping[str, str]:
        """Return what such a process needs in its environment."""
        return {}

    def leftovers(self) -> list[str]:
        """Return what the place that was made last has beside objects: parts, temporary files.

        Called when no writer is at work.
        """
        return []

    async def restart(self) -> None:
        """Kill the server, start it again with its data; only if ``server`` is declared."""
        raise lacking(self, "server", "restart")

    async def send(
        self, method: str, url: str, content: bytes | None = None, content_type: str | None = None
    ) -> httpx.Response:
        """Use a signed URL, as somebody without credentials would."""
        import httpx

        headers = {} if content_type is None else {"content-type": content_type}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, url, content=content, headers=headers)
