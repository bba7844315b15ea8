"""What NATS would refuse at the start or in ``bootstrap``, refused in the plan. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from booty import BootyErrors, ConfigError

from booty_provider_nats import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty import Instance

    from booty_provider_nats.settings import Settings

__all__ = ["check", "duration", "sync_interval"]

_SHORTEST_LAME_DUCK: Final = 30.0
_LARGEST_PAYLOAD: Final = 64 * 1024 * 1024
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]*")
_SYNC: Final = re.compile(r"(?:\d+(?:ms|s|m|h|d))+")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NAMES: Final = {
    "streams": names.STREAM,
    "consumers": names.STREAM,
    "kv": names.BUCKET,
    "objects": names.BUCKET,
}
_MOST_HISTORY: Final = 64


def check(instance: Instance) -> None:
    """Refuse what cannot be, all of it at one time.

    Raises:
        ConfigError: one setting or resource that NATS would refuse.
        BootyErrors: several.
    """
    faults = [*_settings(instance), *_resources(instance)]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise BootyErrors(faults)


def duration(seconds: float) -> str:
    """Return a time as NATS writes it."""
    return f"{round(seconds * 1000)}ms"


def sync_interval(text: str) -> str | None:
    """Return the setting as NATS writes it, which knows no days; ``None`` if it is no time."""
    if text == "always":
        return text
    if not _SYNC.fullmatch(text):
        return None
    seconds = sum(int(n) * _SECONDS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhd])", text))
    if not seconds:
        return None
    return duration(seconds) if "d" in text else text


def _settings(instance: Instance) -> Iterator[ConfigError]:
    settings: Settings = instance.settings
    for key, value, fits, why in (
        ("domain", settings.domain, _DOMAIN.fullmatch(settings.domain),
         "letters, digits, - and _ only"),
        ("sync-interval", settings.sync_interval, sync_interval(settings.sync_interval),
         'it is a duration such as "10s", or "always"'),
        ("max-payload", settings.max_payload, 0 < settings.max_payload <= _LARGEST_PAYLOAD,
         "NATS takes 1 byte to 64 MiB"),
        ("max-connections", settings.max_connections, settings.max_connections > 0,
         "it is a number from 1"),
        ("lame-duck-duration", duration(settings.lame_duck_duration),
         settings.lame_duck_duration >= _SHORTEST_LAME_DUCK, "NATS takes 30 seconds or more"),
        ("lame-duck-grace-period", duration(settings.lame_duck_grace_period),
         0 <= settings.lame_duck_grace_period < settings.lame_duck_duration,
         "it must be shorter than lame-duck-duration"),
    ):  # fmt: skip
        if not fits:
            yield _bad(instance.service, f"settings.{key}", value, why)


def _resources(instance: Instance) -> Iterator[ConfigError]:
    for kind, (form, rule) in _NAMES.items():
        for name, declared in instance.resources.get(kind, {}).items():
            if not re.fullmatch(form, name):
                yield _bad(instance.service, f"{kind}.{name}", name, rule)
            for key, value, why in _wrong(declared, instance.replicas):
                yield _bad(instance.service, f"{kind}.{name}.{key}", value, why)


def _wrong(declared: Any, servers: int) -> Iterator[tuple[str, Any, str]]:
    form, rule = names.PATTERN
    for subject in getattr(declared, "subjects", ()):
        if not re.fullmatch(form, subject):
            yield "subjects", subject, rule
    if not 0 <= declared.replicas <= servers:
        why = f"there {'is 1 server' if servers == 1 else f'are {servers} servers'}"
        yield "replicas", declared.replicas, why
    if not 1 <= getattr(declared, "history", 1) <= _MOST_HISTORY:
        yield "history", declared.history, f"NATS keeps 1 to {_MOST_HISTORY} values of a key"


def _bad(service: str, path: str, value: object, why: str) -> ConfigError:
    key = path.rpartition(".")[2]
    return ConfigError(
        f'cannot use "{value}" for {key}: {why}',
        reference="nats-setting" if path.startswith("settings.") else "nats-resource",
        subject=f"services.{service}.{path}",
        hint=f"change {path} of [services.{service}]",
    )
