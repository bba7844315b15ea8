"""What a provider declares about a program it can run. Frozen data, no behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from booty.model.state import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.source import Source

__all__ = [
    "Component",
    "Interface",
    "Metrics",
    "Need",
    "Port",
    "Probe",
    "Resource",
    "SecretNeed",
    "Want",
]


@frozen
class Port:
    """A named listener of a program.

    Attributes:
        name: how files, plans and commands call it.
        preferred: the port number wished for; 0 = any free one.
        scheme: the scheme of its URL (``nats``, ``http``); empty = plain ``host:port`` as ``tcp``.
        secure: the scheme instead, where the boolean setting ``tls`` is true; empty = the same.
        protocol: ``tcp`` or ``udp``.
        optional: allocated only where booty.toml names it under ``ports`` (or ``expand`` adds it).
        socket: whether the program takes it as a bound socket (systemd's ``LISTEN_FDS``, under this
            name): it is handed one then, and no connection is refused while it is restarted.
    """

    name: str
    preferred: int = 0
    scheme: str = ""
    protocol: str = "tcp"
    optional: bool = False
    secure: str = ""
    socket: bool = False


@frozen(kw_only=True)
class Probe:
    """One way to see that an instance is ready or alive; exactly one kind is set.

    A provider names its declared ports; a user writes ``${ports.NAME}``, which the plan replaces.

    Attributes:
        tcp: ``host:port``, or the name of a declared port: a connection is accepted.
        first_bytes: with ``tcp``: what the server must send first (``INFO``).
        http: URL, or ``port-name/path``: answers with one of ``status``. Where it is ``https``, no
            certificate is looked at: nothing secret is sent, and nothing that is told is believed
            but that somebody answers.
        status: accepted HTTP statuses; empty = 200 to 399.
        body: with ``http``: regular expression the body must hold.
        log: regular expression that one line of this start's own log must hold.
        exec: argv of a command that must end with 0; run in the instance's working folder, with
            its variables.
        file: path that must exist; of a provider's probe, relative to the data folder.
        notify: the program sends ``READY=1`` (sd_notify); in ``live``: ``WATCHDOG=1`` in each
            ``interval``.
        interval: seconds between looks of ``live``; readiness chooses its own rhythm.
        timeout: seconds one look may take.
        failures: with ``live``: after so many failed looks in a row the instance is degraded, and
            restarted unless its policy is ``never``.
    """

    tcp: str | None = None
    first_bytes: str | None = None
    http: str | None = None
    status: tuple[int, ...] = ()
    body: str | None = None
    log: str | None = None
    exec: tuple[str, ...] | None = None
    file: str | None = None
    notify: bool = False
    interval: float | None = None
    timeout: float = 5.0
    failures: int = 3


@frozen(kw_only=True)
class Interface:
    """What a component offers to others.

    Attributes:
        name: the interface's name, ``family`` or ``family/kind``: ``s3``, ``nats/jetstream``.
        port: the declared port it is served on.
        url: template of one instance's URL for a consumer, over ``scheme user password host port``
            (``{scheme}://{user}:{password}@{host}:{port}``); parts without a secret simply lack it.
        join: how the URLs of several instances become one: a separator (``,``), or empty = the URL
            of instance 0.
    """

    name: str
    port: str
    url: str = ""
    join: str = ""


@frozen(kw_only=True)
class Want:
    """A link that a component's service can have: ``events = "bus"``.

    Attributes:
        link: the key in booty.toml; not one of core's own keys.
        interface: what the other service must offer.
        required: whether a service without this link is refused.
    """

    link: str
    interface: str
    required: bool = False


@frozen(kw_only=True)
class Need:
    """That one role of a service waits for another, declared by ``expand``.

    Attributes:
        role: the role waited for.
        until: ``started``, ``ready``, ``good`` or ``done``. Among roles of one service, ready is
            who has passed its probes: ``bootstrap`` comes when all roles have.
        of: ``all``, ``any`` or ``quorum`` of its instances.
        restart: whether a restart of it restarts who waits.
    """

    role: str
    until: str = "ready"
    of: str = "all"
    restart: bool = False


@frozen(kw_only=True)
class Resource:
    """A kind of thing that ``bootstrap`` makes inside a running service: buckets, streams, users.

    Attributes:
        key: the table in booty.toml (``streams``); not one of core's own keys.
        entry: attrs class of one entry, kebab-case in the file; its fields are the allowed keys.
        listed: whether a plain list of names is accepted too (``buckets = ["uploads"]``).
    """

    key: str
    entry: type[Any]
    listed: bool = False


@frozen(kw_only=True)
class SecretNeed:
    """A secret that core makes before ``configure``.

    Attributes:
        name: last part of the reference: ``password``.
        kind: ``password`` (32 URL-safe characters), ``key`` (32 random bytes in hex) or
            ``certificate`` (PEM key, certificate and CA from the stack's local CA). Core writes the
            CA to ``ca.pem`` in the instance's config folder, where consumers find it by
            ``${services.S.ca}``; ``configure`` may write that file itself.
        per: ``service`` (one for all instances), ``instance``, or ``consumer`` (one for everybody
            who links to the service, and one for the built-in consumer ``user``).
        forms: derived forms that are needed beside the value (``bcrypt``).
        when: name of a boolean attribute of the settings that must be true; empty = always.
    """

    name: str
    kind: str = "password"
    per: str = "service"
    forms: tuple[str, ...] = ()
    when: str = ""


@frozen(kw_only=True)
class Metrics:
    """Where a program tells its metrics, for whoever scrapes.

    Attributes:
        port: the declared port.
        path: HTTP path.
        format: ``prometheus`` or a name that the reader knows (``nats-varz``).
    """

    port: str
    path: str = "/metrics"
    format: str = "prometheus"


@frozen(kw_only=True)
class Component:
    """One program that a provider can run; everything about it that is a fact.

    Attributes:
        id: ``nats``, ``tidb/pd``, ``hashi/vault``; the part before the slash is the provider.
        program: name of the executable.
        summary: one line for lists.
        versions: exact versions it was tested with, newest first; a prefix or range in booty.toml
            chooses among them.
        sources: where it can be had, in the order in which they are tried.
        ports: its listeners.
        offers: interfaces it serves; the first gives the service's ``url``.
        wants: links it can have.
        settings: attrs class of ``settings``; every field has a default; kebab-case in the file.
        resources: what ``bootstrap`` can make.
        secrets: what core makes before ``configure``.
        ready: how readiness is seen; ``None`` = spawned is ready.
        live: looks taken after ready; ``None`` = none.
        ready_timeout: seconds an instance may take to become ready.
        stop_signal: name without SIG.
        grace: seconds between the clean request and KILL.
        stop_after_ready: whether it must not be asked to stop before it is ready (MariaDB hangs for
            good on a TERM then): a stop waits until it is, or until its grace is over; needs
            ``ready``.
        drain_signal: sent first whenever the instance is to be replaced or leaves while others of
            the service go on; empty = none.
        drain_timeout: seconds that an instance which leaves for good may take to move its data to
            the others, by the ``drain`` hook.
        reload_signal: sent when a change of class ``reload`` has been written; empty = the
            ``reload`` hook, else restart.
        exit_codes: codes accepted as a clean end beside 0; ``-15`` is "ended by signal 15".
        kind: ``service`` or ``task``.
        replicas: allowed numbers of replicas; empty = any from 1.
        changes: change class by path: ``version``, ``replicas``, ``peers``, ``consumers``,
            ``resources``, ``env``, ``bind``, ``run``, ``stdin``, and ``settings``, ``config``,
            ``ports``, ``links``, ``secrets``, alone or with ``.NAME`` (kebab-case). The longest
            path that fits counts. What is not named is a restart if it changes the launch, else
            nothing; what is named holds in any case.
        rejoins: whether an instance that has left its service (hook ``leave``) may come back on the
            data that it held; else that is set aside, and it begins with none.
        older_on_newer: whether an older program may be started on data that a newer one wrote.
        reads: ids of other components whose data it can go on with; on a data folder that any other
            wrote it is refused.
        owned_config: dotted keys of ``config`` that a user may not override (ports, addresses,
            credentials).
        metrics: where metrics are told.
        log_files: further log files beside stdout, relative to the instance's data or logs folder.
        log_time: ``strptime`` format of the time stamp that a line begins with, or ``rfc3339``;
            ``*`` in it is any run of characters but blanks (``[*] %Y/%m/%d %H:%M:%S.%f``). A time
            without a zone is UTC. Empty = none.
        env: variables that ``env`` and ``run`` add when one service of the kind is there, templates
            over ``url host port user password ca``; one that comes out empty is left out.
        clients: command groups for people by name, ``"module:click_group"``, shown by
            ``booty client NAME --help``.
        dashboards: package data paths of dashboards.
        rules: package data paths of alert rules.
    """

    id: str
    program: str
    summary: str = ""
    versions: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    ports: tuple[Port, ...] = ()
    offers: tuple[Interface, ...] = ()
    wants: tuple[Want, ...] = ()
    settings: type[Any] | None = None
    resources: tuple[Resource, ...] = ()
    secrets: tuple[SecretNeed, ...] = ()
    ready: Probe | None = None
    live: Probe | None = None
    ready_timeout: float = 60.0
    stop_signal: str = "TERM"
    grace: float = 10.0
    stop_after_ready: bool = False
    drain_signal: str = ""
    drain_timeout: float = 600.0
    reload_signal: str = ""
    exit_codes: tuple[int, ...] = (0,)
    kind: str = "service"
    replicas: tuple[int, ...] = ()
    changes: Mapping[str, Change] = Factory(dict)
    rejoins: bool = False
    older_on_newer: bool = False
    reads: tuple[str, ...] = ()
    owned_config: tuple[str, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    log_files: tuple[str, ...] = ()
    log_time: str = ""
    env: Mapping[str, str] = Factory(dict)
    clients: Mapping[str, str] = Factory(dict)
    dashboards: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The provider's name: the part of the id before the slash."""
        return self.id.partition("/")[0]
