"""What ``settings`` of an S3 service may hold. Data only."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["FeedSettings", "Settings"]

_DURATION = {"unit": "duration"}


@frozen(kw_only=True)
class Settings:
    """Settings of an S3 server, whatever its engine.

    Attributes:
        drives: folders that each server spreads objects over, made by booty in its data folder; 1,
            or 4 to 16 with erasure coding.
        paths: folders of your own instead, absolute and there already: one for each drive of a
            single server.
        tls: whether the server talks HTTPS, with a certificate of the stack's own authority.
        relies_on: what your programs rely on and no other key says: an engine that lacks one of
            these is refused. One of the features of the reference page.
        events_way: how changes are heard of: ``nats``, ``webhook``, ``listing``; empty = the best
            that the engine has.
        events_interval: seconds between two looks for changes, where the engine does not tell; else
            for buckets that nobody declared.
        events_listing: seconds between two looks for what an engine that tells has not told; 0 =
            none.
        events_window: seconds in which a change that is told twice is stored once.
    """

    drives: int = field(default=1, metadata={"others": (4,)})
    paths: tuple[str, ...] = field(default=(), metadata={"others": (("/srv/objects",),)})
    tls: bool = False
    relies_on: tuple[str, ...] = field(
        default=(), metadata={"unseen": "the engine has it, or is refused"}
    )
    events_way: str = field(default="", metadata={"others": ("webhook", "nats")})
    events_interval: float = field(default=5.0, metadata=_DURATION | {"others": ("7s",)})
    events_listing: float = field(default=600.0, metadata=_DURATION | {"others": ("7m",)})
    events_window: float = field(default=3600.0, metadata=_DURATION | {"others": ("7m",)})

    @property
    def hooked(self) -> bool:
        """Whether servers tell their changes to the feed itself, by HTTP or HTTPS."""
        return self.events_way == "webhook"


@frozen(kw_only=True)
class FeedSettings(Settings):
    """Settings of the process that tells changes: those of the service, and whose they are.

    Attributes:
        engine: the engine of the service; set by its roles.
    """

    engine: str = field(default="", metadata={"unseen": "the roles say it, not the file"})
