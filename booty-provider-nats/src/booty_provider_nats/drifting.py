"""What a running server holds otherwise than it is declared. Looks, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty import HealthError

from booty_provider_nats.api import ApiError, JetStream
from booty_provider_nats.making import same, wanted
from booty_provider_nats.session import as_consumer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty import Service

__all__ = ["differences"]


async def differences(service: Service) -> list[str]:
    """Return a line for each declared stream, consumer or bucket that is missing, or otherwise.

    Raises:
        HealthError: JetStream did not answer.
    """
    instance = service.instances[0]
    declared = wanted(instance)
    if not declared:
        return []
    found: list[str] = []
    async with as_consumer(instance) as connection:
        jetstream = JetStream(connection)
        for one in declared:
            path = one.path.partition(".")[2].partition(".")[2]
            try:
                there = await jetstream.info(one.info)
            except ApiError as error:
                raise _fault(service.name, error) from error
            found += _lines(path, one.config, there and there["config"])
    return found


def _lines(path: str, declared: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [f"{path} is not there"]
    return list(_otherwise(path, declared, found))


def _otherwise(path: str, declared: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in declared.items():
        if not same(value, found.get(key)):
            # durations are in nanoseconds, as NATS has them
            yield f"{path}: {key} is {_said(found.get(key))}, declared {_said(value)}"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value) or "none"
    if isinstance(value, dict):
        return str(value.get("name", "otherwise"))
    return "none" if value in (None, "") else str(value).lower()


def _fault(service: str, error: ApiError) -> HealthError:
    return HealthError(
        f'cannot look at "{service}": {error.description}',
        reference="nats-no-look",
        subject=f"services.{service}",
        hint=f"booty health {service}",
    )
