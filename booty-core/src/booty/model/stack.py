"""booty.toml, read: every key typed, every default filled in, nothing resolved yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.model.component import Probe
    from booty.model.source import Source

__all__ = [
    "MOST_REPLICAS",
    "Backoff",
    "LogPolicy",
    "NeedSpec",
    "PortSpec",
    "ProgramSource",
    "Reload",
    "RoleSpec",
    "ServiceSpec",
    "StackSpec",
    "nearest_replicas",
]

MOST_REPLICAS: Final = 200
"""Instances of one service and role, at most.

Each knows all others, so that a plan of so many grows with the square of their number: of twice as
many it takes a minute to make. And it is as many as booty is measured with on one machine.
"""


def nearest_replicas(number: int, allowed: Sequence[int]) -> tuple[int, str]:
    """Return the number of instances that is allowed and nearest to one asked for.

    Args:
        number: what was asked for.
        allowed: the numbers that a component allows; none = any up to :data:`MOST_REPLICAS`.

    Returns:
        The number, the same if it is allowed, and what is allowed in words.
    """
    some = allowed or range(1, MOST_REPLICAS + 1)
    words = ", ".join(map(str, allowed)) or f"1 to {MOST_REPLICAS}"
    return number if number in some else min(some, key=lambda one: abs(one - number)), words


@frozen(kw_only=True)
class PortSpec:
    """A port as asked for: ``None`` = the component's own wish, 0 = any free one."""

    port: int | None = None
    exact: bool = False
    scheme: str = ""
    protocol: str = ""
    socket: bool | None = None


@frozen(kw_only=True)
class NeedSpec:
    """One entry of ``needs``; ``until`` is empty for "what fits the kind" (ready, a task: done)."""

    service: str
    until: str = ""
    of: str = "all"
    restart: bool = False


@frozen(kw_only=True)
class Backoff:
    """Restart delays in seconds; the first restart after a quiet time is at once."""

    next: float = 0.5
    factor: float = 2.0
    max: float = 30.0
    reset: float = 60.0
    give_up: int = 10


@frozen(kw_only=True)
class Reload:
    """How a program takes a new configuration: a signal's name, or a command."""

    signal: str = ""
    exec: tuple[str, ...] = ()


@frozen(kw_only=True)
class LogPolicy:
    """When a log is rotated (bytes, seconds) and how many segments are kept."""

    size: int = 64 * 1024 * 1024
    age: float = 7 * 86400.0
    keep: int = 5


@frozen(kw_only=True)
class ProgramSource:
    """Where the user's own program comes from: the table ``source`` of ``use = "program"``.

    Attributes:
        source: what the table says; an empty ``member`` is the service's name.
        mark: 8 hex digits that tell it from other sources of programs with the same name.
        older_on_newer: whether an older version may be started on data that a newer one wrote.
    """

    source: Source
    mark: str
    older_on_newer: bool = False


@frozen(kw_only=True)
class RoleSpec:
    """``[services.S.roles.R]``: what differs for one role of a service."""

    replicas: int | None = None
    settings: Mapping[str, Any] = Factory(dict)
    config: Mapping[str, Any] = Factory(dict)
    ports: Mapping[str, PortSpec] = Factory(dict)
    env: Mapping[str, str] = Factory(dict)
    limits: Mapping[str, int] = Factory(dict)
    grace: float | None = None


@frozen(kw_only=True)
class ServiceSpec:
    """One table under ``[services]``. Strings still hold ``${…}``; durations are in seconds.

    Sizes are in bytes. ``None`` means "not said": the component's own value, then core's default,
    holds. ``extra`` keeps the keys that are not core's own, for the component's links and resources
    to claim.
    """

    name: str
    use: str
    version: str = ""
    engine: str = ""
    source: str | ProgramSource = ""
    binary: str = ""
    replicas: int | None = None
    enabled: bool = True
    critical: bool = False
    kind: str | None = None
    ports: Mapping[str, PortSpec] = Factory(dict)
    bind: str = "127.0.0.1"
    settings: Mapping[str, Any] = Factory(dict)
    config: Mapping[str, Any] = Factory(dict)
    roles: Mapping[str, RoleSpec] = Factory(dict)
    run: str | tuple[str, ...] | None = None
    cwd: str = ""
    env: Mapping[str, str] = Factory(dict)
    env_file: tuple[str, ...] = ()
    pass_env: tuple[str, ...] = ()
    secrets: Mapping[str, str] = Factory(dict)
    secrets_as: str = "env"
    ready: Probe | None = None
    ready_timeout: float | None = None
    live: Probe | None = None
    needs: tuple[NeedSpec, ...] = ()
    restart: str | None = None
    backoff: Backoff = Factory(Backoff)
    reload: Reload | None = None
    stop_signal: str | None = None
    grace: float | None = None
    exit_codes: tuple[int, ...] = ()
    watch: tuple[str, ...] = ()
    limits: Mapping[str, int] = Factory(dict)
    umask: str = "022"
    stdin: str = "/dev/null"
    labels: Mapping[str, str] = Factory(dict)
    log: LogPolicy = Factory(LogPolicy)
    offers: str = ""
    url: str = ""
    extra: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class StackSpec:
    """A whole booty.toml with its layers laid over one another.

    Attributes:
        name: the label; by default the folder's name.
        root: absolute path of the folder of booty.toml.
        state_dir: absolute path of the state folder.
        lifetime: ``outlive-me``, ``die-with-me`` or empty = by how it is started.
        services: by name, in the file's order; disabled ones included.
        mirrors: base-URL overrides by host, ``*`` for all.
        tokens: what private releases are asked with, by host: ``secret://NAME`` or
            ``${env.NAME}``, never a value.
        secrets: the backend's name, empty = the user's default.
        requires: version range of booty that the file asks for.
        profiles: names of the profiles laid over it.
        variants: names of the other profiles that the file has.
        origins: where each dotted key's value came from (``booty.toml``, ``booty.local.toml``,
            ``profile ha``, ``--…``, ``BOOTY_…``), for ``config``.
        file: absolute path of the booty.toml that was read; empty in tests.
    """

    name: str
    root: str
    state_dir: str
    lifetime: str = ""
    services: Mapping[str, ServiceSpec] = Factory(dict)
    mirrors: Mapping[str, str] = Factory(dict)
    tokens: Mapping[str, str] = Factory(dict)
    secrets: str = ""
    requires: str = ""
    profiles: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    origins: Mapping[str, str] = Factory(dict)
    file: str = ""
