"""What ``settings`` of an S3 service may hold. Data only."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Settings"]


@frozen(kw_only=True)
class Settings:
    """Settings of an S3 server, whatever its engine.

    Attributes:
        relies_on: what your programs rely on and no other key says: an engine that lacks one of
            these is refused. One of the features of the reference page.
    """

    relies_on: tuple[str, ...] = ()
