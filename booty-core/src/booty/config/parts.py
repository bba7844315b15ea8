"""The small tables inside a service: ports, needs, probes, limits and the like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from booty.config.kinds import As, Choice, Flag, Kind, Pattern, ServiceName, Signal, Text
from booty.config.numbers import Duration, Number, Size, Whole
from booty.config.reading import At, Reading
from booty.config.tables import Either, Key, ListOf, MapOf, Table, command
from booty.model.component import Probe
from booty.model.stack import Backoff, LogPolicy, NeedSpec, PortSpec, Reload

__all__ = [
    "BACKOFF",
    "BACKOFF_KEYS",
    "EXCLUSIVE",
    "LIMITS",
    "LIMITS_KEYS",
    "LIVE",
    "LIVE_KEYS",
    "LOG",
    "LOG_KEYS",
    "NAME",
    "NEED",
    "NEED_KEYS",
    "PORT",
    "PORT_KEYS",
    "READY",
    "READY_KEYS",
    "RELOAD",
    "RELOAD_KEYS",
    "VARIABLE",
    "by_name",
    "named",
    "variables",
]

NAME: Final = "^[a-z][a-z0-9-]*$"
"""What services, profiles, roles and ports are called."""
VARIABLE: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
_PROBES: Final = ("tcp", "http", "log", "exec", "file", "notify")

EXCLUSIVE: Final[Mapping[str, frozenset[str]]] = {
    "ready": frozenset(_PROBES),
    "live": frozenset(_PROBES),
    "reload": frozenset(("signal", "exec")),
    "source": frozenset(("release", "wheel", "go", "path", "url")),
}
"""Service keys that are a table of one: a layer that names another one takes its place."""


def by_name(keys: Iterable[Key]) -> Mapping[str, Key]:
    """Return keys by their names."""
    return {key.name: key for key in keys}


def named(kind: Kind, sample: str) -> Kind:
    """Return a table whose keys are names of ours."""
    return MapOf(kind, NAME, 'a name of lower-case letters, digits and "-"', sample=sample)


def variables(kind: Kind, sample: str = "LEVEL") -> Kind:
    """Return a table whose keys are names of variables."""
    return MapOf(kind, VARIABLE, "the name of a variable", sample=sample)


PORT_KEYS: Final = by_name((
    Key("port", Whole(0, 65535), "the number; 0 = any free one", "the component's own"),
    Key("exact", Flag(), "never moved when the number is busy", "false"),
    Key(
        "scheme",
        Text("^[a-z][a-z0-9+.-]*$", "the scheme of a URL", "http"),
        "scheme of its URL",
        "its name if that is a known scheme, else its protocol",
    ),
    Key(
        "protocol",
        Choice(("tcp", "udp")),
        'with use = "program": what it speaks',
        "udp if its scheme or name is that, else tcp",
    ),
    Key(
        "socket",
        Flag(),
        "booty binds it and hands the socket over (systemd's LISTEN_FDS, named as the port):"
        " nothing is refused while the program is restarted",
        "the component's",
    ),
))  # fmt: skip


def _port_rule(fields: Mapping[str, Any], at: At, reading: Reading) -> None:
    if fields.get("exact") and fields.get("port") == 0:
        hint = "write the number, or leave out exact"
        reading.value(at, fields, "any free port cannot be exact", hint=hint)


PORT: Final = Either((
    As(Whole(0, 65535), lambda number: PortSpec(port=number)),
    Table(PORT_KEYS, PortSpec, check=_port_rule),
))  # fmt: skip

NEED_KEYS: Final = by_name((
    Key("service", ServiceName(NAME, "the name of a service", "bus", template=False),
        "the service waited for", required=True),
    Key("until", Choice(("started", "ready", "good", "done")), "what it must have reached",
        '"ready"; a task: "done"'),
    Key("of", Choice(("all", "any", "quorum")), "how many of its instances", '"all"'),
    Key("restart", Flag(), "a restart of it restarts this one", "false"),
))  # fmt: skip

NEED: Final = Either((
    As(NEED_KEYS["service"].kind, lambda name: NeedSpec(service=name)),
    Table(NEED_KEYS, NeedSpec),
))  # fmt: skip

READY_KEYS: Final = by_name((
    Key("tcp", Text("[^ ]", "host:port, or the name of a port", "127.0.0.1:${ports.http}"),
        "a connection is accepted"),
    Key("http", Text("[^ ]", "a URL, or port-name/path", "http://127.0.0.1:${ports.http}/healthz"),
        "an address that answers with an accepted status"),
    Key("log", Pattern(), "regular expression that a line of its log holds"),
    Key("exec", command(), "a command that ends with 0; a string is a shell line"),
    Key("file", Text("[^ ]", "a path", "${dirs.run}/ready"),
        "a path: made or written by this start; in `live`: there"),
    Key("notify", Flag(only=True), "the program says READY=1, in `live` WATCHDOG=1 (sd_notify)"),
    Key("first-bytes", Text("[^ ]", "text", "INFO"), "with tcp: what it must send first"),
    Key("status", ListOf(Whole(100, 599), single=True), "with http: accepted statuses",
        "200 to 399"),
    Key("body", Pattern(), "with http: regular expression that the answer holds"),
    Key("timeout", Duration(), "how long one look may take", '"5s"'),
))  # fmt: skip

LIVE_KEYS: Final = by_name((
    *READY_KEYS.values(),
    Key("interval", Duration(), "time between looks"),
    Key("failures", Whole(1), "failed looks in a row after which it is restarted", "3"),
))  # fmt: skip

_BESIDE: Final = {"first_bytes": "tcp", "status": "http", "body": "http"}


def _probe_rule(fields: Mapping[str, Any], at: At, reading: Reading) -> None:
    for name, kind in _BESIDE.items():
        if name in fields and kind not in fields:
            key = name.replace("_", "-")
            why = f'it says nothing without "{kind}"'
            reading.value((*at, key), fields[name], why, hint=f"remove {key}")


READY: Final = Table(READY_KEYS, Probe, one_of=_PROBES, check=_probe_rule)
LIVE: Final = Table(LIVE_KEYS, Probe, one_of=_PROBES, check=_probe_rule)


BACKOFF_KEYS: Final = by_name((
    Key("next", Duration(), "delay before the second restart in a row", '"500ms"'),
    Key("factor", Number(1), "what each further delay is multiplied by", "2"),
    Key("max", Duration(), "longest delay", '"30s"'),
    Key("reset", Duration(), "quiet time after which counting begins anew", '"60s"'),
    Key("give-up", Whole(1), "restarts in a row before it counts as failed", "10"),
))  # fmt: skip

RELOAD_KEYS: Final = by_name((
    Key("signal", Signal(), "sent to the program"),
    Key("exec", command(), "a command that makes it reload; a string is a shell line"),
))  # fmt: skip

LIMITS_KEYS: Final = by_name((
    Key("nofile", Whole(0), "open files"),
    Key("nproc", Whole(0), "processes of the user"),
    Key("core", Size(), "size of a core file"),
    Key("memlock", Size(), "locked memory"),
    Key("as", Size(), "address space"),
    Key("fsize", Size(), "size of a file"),
))  # fmt: skip

LOG_KEYS: Final = by_name((
    Key("size", Size(), "bytes from which it is rotated", '"64MiB"'),
    Key("age", Duration(), "time after which lines are rotated, and segments removed", '"7d"'),
    Key("keep", Whole(0), "compressed segments that are kept", "5"),
))  # fmt: skip

BACKOFF: Final = Table(BACKOFF_KEYS, Backoff)
RELOAD: Final = Table(RELOAD_KEYS, Reload, one_of=("signal", "exec"))
LIMITS: Final = Table(LIMITS_KEYS)
LOG: Final = Table(LOG_KEYS, LogPolicy)
