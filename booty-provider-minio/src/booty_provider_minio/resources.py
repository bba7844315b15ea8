"""What ``bootstrap`` can make inside an S3 service, as it is written in booty.toml. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import Factory, field, frozen

__all__ = ["Bucket", "Events", "Policy", "Rule", "User"]

_SIZE = {"unit": "size"}
_DURATION = {"unit": "duration"}


@frozen(kw_only=True)
class Rule:
    """``[services.S.buckets.NAME.lifecycle.RULE]``: what goes after a time. S3 counts in days.

    Attributes:
        prefix: only keys that begin with it; none = all.
        expire_after: seconds after which objects go; 0 = never.
        expire_versions_after: seconds after which former versions go; 0 = never.
    """

    prefix: str = ""
    expire_after: float = field(default=0.0, metadata=_DURATION)
    expire_versions_after: float = field(default=0.0, metadata=_DURATION)


@frozen(kw_only=True)
class Events:
    """``events`` of ``[services.S.buckets.NAME]``: of which keys changes are told.

    Attributes:
        prefix: only keys that begin with it; none = all.
        suffix: only keys that end with it; none = all.
    """

    prefix: str = ""
    suffix: str = ""


@frozen(kw_only=True)
class Bucket:
    """``[services.S.buckets.NAME]``, or one of ``buckets = ["NAME"]``.

    Attributes:
        versioning: whether former versions of objects are kept.
        quota: bytes it may hold; none = any number.
        lifecycle: rules by name.
        events: whether its changes are told, or those of which keys, if those of the service are.
    """

    versioning: bool = False
    quota: int | None = field(default=None, metadata=_SIZE)
    lifecycle: Mapping[str, Rule] = Factory(dict)
    events: bool | Events = True


@frozen(kw_only=True)
class Policy:
    """``[services.S.policies.NAME]``: what may be done, for users to refer to.

    Attributes:
        buckets: names of buckets; none = all of them.
        prefix: only keys that begin with it; none = all.
        access: ``read``, ``write`` or ``read-write``.
    """

    buckets: tuple[str, ...] = ()
    prefix: str = ""
    access: Literal["read", "write", "read-write"] = "read"


@frozen(kw_only=True)
class User:
    """``[services.S.users.NAME]``: what a key may do. Without it, a consumer may use what is there.

    Attributes:
        policies: names of declared policies; all that they allow together.
        password: its secret, such as ``${env.PARTNER_SECRET}``, for somebody who is no consumer of
            the service; consumers have one of their own.
    """

    policies: tuple[str, ...] = ()
    password: str = ""
