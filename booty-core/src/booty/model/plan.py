"""The plan: the pure, serialisable answer to "what will happen"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from booty.model.state import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.component import Component
    from booty.model.instance import Instance, Launch
    from booty.model.platform import Platform

__all__ = ["Artifact", "ArtifactWish", "Machine", "Plan", "PlannedInstance", "Saved", "Step"]


@frozen(kw_only=True)
class ArtifactWish:
    """A program that a plan needs, at one exact version.

    Attributes:
        key: ``<component id>@<version>``; how launches refer to it.
        component: the declaring component (its sources are tried in order).
        version: exact version; empty where the program has none (``binary``, ``run``).
        source: name of the source the user pinned; empty = any.
        binary: path or name that the user gave; empty = none.
        tested: whether the component names this version.
        accepted: whether it is taken though its publisher has withdrawn it.
    """

    key: str
    component: Component
    version: str
    source: str = ""
    binary: str = ""
    tested: bool = True
    accepted: bool = False

    @property
    def component_id(self) -> str:
        """What the lock knows it by, whatever its version."""
        return self.key.partition("@")[0]


@frozen(kw_only=True)
class Artifact:
    """A verified program in the store (or the user's own).

    Attributes:
        key: as in the wish.
        program: name of the program.
        version: exact version.
        platform: ``linux-amd64``.
        source: name of the source that served it.
        url: where it came from; never with credentials.
        digest: sha256 of what was downloaded, 64 hex digits.
        size: bytes of what was downloaded.
        trust: what vouches for it: ``recorded digest``, ``publisher's sums file``,
            ``wheel digest``, ``distribution``, ``yours``.
        path: the unpacked folder, relative to the store; absolute for ``yours``; empty while it is
            not fetched.
        executable: the program's path relative to ``path``.
        args: arguments that belong right after the executable (``-m module``).
        module: of a program that was built: the module with its version; empty = it was not.
        h1: likewise: the module's sum, as the checksum database has it; ``digest`` is the same in
            hex, and ``size`` counts every module that was downloaded.
        toolchain: likewise: what built it.
    """

    key: str
    program: str
    version: str
    platform: str
    source: str = ""
    url: str = ""
    digest: str = ""
    size: int = 0
    trust: str = ""
    path: str = ""
    executable: str = ""
    args: tuple[str, ...] = ()
    module: str = ""
    h1: str = ""
    toolchain: str = ""


@frozen(kw_only=True)
class Machine:
    """What this machine offers, looked at once before planning; a plain value.

    Attributes:
        platform: of the host.
        busy: busy TCP ports by number, each with a phrase naming the holder
            (``pid 4711 "nats-server" (bus.0 of /home/me/shop)``).
        busy_udp: busy UDP ports likewise.
        reserved: ports saved by other stacks of this user, by number, with the stack's root.
        ephemeral: first and last port of the kernel's ephemeral range.
        env: variables of the planning shell that booty.toml asked for.
        files: sha256 of env-files, by path.
        names: names of the variables in env-files, by path.
    """

    platform: Platform
    busy: Mapping[int, str] = Factory(dict)
    busy_udp: Mapping[int, str] = Factory(dict)
    reserved: Mapping[int, str] = Factory(dict)
    ephemeral: tuple[int, int] = (32768, 60999)
    env: Mapping[str, str] = Factory(dict)
    files: Mapping[str, str] = Factory(dict)
    names: Mapping[str, tuple[str, ...]] = Factory(dict)


@frozen(kw_only=True)
class Saved:
    """What earlier commands left in the state folder, as far as planning needs it.

    Attributes:
        stack_id: the random id in ``.booty/id``.
        ports: saved numbers by ``<instance>/<port>``.
        scale: replicas by service or ``service.role``, set by ``scale``.
        scaled_over: what the file said at that time, by the same names; ``None`` = nothing.
        secrets: current rotation number by secret name.
        data: version and shape that wrote each data folder, by instance.
        plan: the plan that runs, as JSON data; ``None`` if none.
        running: what is known of each instance now, by name: ``state digest inputs`` as the state
            folder has them; ``None`` = all instances of ``plan`` run as it says.
        kept: services of it that go on as they were planned: their provider is broken now.
        reallocate: whether saved ports of what does not run are given up.
    """

    stack_id: str = ""
    ports: Mapping[str, int] = Factory(dict)
    scale: Mapping[str, int] = Factory(dict)
    scaled_over: Mapping[str, int | None] = Factory(dict)
    secrets: Mapping[str, int] = Factory(dict)
    data: Mapping[str, Mapping[str, str]] = Factory(dict)
    plan: Mapping[str, Any] | None = None
    running: Mapping[str, Mapping[str, Any]] | None = None
    kept: tuple[str, ...] = ()
    reallocate: bool = False


@frozen(kw_only=True)
class PlannedInstance:
    """One instance with all that was decided about it.

    Attributes:
        instance: what hooks see.
        launch: what ``configure`` answered.
        needs: resolved edges: ``service instances until of restart reason``.
        policy: the rest of the run sheet's entry (probes, stop, restart, log, …), plain data.
        inputs: digest by path of everything that could change the launch (``settings.max-payload``,
            ``ports.client``, ``version``, ``consumers``): compared to class a change.
        changes: change class by path, from the component.
        digest: sha256 over launch and policy; equal = nothing to do.
        reason: why it is there, one phrase.
    """

    instance: Instance
    launch: Launch
    needs: tuple[Mapping[str, Any], ...] = ()
    policy: Mapping[str, Any] = Factory(dict)
    inputs: Mapping[str, str] = Factory(dict)
    changes: Mapping[str, Change] = Factory(dict)
    digest: str = ""
    reason: str = ""


@frozen
class Step:
    """One thing that will happen, in order.

    Attributes:
        action: ``fetch start restart reload update stop bootstrap keep migrate destroys``.
            ``update``: it is watched, restarted or stopped otherwise; its process is not touched.
        subject: an instance, a service or an artifact's key.
        reason: why, one phrase.
        change: class of the change.
    """

    action: str
    subject: str
    reason: str
    change: Change = Change.NONE


@frozen(kw_only=True)
class Plan:
    """What will happen. Two plans from the same inputs are equal to the byte.

    Attributes:
        format: number of the file format.
        stack: label, id.
        inputs: sha256 over everything that went in: booty.toml, included files, booty.local.toml,
            the user's config.toml, booty.lock, env-files, values of the variables that are read,
            profiles, saved scale, numbers of rotated secrets, the stack's folder. As long as it
            is the same, the saved plan is used.
        artifacts: programs by key.
        instances: in start order.
        services: per service: component, provider, instances, url without credentials, bootstrap
            (digest of its resources, or ``None``), hooks its provider implements, tables for
            ``env``.
        ports: number by ``<instance>/<port>``.
        levels: names of instances by start level.
        steps: ordered, each with its reason; relative to what the saved plan says is running.
        warnings: things to tell the user.
        secrets: every secret to make before start: reference, kind, parameters; never a value.
        scale: replicas by service or ``service.role`` where they are not what the file says.
    """

    format: int = 1
    stack: Mapping[str, str]
    inputs: str = ""
    artifacts: Mapping[str, Artifact] = Factory(dict)
    instances: tuple[PlannedInstance, ...] = ()
    services: Mapping[str, Mapping[str, Any]] = Factory(dict)
    ports: Mapping[str, int] = Factory(dict)
    levels: tuple[tuple[str, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    secrets: tuple[Mapping[str, Any], ...] = ()
    scale: Mapping[str, int] = Factory(dict)
