"""One process to be, as hooks see it, and what ``configure`` answers.

Inside ``configure`` every path, program and secret is a reference
(:mod:`booty.model.reference`), an ordinary ``str`` that is filled in on the host. In the hooks that
run code (``health``, ``bootstrap``, ``client``, …) the same fields hold the true values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Command",
    "Consumer",
    "Dirs",
    "Endpoint",
    "File",
    "Instance",
    "Launch",
    "Link",
    "Peer",
    "Service",
]


@frozen
class Endpoint:
    """A named address of an instance; where it binds and where it is reached are kept apart.

    Attributes:
        name: the declared port's name.
        scheme: scheme of the URL, ``tcp`` if none was declared.
        host: address under which others reach it; never with credentials.
        port: port number, 1 to 65535.
        bind: address it listens on.
        protocol: ``tcp`` or ``udp``.
        socket: whether booty binds it and hands the socket over (systemd's ``LISTEN_FDS``).
    """

    name: str
    scheme: str
    host: str
    port: int
    bind: str = "127.0.0.1"
    protocol: str = "tcp"
    socket: bool = False

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """``scheme://host:port``, without credentials."""
        return f"{self.scheme}://{self.address}"


@frozen(kw_only=True)
class Dirs:
    """The folders of an instance, absolute.

    Attributes:
        data: kept until ``destroy``.
        config: files that ``configure`` returned; written anew at each start.
        logs: the stack's log folder; the instance's own output is ``<name>.log`` there.
        run: sockets and pid files; gone at reboot.
        root: the folder of booty.toml.
    """

    data: str
    config: str
    logs: str
    run: str
    root: str


@frozen(kw_only=True)
class Peer:
    """Another (or the same) instance of the service, as seen from one of them."""

    name: str
    role: str
    index: int
    endpoints: Mapping[str, Endpoint]


@frozen(kw_only=True)
class Link:
    """A service that this one uses.

    Attributes:
        key: the key in booty.toml (``events``).
        service: name of the other service.
        component: id of its component.
        interface: the interface asked for.
        url: URL with this consumer's own credentials (a reference inside, in ``configure``).
        endpoints: endpoints of each of its instances, by instance name.
        secrets: what this consumer got from it, by the declared secret's name.
        ca: path of the file by which its certificates are trusted; empty = it has none.
    """

    key: str
    service: str
    component: str
    interface: str
    url: str
    endpoints: Mapping[str, Mapping[str, Endpoint]]
    secrets: Mapping[str, str] = Factory(dict)
    ca: str = ""


@frozen(kw_only=True)
class Consumer:
    """Somebody who uses this service: a linking service, or the built-in ``user``.

    Attributes:
        name: the consumer's name; also a good user name inside the server.
        secrets: what it was given, by declared name and by ``name:form`` for derived forms.
        interfaces: interfaces it asks for; empty for ``user``: all of them.
    """

    name: str
    secrets: Mapping[str, str] = Factory(dict)
    interfaces: tuple[str, ...] = ()


@frozen(kw_only=True)
class Instance:
    """One process to be.

    Attributes:
        name: ``bus.0``, ``db.pd.0``.
        service: name in booty.toml.
        stack: the stack's label.
        role: role within the service, empty if it has none.
        index: number within service and role, from 0.
        replicas: how many there are of this service and role.
        component: id of the component.
        version: exact version of the program.
        host: name of the host it runs on (``local``).
        program: path of the executable.
        program_args: arguments that belong before all others (``-m module`` of a Python program).
        dirs: its folders.
        endpoints: its listeners by port name.
        settings: an object of the component's settings class; ``None`` if it has none.
        config: raw configuration of the user, to be merged over the provider's own.
        resources: declared resources by kind and name, objects of the resource's class.
        secrets: service and instance secrets by ``name`` and ``name:form``; a certificate gives
            ``name:key``, ``name:cert`` and ``name:ca``.
        peers: all instances of the service, this one included, by role and number.
        links: services it uses, by key.
        consumers: who uses it, sorted by name, ``user`` included.
        spec: keys of booty.toml that only the built-in providers read (``run``, ``url``, …).
    """

    name: str
    service: str
    stack: str
    role: str = ""
    index: int = 0
    replicas: int = 1
    component: str
    version: str = ""
    host: str = "local"
    program: str = ""
    program_args: tuple[str, ...] = ()
    dirs: Dirs
    endpoints: Mapping[str, Endpoint] = Factory(dict)
    settings: Any = None
    config: Mapping[str, Any] = Factory(dict)
    resources: Mapping[str, Mapping[str, Any]] = Factory(dict)
    secrets: Mapping[str, str] = Factory(dict)
    peers: tuple[Peer, ...] = ()
    links: Mapping[str, Link] = Factory(dict)
    consumers: tuple[Consumer, ...] = ()
    spec: Mapping[str, Any] = Factory(dict)

    @property
    def owner(self) -> str:
        """The provider's name."""
        return self.component.partition("/")[0]


@frozen(kw_only=True)
class Service:
    """A whole service, given to hooks that act on it as one (``bootstrap``, ``migrate``).

    Attributes:
        name: name in booty.toml.
        instances: its instances with true values, by role and number.
    """

    name: str
    instances: tuple[Instance, ...]


@frozen(kw_only=True)
class Command:
    """A program to run to its end.

    Attributes:
        argv: the executable and its arguments; no secrets.
        env: variables on top of the instance's own.
        timeout: seconds it may take.
        exit_codes: codes that mean success.
        expect: regular expression its output must hold; empty = not looked at. For programs that
            end with 0 after a fault.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = Factory(dict)
    timeout: float = 60.0
    exit_codes: tuple[int, ...] = (0,)
    expect: str = ""


@frozen
class File:
    """A file that is written for an instance before it starts.

    Attributes:
        content: text, with references; secrets are filled in when it is written.
        mode: permission bits; never readable by others where a secret is inside.
    """

    content: str
    mode: int = 0o600


@frozen(kw_only=True)
class Launch:
    """What ``configure`` answers: how to start an instance. Pure data with references inside.

    Attributes:
        argv: the executable and its arguments; a secret in here is refused.
        env: variables, which may be secrets.
        files: files by path (under ``instance.dirs.config`` or ``.run``).
        dirs: folders that must exist, with mode 0700.
        cwd: working folder; empty = the data folder.
        umask: octal number as text.
        limits: resource limits by ``nofile nproc core memlock as fsize``; numbers.
        prepare: run once for a data folder, before the first start (initialise it).
        check: run on the staged files, before an old process is stopped for new ones; in its argv
            and env the config folder is the staged one.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = Factory(dict)
    files: Mapping[str, File] = Factory(dict)
    dirs: tuple[str, ...] = ()
    cwd: str = ""
    umask: str = "022"
    limits: Mapping[str, int] = Factory(dict)
    prepare: Command | None = None
    check: Command | None = None
