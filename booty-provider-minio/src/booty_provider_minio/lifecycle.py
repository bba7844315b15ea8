"""Rules by which objects go, as S3 takes them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty_provider_minio.resources import Bucket, Rule

__all__ = ["rules"]

_DAY: Final = 86400


def rules(bucket: Bucket) -> list[dict[str, Any]]:
    """Return the rules of a bucket."""
    return [_rule(name, one) for name, one in bucket.lifecycle.items()]


def _rule(name: str, rule: Rule) -> dict[str, Any]:
    days = {
        "Expiration": ("Days", rule.expire_after),
        "NoncurrentVersionExpiration": ("NoncurrentDays", rule.expire_versions_after),
    }
    times = {key: {unit: round(time / _DAY)} for key, (unit, time) in days.items() if time}
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": rule.prefix}, **times}
