"""``open_bucket``: a URL becomes a bucket."""

from __future__ import annotations

from typing import Final

from booty.clients.bucket.face import Bucket
from booty.clients.drivers import find
from booty.clients.location import Parameter

__all__ = ["COMMON", "open_bucket"]

COMMON: Final = (
    Parameter(name="prefix", about="Only keys below this prefix, and without it."),
    Parameter(name="key", about="This object alone, whatever key is asked for."),
)


def open_bucket(url: str) -> Bucket:
    """Return the bucket of a URL; it connects at ``async with`` or at its first call.

    Args:
        url: ``mem://``, ``file:///folder``, ``s3://bucket``, or a scheme that another distribution
            adds; see ``docs/reference/clients.md``. ``prefix=`` and ``key=`` work for all.

    Raises:
        InvalidArgumentError: an unknown scheme, unknown or wrong parameters, a place that cannot
            be: all that is wrong at once.
        ProviderError: the distribution that has the scheme is broken.
    """
    location, driver = find("bucket", url, COMMON)
    bucket = Bucket(driver, location.shown)
    prefix, key = location.parameters["prefix"], location.parameters["key"]
    view = bucket.prefixed(prefix) if prefix else bucket
    return view.single(key) if key else view
