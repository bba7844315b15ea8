"""The verbs: what a provider may implement. It writes only those where the default is wrong.

A provider is a module found by an entry point of the group ``booty`` (name = the provider, value =
the module). The module states ``BOOTY_API = 1`` and marks its implementations with ``@hookimpl``. A
hook is asked of the one provider that owns the component, and of nobody else; an implementation
may leave out arguments that it does not need. Within an API number hooks and arguments are only
added.

"Runs in" says which process calls it: *command* is the ``booty`` command (pure, no I/O unless
said), *worker* is a process of its own per provider and stack, with a deadline for each call,
*caller* is the program that asked (``booty client``, a test, your own code). A worker that misses a
deadline or dies has answered nothing: what it was asked for is unknown, never bad. Its stdout and
stderr go to ``.booty/logs/supervisor.log``; credentials that a hook was given are taken out of what
it raises and answers. Hooks of workers and callers are ``async``, all others are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from booty.model.component import Component
    from booty.model.expand import Role
    from booty.model.instance import Instance, Launch, Service
    from booty.model.plan import Artifact, ArtifactWish
    from booty.model.problem import Problem
    from booty.model.stack import ServiceSpec
    from booty.model.state import Event, Health

__all__ = ["API", "PROJECT", "hookimpl", "hookspec"]

API: Final = 1
"""The API number that this core speaks; a provider states its own as ``BOOTY_API``."""

PROJECT: Final = "booty"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def components() -> Iterable[Component]:  # type: ignore[empty-body]  # a specification
    """Declare the provider's programs.

    Runs in: command. Data only: no I/O, no import beyond ``booty``.

    Returns:
        One :class:`~booty.model.component.Component` for each program; ids begin with the
        provider's name.
    """


@hookspec(firstresult=True)
def expand(service: ServiceSpec) -> Sequence[Role] | None:
    """Say which components a service is made of, how many, and what they need of each other.

    Runs in: command; pure. Default: one role without a name, of the component named by ``use``,
    with ``replicas`` instances.

    Args:
        service: the service as read from booty.toml.

    Returns:
        Roles in no particular order; each names a component of this provider.

    Raises:
        ConfigError: the service asks for something that cannot be (two replicas of a program that
            needs an odd number).
    """


@hookspec(firstresult=True)
def preflight(services: Sequence[ServiceSpec]) -> Iterable[Problem] | None:
    """Look for what would keep the programs from running on this machine.

    Runs in: command (``doctor``, and ``up`` before anything starts); may read the machine, changes
    nothing, takes at most a second. Default: nothing.

    Args:
        services: this provider's services of the stack; empty outside a stack.

    Returns:
        Problems, each with level, message and fix; an ``error`` keeps ``up`` from starting.
    """


@hookspec(firstresult=True)
def fetch(wish: ArtifactWish) -> Artifact | None:
    """Get a program in another way than from its declared sources.

    Runs in: command. Default: walk the component's sources in order, verify, unpack, store.

    Args:
        wish: the component, its exact version, what the user pinned.

    Returns:
        The artifact in the store; ``None`` to leave it to the default.

    Raises:
        FetchError: it cannot be had.
        VerifyError: what came is not what was promised.
    """


@hookspec(firstresult=True)
def configure(instance: Instance) -> Launch | None:
    """Say how an instance is started: arguments, variables, files.

    Runs in: command; pure and synchronous: the same instance gives an equal launch, nothing is read
    or written, every listener binds ``endpoint.bind``, secrets appear only as the references that
    the instance carries, and none in ``argv``. Default: the program without arguments.

    Args:
        instance: what was decided; paths and secrets are references (ordinary strings).

    Returns:
        The launch.

    Raises:
        ConfigError: settings contradict each other.
    """


@hookspec(firstresult=True)
def start(instance: Instance, launch: Launch) -> Awaitable[Sequence[Launch]] | None:
    """Decide at the moment of starting what is spawned.

    Runs in: worker, 30 s, at each start and only if implemented. Default: the configured launch,
    without a worker. A worker that fails or hangs here is a StartError.

    Args:
        instance: with true values.
        launch: what ``configure`` said, filled in.

    Returns:
        Launches in order: all but the last run to their end, the last is the instance's process.

    Raises:
        StartError: it must not be started now; says why.
    """


@hookspec(firstresult=True)
def health(instance: Instance) -> Awaitable[Health] | None:
    """Take one look at an instance, bounded in time.

    Runs in: worker, 20 s. Never raises for "not up yet". Default: the declared probes, without a
    worker.

    Args:
        instance: with true values.

    Returns:
        alive, ready, good (does its job) and a reason; ``None`` fields are unknown.
    """


@hookspec(firstresult=True)
def bootstrap(service: Service) -> Awaitable[None] | None:
    """Make what a service must hold: buckets, users, streams; initialise and unseal.

    Runs in: worker, 120 s, when all instances of the service are ready, and again when its declared
    resources changed or data was replaced. Idempotent. The service counts as ready only after it.

    Args:
        service: its instances with true values; ``instance.resources`` is what must be there.

    Raises:
        ConfigError: a declared resource cannot be changed into what is asked; says why.
        StartError: it did not work.
    """


@hookspec(firstresult=True)
def stop(instance: Instance) -> Awaitable[None] | None:
    """Ask an instance to end. The supervisor holds the grace and the kill.

    Runs in: worker, at most half of the grace. Default: the declared signal, without a worker. One
    that fails or hangs is followed by the plain signal; what it asks for may take the whole grace.

    Args:
        instance: with true values.
    """


@hookspec(firstresult=True)
def reload(instance: Instance) -> Awaitable[bool] | None:
    """Make a running instance take the files that have just been written.

    Runs in: worker, 30 s. Default: the component's ``reload_signal``; without one, a restart.

    Args:
        instance: with true values, those of the new plan.

    Returns:
        Whether it took them; ``False`` = restart it.
    """


@hookspec(firstresult=True)
def join(instance: Instance) -> Awaitable[None] | None:
    """Make a new instance a member of a service that is there already, when it is ready.

    Runs in: worker, two minutes, when ``scale`` or the file makes a service larger; one instance
    after the other. ``bootstrap`` is called after it. Idempotent: it is called again if nobody
    knows how it went, and for an instance that was drained and stays after all. Default: nothing.

    Args:
        instance: the new one, with true values; ``instance.peers`` are the others.

    Raises:
        StartError: the others do not take it.
    """


@hookspec(firstresult=True)
def drain(instance: Instance, leaving: bool) -> Awaitable[str | None] | None:
    """Move work away from an instance that will leave or be replaced, before it is stopped.

    Runs in: worker; the time to stop begins after it. Of one that is replaced, restarted or stopped
    while others of its service go on: as long as the grace, and if it fails the stop goes on all
    the same. Of one that leaves for good: as long as the component's ``drain_timeout``, its data is
    moved too, and if it fails the instance goes on and the change has failed. Idempotent. The
    component's ``drain_signal``, if it has one, is sent after it. Default: nothing.

    Args:
        instance: with true values; of one that leaves ``instance.peers`` are those that stay.
        leaving: whether it leaves for good.

    Returns:
        ``None`` when it is done. A phrase that says what is left (``3 of 20 regions``): it is
        shown, and the hook is called again a second later.

    Raises:
        ConfigError: the service cannot do without it; the hint says what to do first.
    """


@hookspec(firstresult=True)
def leave(instance: Instance) -> Awaitable[None] | None:
    """Take an instance out of its service for good, after ``drain`` and after it has ended.

    Runs in: worker, two minutes, when ``scale`` or the file makes a service smaller, the highest
    numbers first. Idempotent: it is called again by the next change if nobody knows how it went.
    What it held is kept; one that comes back under its name begins without, unless the component
    ``rejoins``. Default: nothing.

    Args:
        instance: with true values, but for secrets of its own that are in no plan any more;
            ``instance.peers`` are those that stay, and at least one of them runs.

    Raises:
        ConfigError: the service cannot do without it; the hint says what to do first.
    """


@hookspec(firstresult=True)
def before_restart(instance: Instance) -> Awaitable[None] | None:
    """Prepare one instance of several for a rolling restart.

    Runs in: worker, one minute, when replicas are restarted in turn. Default: nothing.

    Args:
        instance: the one that will be restarted, with true values.
    """


@hookspec(firstresult=True)
def after_restart(instance: Instance) -> Awaitable[None] | None:
    """Undo what ``before_restart`` did, when the instance is ready again.

    Runs in: worker, one minute, when replicas are restarted in turn. Default: nothing.

    Args:
        instance: the one that was restarted, with true values.
    """


@hookspec(firstresult=True)
def migrate(service: Service, old: Service, new: Service) -> Awaitable[None] | None:
    """Carry out a change of class ``migrate`` or ``destroys``, or say how it is done by hand.

    Runs in: worker, one hour, called by ``up`` before anything of the new plan is saved or started;
    what runs goes on meanwhile. Not called where the service has no data yet. Absent: ``up``
    refuses such a change unless the user accepts it by name.

    Args:
        service: the service as the new plan has it.
        old: the service as it runs or ran last.
        new: the same as ``service``.

    Raises:
        ConfigError: it cannot be done; the hint says how to do it by hand.
    """


@hookspec(firstresult=True)
def client(instance: Instance) -> AbstractAsyncContextManager[Any] | None:
    """Give a connected native client (nats-py, aiobotocore, …), closed when the context ends.

    Runs in: caller. The library is imported inside. Default: the instance's endpoints.

    Args:
        instance: with true values; ``instance.consumers`` holds the caller's own credentials.

    Returns:
        An async context manager; what it gives belongs to the library.
    """


@hookspec(firstresult=True)
def backup(service: Service, out: str) -> Awaitable[None] | None:
    """Write the service's data to a path.

    Runs in: caller, by ``booty backup`` and ``restore``. Absent: the command says that it cannot,
    never a pretence.

    Args:
        service: with true values; it runs.
        out: path of a file or folder that does not exist yet, in a folder that does; it counts only
            when the hook has returned.
    """


@hookspec(firstresult=True)
def restore(service: Service, source: str) -> Awaitable[None] | None:
    """Put back what ``backup`` wrote; what the service holds already is not lost by it.

    Runs in: caller, by ``booty backup`` and ``restore``. Absent: the command says that it cannot,
    never a pretence.

    Args:
        service: with true values; it runs.
        source: path that ``backup`` wrote.
    """


@hookspec(firstresult=True)
def drift(service: Service) -> Awaitable[Sequence[str]] | None:
    """Say what a running service holds otherwise than it is declared; change nothing.

    Runs in: caller, 20 s, by ``booty plan --diff``. ``booty up --replan`` asks ``bootstrap`` again,
    which makes it as it is declared. Absent: nothing is looked at.

    Args:
        service: with true values; it runs.

    Returns:
        A line for each difference, such as ``buckets.uploads.quota is none, declared 1024``; no
        secret is in it.
    """


@hookspec
def event(event: Event) -> None:
    """Be told of everything that happens, best effort.

    Runs in: worker, 5 s for each event, in their order and only if implemented. What it raises is
    noted in the log and changes nothing; of a hearer that is too slow the oldest events are kept
    back, and at the end of a stack the last ones.

    Args:
        event: what happened; never holds a secret.
    """
