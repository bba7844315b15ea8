"""Every key of booty.toml, in one place: what it holds, what it does, what it is by default.

The reader, the JSON Schema and ``docs/reference/booty-toml.md`` are all made from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from booty.config.kinds import Choice, EarlyText, Flag, Raw, Signal, Text
from booty.config.numbers import Duration, Whole
from booty.config.parts import (
    BACKOFF,
    BACKOFF_KEYS,
    LIMITS,
    LIMITS_KEYS,
    LIVE,
    LIVE_KEYS,
    LOG,
    LOG_KEYS,
    NAME,
    NEED,
    NEED_KEYS,
    PORT,
    PORT_KEYS,
    READY,
    READY_KEYS,
    RELOAD,
    RELOAD_KEYS,
    VARIABLE,
    by_name,
    named,
    variables,
)
from booty.config.reading import At, Reading, missing_key, quoted
from booty.config.sources import GO_KEYS, RELEASE_KEYS, SOURCE, SOURCE_KEYS, WHEEL_KEYS, source_rule
from booty.config.tables import Either, Key, ListOf, MapOf, NotYet, Table
from booty.model.stack import MOST_REPLICAS, RoleSpec

__all__ = [
    "DEFAULTS",
    "FILE",
    "FILE_KEYS",
    "NEEDED",
    "ONLY",
    "PROFILE",
    "PROFILE_KEYS",
    "PROFILE_STACK",
    "ROLE",
    "ROLE_KEYS",
    "SERVICE",
    "SERVICES",
    "SERVICE_KEYS",
    "STACK",
    "STACK_KEYS",
    "TABLES",
    "USER",
    "USER_KEYS",
]

_USE: Final = "^[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?$"
_SETTINGS: Final = MapOf(Raw(), sample="key")
_CONFIG: Final = MapOf(Raw(), sample="key")
_REPLICAS: Final = Key("replicas", Whole(1, MOST_REPLICAS), "how many instances", "1")
_SETTINGS_KEY: Final = Key("settings", _SETTINGS, "settings of the component, typed by it")
_CONFIG_KEY: Final = Key(
    "config", _CONFIG, "raw configuration, merged over what the provider writes"
)
_PORTS_KEY: Final = Key(
    "ports", named(PORT, "http"), "ports by name: a number (0 = any free one) or a table"
)
_ENV_KEY: Final = Key("env", variables(Text(sample="debug")), "variables of the program")
_LIMITS_KEY: Final = Key("limits", LIMITS, "resource limits of the process")
_GRACE_KEY: Final = Key(
    "grace",
    Duration(),
    "time between the clean request to stop and KILL",
    "the component's, else 10s",
)

ROLE_KEYS: Final = by_name((
    _REPLICAS, _SETTINGS_KEY, _CONFIG_KEY, _PORTS_KEY, _ENV_KEY, _LIMITS_KEY, _GRACE_KEY,
))  # fmt: skip

ROLE: Final = Table(ROLE_KEYS, RoleSpec, name="role")

SERVICE_KEYS: Final[Mapping[str, Key]] = by_name((
    Key("use", Text(_USE, "the name of a provider or component", "nats", template=False),
        "the component that runs it", required=True),
    Key("version", Text("[^ ]", "a version", "2.15", template=False),
        "exact, prefix or range; booty.lock holds the exact one; with a source table exact",
        "the newest tested"),
    Key("engine", Text(NAME, "the name of an engine", "minio", template=False),
        "which of the component's programs"),
    Key("source", SOURCE, "the only source that may serve the program", "the first that answers"),
    Key("binary", EarlyText("[^ ]", "a path or a name on PATH", "/usr/bin/nats-server"),
        "a program of yours instead of a fetched one"),
    _REPLICAS,
    Key("enabled", Flag(), "false: as if it were not in the file; a program with a source is then"
        " a tool, for run-tool and which", "true"),
    Key("critical", Flag(), "when it is lost, the whole stack stops", "false"),
    Key("kind", Choice(("service", "task")), "a task runs to its end once", "the component's"),
    _PORTS_KEY,
    Key("bind", EarlyText("[^ ]", "an address", "127.0.0.1"), "address it listens on",
        '"127.0.0.1"'),
    _SETTINGS_KEY,
    _CONFIG_KEY,
    Key("roles", named(ROLE, "tikv"),
        "what differs for one role of a service with roles"),
    Key("run", Either((ListOf(Text(sample="./main"), least=1),
                       Text(r"\S", "a shell line", "./main --flag", lines=True))),
        'with use = "program": a list is argv, a string a line for /bin/sh -c',
        "with a source: the program alone"),
    Key("cwd", Text("[^ ]", "a path", "app"), "working folder", "the folder of booty.toml"),
    _ENV_KEY,
    Key("env-file", ListOf(EarlyText("[^ ]", "a path", ".env"), single=True),
        "files of variables"),
    Key("pass-env", ListOf(Text(VARIABLE, "the name of a variable", "TERM", template=False)),
        "variables taken from the shell of up"),
    Key("secrets", variables(Text("^secret://[A-Za-z0-9][A-Za-z0-9._-]*$",
        'a reference such as "secret://api-key"', "secret://api-key",
        template=False, secret=True), "API_KEY"), "variables that hold secrets"),
    Key("secrets-as", Choice(("env", "file")),
        "file: NAME_FILE names a file that holds the value", '"env"'),
    Key("ready", READY, "how readiness is seen",
        "the component's, else that it runs for 100 ms"),
    Key("ready-timeout", Duration(), "how long it may take to become ready",
        "the component's, else 60s"),
    Key("live", LIVE, "looks taken once it is ready", "the component's"),
    Key("needs", ListOf(NEED), "services it waits for: a name or a table"),
    Key("restart", Choice(("never", "on-failure", "always")), "what happens when it ends",
        '"on-failure"; a task: "never"'),
    Key("backoff", BACKOFF,
        "delays between restarts; the first is at once"),
    Key("reload", RELOAD,
        "how it takes a changed configuration", "the component's, else a restart"),
    Key("stop-signal", Signal(), "the clean request to stop", 'the component\'s, else "TERM"'),
    _GRACE_KEY,
    Key("exit-codes", ListOf(Whole(-64, 255)),
        "accepted as a clean end; -15 is the end by signal 15", "0 and the component's"),
    Key("watch", ListOf(Text("[^ ]", "a glob", "src/**/*.py"), single=True),
        "globs of files whose change restarts it, under up --watch; `**` is any number of folders"),
    _LIMITS_KEY,
    Key("umask", Text("^0?[0-7]{3}$", 'an octal number in quotes such as "022"', "022",
        template=False), "permissions that new files lack", '"022"'),
    Key("stdin", Text("[^ ]", "a path", "/dev/null"), "file it reads as its input",
        '"/dev/null"'),
    Key("labels", variables(Text(sample="storage"), "team"),
        "shown in ps --json and in metrics"),
    Key("log", LOG, "rotation of its log"),
    Key("offers", Text("^[a-z][a-z0-9-]*(/[a-z0-9-]+)?$", "the name of an interface", "mysql"),
        'with use = "external": the interface it offers'),
    Key("url", Text("^(secret://[A-Za-z0-9][A-Za-z0-9._-]*|.*://.*|.*\\$\\{.*)$", "a URL",
        "secret://warehouse-url"),
        'with use = "external": where it is, or the secret that says so'),
))  # fmt: skip

ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "run": ("program",),
    "offers": ("external",),
    "url": ("external",),
}
"""Keys that only the built-in providers read."""
NEEDED: Final = {"program": "run", "external": "url"}
"""Keys that the built-in providers need."""


def _service_rule(fields: Mapping[str, Any], at: At, reading: Reading) -> None:
    use = str(fields.get("use", ""))
    for name, uses in ONLY.items():
        if name in fields and use not in uses:
            why = f'it is only for use = "{uses[0]}"'
            reading.add(
                (*at, name), f'use "{name}" with use = {quoted(use)}: {why}',
                reference="key-misplaced", hint=f"remove {name}",
            )  # fmt: skip
    needed = NEEDED.get(use)
    source_rule(fields, at, reading)
    if needed and needed not in fields and "source" not in fields:
        missing_key(reading, at, needed, f"write {needed} = {SERVICE_KEYS[needed].kind.example}")
    _url_rule(fields.get("url", ""), (*at, "url"), reading)


def _url_rule(url: str, at: At, reading: Reading) -> None:
    # a password in the file would go on into the plan and every table that shows it
    user, mark, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    password = user.partition(":")[2]
    if mark and password and "${" not in password:
        hint = 'booty secrets set NAME, then write url = "secret://NAME"'
        problem = "use the text that stands at url: it holds a password"
        reading.add(at, problem, reference="secret-in-file", hint=hint)


SERVICE: Final = Table(
    SERVICE_KEYS, extra="extra", extra_kind=Raw(), check=_service_rule, name="service"
)
_RESERVED: Final = {"user": "it is the consumer that every service has"}
_SERVICE_NAME: Final = 'the name of a service (lower-case letters, digits and "-")'
SERVICES: Final = MapOf(SERVICE, NAME, _SERVICE_NAME, _RESERVED, "bus")
DEFAULTS: Final = SERVICE.relaxed()
_PART_SERVICES: Final = MapOf(DEFAULTS, NAME, _SERVICE_NAME, _RESERVED, "bus")

_MIRRORS: Final = MapOf(
    Text("^(https?|file)://.", "a URL", "https://mirror.example", template=False),
    r"^(\*|[A-Za-z0-9.-]+(:[0-9]+)?)$",
    'a host name or "*"',
    sample='"github.com"',
)
_TOKENS: Final = MapOf(
    Text(
        r"^(secret://[A-Za-z0-9][A-Za-z0-9._-]*|\$\{env\.[A-Za-z_][A-Za-z0-9_]*(:-)?\})$",
        'a reference such as "secret://gh-token" or "${env.GH_TOKEN}"',
        "secret://gh-token",
        template=None,
        secret=True,
    ),
    r"^[A-Za-z0-9.-]+(:[0-9]+)?$",
    "a host name",
    sample='"github.com"',
)
_BACKEND: Final = NotYet(Text(NAME, "the name of a backend", "file", template=False), ("file",))

USER_KEYS: Final = by_name((
    Key("mirrors", _MIRRORS, 'where to fetch from instead, by host; "*" = all others'),
    Key("tokens", _TOKENS, "what private releases are asked with, by host"),
    Key("secrets", _BACKEND, "where secret values are kept", '"file"'),
))  # fmt: skip
USER: Final = Table(USER_KEYS)

STACK_KEYS: Final = by_name((
    Key("format", Whole(1), "number of this file format", "1"),
    Key("name", Text("^[A-Za-z0-9][A-Za-z0-9._-]*$", 'a name of letters, digits, ".", "_", "-"',
        "shop", template=False), "a label; identity is the id in .booty/id", "the folder's name"),
    Key("lifetime", Choice(("outlive-me", "die-with-me")), "what happens when the holder ends",
        "by how it is started"),
    Key("requires", Text("[<>=!~]", 'a version range such as ">=0.4"', ">=0.4", template=False),
        "versions of booty that may read this file"),
    Key("state-dir", Text("[^ ]", "a path", ".booty", template=False), "the state folder",
        '".booty"'),
    *USER_KEYS.values(),
))  # fmt: skip
STACK: Final = Table(STACK_KEYS, name="stack")

PROFILE_STACK: Final = Table(
    # where the state is cannot depend on what the state says of the profile that holds
    by_name(key for key in STACK_KEYS.values() if key.name != "state-dir"),
    name="profile-stack",
)

PROFILE_KEYS: Final = by_name((
    Key("stack", PROFILE_STACK, "laid over [stack]; without state-dir"),
    Key("defaults", DEFAULTS, "laid over [defaults]"),
    Key("services", _PART_SERVICES, "laid over [services]"),
))  # fmt: skip
PROFILE: Final = Table(PROFILE_KEYS, name="profile")
_PROFILES: Final = Key("profiles", named(PROFILE, "ha"), "changes chosen with --profile")
_INCLUDE: Final = Key(
    "include",
    ListOf(Text("^[^/]", "a relative path", "services/*.toml", template=False), single=True),
    "further files with services, defaults and profiles",
)

FILE_KEYS: Final = by_name((
    Key("stack", STACK, "the stack as a whole"),
    _INCLUDE,
    Key("defaults", DEFAULTS, "any key that a service may have, under all services"),
    Key("services", SERVICES, "the services, by name"),
    _PROFILES,
))  # fmt: skip
FILE: Final = Table(FILE_KEYS)
_TEMPLATES: Final = "Templates are over `{version}`, the service's version, `{os}` and `{arch}`."
_ONE_SOURCE: Final = (
    'The name of a source; with `use = "program"` a table of exactly one of'
    " `release wheel go path url`, and what goes with it. `${program}` is then the program."
)
TABLES: Final[tuple[tuple[str, str, Mapping[str, Key]], ...]] = (
    ("The file", "", FILE_KEYS),
    ("`[stack]`", "", STACK_KEYS),
    ("`[services.NAME]` and `[defaults]`", "", SERVICE_KEYS),
    ("`ports.NAME`", "A number, or a table of these:", PORT_KEYS),
    ("`needs`", "Each entry is the name of a service, or a table of these:", NEED_KEYS),
    ("`ready`", "Exactly one of `tcp http log exec file notify`, and what goes with it:",
     READY_KEYS),
    ("`live`", "As `ready`, and:",
     {name: key for name, key in LIVE_KEYS.items() if name not in READY_KEYS}),
    ("`backoff`", "", BACKOFF_KEYS),
    ("`reload`", "One of:", RELOAD_KEYS),
    ("`limits`", "", LIMITS_KEYS),
    ("`log`", "", LOG_KEYS),
    ("`source`", _ONE_SOURCE, SOURCE_KEYS),
    ("`source.release`", _TEMPLATES, RELEASE_KEYS),
    ("`source.wheel`", _TEMPLATES, WHEEL_KEYS),
    ("`source.go`", _TEMPLATES, GO_KEYS),
    ("`roles.ROLE`", "", ROLE_KEYS),
    ("`[profiles.NAME]`", "Tables merge, lists replace.", PROFILE_KEYS),
    ("The user's own `config.toml`", "", USER_KEYS),
)  # fmt: skip
"""All tables with a title and an introduction, in the order of the page."""
