"""The rule by which a server of MinIO's kind tells of a bucket, on the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty_provider_minio.session import Refused, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty_provider_minio.feed.choice import Choice

__all__ = ["ensure", "rule"]


def rule(arn: str, choice: Choice) -> dict[str, Any]:
    """Return the rule by which changes of some keys of a bucket are told to a target."""
    kinds = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    return {"QueueArn": arn, "Events": kinds, **choice.filter()}


async def ensure(client: Any, bucket: str, arn: str, choice: Choice) -> None:
    """Let a bucket be told that has no such rule, or has lost it; its other rules are kept.

    Raises:
        Unreachable: the server said nothing.
    """
    try:
        found = await ask(client.get_bucket_notification_configuration(Bucket=bucket))
        rules = found.get("QueueConfigurations", [])
        if any(one["QueueArn"] == arn for one in rules):
            return
        await ask(
            client.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration=_with(found, rule(arn, choice))
            )
        )
    except Refused as error:
        # its changes are found by listing alone
        print(f"feed: {bucket} is not told: {error}", flush=True)  # noqa: T201 - log


def _with(found: Mapping[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    kinds = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
    kept = {kind: list(found[kind]) for kind in kinds if kind in found}
    return {**kept, "QueueConfigurations": [*kept.get("QueueConfigurations", []), one]}
