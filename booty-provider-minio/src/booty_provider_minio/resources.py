"""What ``bootstrap`` can make inside an S3 service, as it is written in booty.toml. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

__all__ = ["Bucket", "Rule"]

_SIZE = {"unit": "size"}
_DURATION = {"unit": "duration"}


@frozen(kw_only=True)
class Rule:
    """``[services.S.buckets.NAME.lifecycle.RULE]``: what goes after a time. S3 counts in days.

    Attributes:
        prefix: only keys that begin with it; none = all.
        expire_after: seconds after which objects go; 0 = never.
        expire_versions_after: seconds after which former versions go; 0 = never.
        abort_uploads_after: seconds after which an unfinished upload goes; 0 = never.
    """

    prefix: str = ""
    expire_after: float = field(default=0.0, metadata=_DURATION)
    expire_versions_after: float = field(default=0.0, metadata=_DURATION)
    abort_uploads_after: float = field(default=0.0, metadata=_DURATION)


@frozen(kw_only=True)
class Bucket:
    """``[services.S.buckets.NAME]``, or one of ``buckets = ["NAME"]``.

    Attributes:
        versioning: whether former versions of objects are kept.
        quota: bytes it may hold; none = any number.
        lifecycle: rules by name.
    """

    versioning: bool = False
    quota: int | None = field(default=None, metadata=_SIZE)
    lifecycle: Mapping[str, Rule] = Factory(dict)
