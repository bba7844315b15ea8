"""Uploads in parts that end without an object."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

__all__ = ["given_up"]

_PATIENCE: Final = 5.0
"""Seconds that somebody who gives up waits for a server that may be why."""


async def given_up(client: Any, upload: dict[str, Any]) -> None:
    """Remove what arrived of an upload, in a cancelled scope, too.

    A server that is gone keeps it; ``docs/reference/clients.md`` says how it is removed then.

    Args:
        client: aiobotocore's.
        upload: ``Bucket Key UploadId``.
    """
    import anyio

    # whoever gives up tells what made it do so, not that the server could not be told
    with anyio.move_on_after(_PATIENCE, shield=True), suppress(Exception):
        await client.abort_multipart_upload(**upload)
