"""What an engine would refuse, or not do, refused in the plan. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from booty import BootyErrors, ConfigError, Secret

from booty_provider_minio import engines, events
from booty_provider_minio.feed import choice
from booty_provider_minio.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from booty import Instance

    from booty_provider_minio.resources import Bucket

__all__ = ["check"]

_BUCKET: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_RULE: Final = "3 to 63 lower-case letters, digits, - and ., as S3 has it"
_DAY: Final = 86400
_RESERVED: Final = "booty-"
_PEOPLE: Final = "user"
_REFERENCE: Final = str(Secret("x", 1)).partition("x")[0]
"""What the reference to a secret begins with."""
_FEWEST, _MOST = 4, 16
_USUAL: Final = Settings()
_HEARD: Final = ("events_way", "events_interval", "events_listing", "events_window")
"""What says how changes are heard of."""


def check(instance: Instance) -> None:
    """Refuse what cannot be, all of it at one time.

    Raises:
        ConfigError: one thing that the engine would refuse or lacks.
        BootyErrors: several.
    """
    faults = [
        *_settings(instance),
        *_way(instance),
        *_unheard(instance),
        *_drives(instance),
        *_buckets(instance),
        *_users(instance),
        *_events(instance),
        *_lacking(instance),
    ]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise BootyErrors(faults)


def _settings(instance: Instance) -> Iterator[ConfigError]:
    for feature in instance.settings.relies_on:
        if feature not in engines.FEATURES:
            why = f"there is {', '.join(engines.FEATURES)}"
            yield _bad(instance, "settings.relies-on", feature, why)


def _way(instance: Instance) -> Iterator[ConfigError]:
    way, engine = instance.settings.events_way, engines.of(instance)
    if way and way not in engine.ways:
        why = f"{engine.name} has {', '.join(engine.ways)}"
        if way in engines.WAYS:
            why += f"; {' and '.join(engines.with_way(way))} have it"
        yield _bad(instance, "settings.events-way", way, why)


def _unheard(instance: Instance) -> Iterator[ConfigError]:
    told = [one for one in _HEARD if getattr(instance.settings, one) != getattr(_USUAL, one)]
    if instance.settings.events_way not in engines.of(instance).ways:  # told already
        told = [one for one in told if one != "events_way"]
    why = f'nobody listens: add {events.LINK} = "…"' if events.LINK not in instance.links else ""
    if not why and not events.arn(instance):
        told = [one for one in told if one == "events_listing"]
        why = "it does not tell of its changes, so it is looked at each events-interval"
    for name in told if why else ():
        value = getattr(instance.settings, name)
        yield _bad(instance, f"settings.{name.replace('_', '-')}", value, why)


def _drives(instance: Instance) -> Iterator[ConfigError]:
    settings: Settings = instance.settings
    if not (settings.drives == 1 or _FEWEST <= settings.drives <= _MOST):
        yield _bad(instance, "settings.drives", settings.drives, f"1, or {_FEWEST} to {_MOST}")
    if not settings.paths:
        return
    for path in settings.paths:
        if not path.startswith("/"):
            yield _bad(instance, "settings.paths", path, "it must begin with /")
    if instance.replicas > 1:
        why = "several servers have drives of booty's own"
        yield _bad(instance, "settings.paths", ", ".join(settings.paths), why)
    elif len(settings.paths) != settings.drives:
        why = f"drives = {settings.drives}, so there must be as many"
        yield _bad(instance, "settings.paths", ", ".join(settings.paths), why)


def _users(instance: Instance) -> Iterator[ConfigError]:
    policies = instance.resources.get("policies", {})
    buckets = instance.resources.get("buckets", {})
    consumers = {one.name for one in instance.consumers}
    for name, policy in policies.items():
        for bucket in policy.buckets:
            if bucket not in buckets:
                yield _bad(instance, f"policies.{name}.buckets", bucket, _there(buckets, "bucket"))
    for name, user in instance.resources.get("users", {}).items():
        if name == _PEOPLE:
            yield _bad(instance, f"users.{name}", name, "it is what people are, and may do all")
        for policy in user.policies:
            if policy not in policies:
                yield _bad(instance, f"users.{name}.policies", policy, _there(policies, "policy"))
        if bool(user.password) == (name in consumers):
            why = (
                "it uses the service, and has a secret already"
                if user.password
                else ('no service of this name uses it, so it needs password = "${env.…}"')
            )
            yield _bad(instance, f"users.{name}.password", name, why)
        elif user.password and _REFERENCE not in user.password:
            why = 'it would stand in the file as it is; write "${env.…}"'
            yield _bad(instance, f"users.{name}.password", "…", why)


def _there(known: Collection[str], what: str) -> str:
    return f"there is {', '.join(known)}" if known else f"no {what} is declared"


def _buckets(instance: Instance) -> Iterator[ConfigError]:
    for name, bucket in instance.resources.get("buckets", {}).items():
        path = f"buckets.{name}"
        if not _BUCKET.fullmatch(name) or _is_address(name):
            yield _bad(instance, path, name, _RULE)
        elif name.startswith(_RESERVED):
            yield _bad(instance, path, name, f'names with "{_RESERVED}" belong to booty')
        elif "." in name and not engines.of(instance).dots:
            yield _bad(instance, path, name, f'{engines.of(instance).name} takes no "."')
        for key, value, why in _wrong(bucket):
            yield _bad(instance, f"{path}.{key}", value, why)


def _events(instance: Instance) -> Iterator[ConfigError]:
    for name, bucket in instance.resources.get("buckets", {}).items():
        chosen, path = choice.choose(bucket), f"buckets.{name}.events"
        if chosen != choice.ALL and events.LINK not in instance.links:
            why = 'the service tells no changes: write events = "NATS SERVICE" there first'
            yield _bad(instance, path, name, why)
        for key, value, why in choice.wrong(chosen or choice.ALL):
            yield _bad(instance, f"{path}.{key}", value, why)


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _wrong(bucket: Bucket) -> Iterator[tuple[str, Any, str]]:
    if bucket.quota is not None and bucket.quota <= 0:
        yield "quota", bucket.quota, "it is a size from 1 byte"
    for name, rule in bucket.lifecycle.items():
        times = {
            "expire-after": rule.expire_after,
            "expire-versions-after": rule.expire_versions_after,
        }
        for key, seconds in times.items():
            if seconds % _DAY:
                yield f"lifecycle.{name}.{key}", f"{seconds:g}s", 'S3 counts in days: "7d"'
        if not any(times.values()):
            yield f"lifecycle.{name}", name, f"it does nothing; it has {', '.join(times)}"


def _asked(instance: Instance) -> Iterator[tuple[str, str]]:
    """Yield each feature that a service asks for, and where."""
    for feature in instance.settings.relies_on:
        if feature in engines.FEATURES:
            yield feature, "settings.relies-on"
    if instance.settings.drives > 1:
        yield "erasure", "settings.drives"
    for key in ("policies", "users"):
        for name in instance.resources.get(key, {}):
            yield key, f"{key}.{name}"
    for name, bucket in instance.resources.get("buckets", {}).items():
        for feature, key, wanted in (
            ("versioning", "versioning", bucket.versioning),
            ("quotas", "quota", bucket.quota is not None),
            ("lifecycle", "lifecycle", bucket.lifecycle),
        ):
            if wanted:
                yield feature, f"buckets.{name}.{key}"


def _lacking(instance: Instance) -> Iterator[ConfigError]:
    engine = engines.of(instance)
    for feature, path in _asked(instance):
        if feature not in engine.has:
            where = f"services.{instance.service}.{path}"
            yield ConfigError(
                f'cannot have "{feature}" in {where}: the engine "{engine.name}" lacks it',
                reference="minio-engine-lacks",
                subject=where,
                hint=_who_has(feature),
            )


def _who_has(feature: str) -> str:
    names = engines.having(feature)
    if not names:
        return "no engine has it yet; leave it out"
    return "write " + " or ".join(f'engine = "{name}"' for name in names)


def _bad(instance: Instance, path: str, value: object, why: str) -> ConfigError:
    return ConfigError(
        f'cannot use "{value}" for {path.rpartition(".")[2]}: {why}',
        reference="minio-setting" if path.startswith("settings.") else "minio-resource",
        subject=f"services.{instance.service}.{path}",
        hint=f"change {path} of [services.{instance.service}]",
    )
