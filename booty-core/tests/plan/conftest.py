"""A world to plan in: three small providers, a booty.toml, and a machine that is said, not seen."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pluggy
import pytest
from booty import config, hookspecs, plan, providers
from booty.errors import BootyError, BootyErrors
from booty.hookspecs import hookimpl
from booty.model.component import (
    Component,
    Interface,
    Metrics,
    Need,
    Port,
    Probe,
    Resource,
    SecretNeed,
    Want,
)
from booty.model.expand import Role
from booty.model.instance import Command, File, Instance, Launch
from booty.model.plan import Artifact, Machine, Plan, Saved
from booty.model.platform import Platform
from booty.model.source import OnPath, Wheel
from booty.model.stack import ServiceSpec, StackSpec
from booty.model.state import Change


@attrs.frozen(kw_only=True)
class BusSettings:
    """Settings of the bus."""

    max_payload: int = attrs.field(default=1048576, metadata={"unit": "size"})
    tls: bool = False
    label: str = ""


@attrs.frozen(kw_only=True)
class Stream:
    """One stream of the bus."""

    subjects: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Bucket:
    """One bucket."""


BUS = Component(
    id="bus",
    program="bus-server",
    versions=("2.15.0", "2.14.3", "2.14.0"),
    sources=(Wheel(distribution="bus-bin", member="bus"), OnPath()),
    ports=(
        Port("client", 4222, "bus", secure="bus+tls"),
        Port("monitor", 8222, "http"),
        Port("ws", 9222, "ws", optional=True),
    ),
    offers=(
        Interface(
            name="bus/stream",
            port="client",
            url="{scheme}://{user}:{password}@{host}:{port}",
            join=",",
        ),
    ),
    settings=BusSettings,
    resources=(Resource(key="streams", entry=Stream, listed=True),),
    secrets=(
        SecretNeed(name="password", per="consumer", forms=("bcrypt",)),
        SecretNeed(name="cluster", kind="key"),
        SecretNeed(name="node", kind="key", per="instance"),
        SecretNeed(name="tls", kind="certificate", when="tls"),
    ),
    ready=Probe(tcp="client", first_bytes="INFO"),
    live=Probe(http="monitor/healthz", interval=10.0),
    drain_signal="USR2",
    reload_signal="HUP",
    exit_codes=(0, 1),
    replicas=(1, 3, 5),
    changes={
        "consumers": Change.RELOAD,
        "resources": Change.NONE,
        "settings.max-payload": Change.RELOAD,
        "replicas": Change.MIGRATE,
    },
    owned_config=("port", "cluster.name"),
    metrics=(Metrics(port="monitor"),),
    env={"BUS_ADDR": "{url}"},
)
FILES = Component(
    id="files",
    program="files-server",
    versions=("1.0.0",),
    ports=(Port("s3", 9000, "s3"),),
    offers=(Interface(name="s3", port="s3"),),
    wants=(Want(link="events", interface="bus/stream"),),
    resources=(Resource(key="buckets", entry=Bucket, listed=True),),
)


def _bus_configure(instance: Instance) -> Launch:
    users = {one.name: one.secrets["password:bcrypt"] for one in instance.consumers}
    text = {
        "listen": instance.endpoints["client"].address,
        "users": users,
        "label": instance.settings.label,
        "max_payload": instance.settings.max_payload,
        "peers": [peer.endpoints["client"].address for peer in instance.peers],
        "key": instance.secrets["cluster"],
        **instance.config,
    }
    path = f"{instance.dirs.config}/bus.json"
    return Launch(
        argv=(instance.program, *instance.program_args, "-c", path),
        files={path: File(content=json.dumps(text, sort_keys=True))},
        limits={"nofile": 4096},
        check=Command(argv=(instance.program, "-t", "-c", path)),
    )


def _db_expand(service: ServiceSpec) -> tuple[Role, ...]:
    return (
        Role(component="db/sql", name="sql", needs=(Need(role="kv"),)),
        Role(component="db/kv", name="kv", replicas=3, needs=(Need(role="pd", of="quorum"),)),
        Role(component="db/pd", name="pd"),
    )


DB = tuple(
    Component(
        id=f"db/{name}",
        program=f"{name}-server",
        versions=("8.5.0",),
        ports=(Port("client", port, "mysql"), Port("status", port + 1000, "http")),
        offers=(Interface(name="mysql", port="client"),) if name == "sql" else (),
    )
    for name, port in (("pd", 2379), ("kv", 2160), ("sql", 4000))
)
SAFE = tuple(
    Component(
        id=f"safe/{name}",
        program=name,
        versions=("1.0.0",),
        ports=(Port("api", 8200, "http"),),
        offers=(Interface(name="safe", port="api", url="safe://root:{password}@{host}:{port}"),),
        secrets=(SecretNeed(name="password"),),
        env={"SAFE_ADDR": "{url}", "SAFE_LOGIN": "{user}"},
    )
    for name in ("vault", "bao")
)


def provider(name: str, components: tuple[Component, ...], **hooks: Any) -> providers.Provider:
    """Return a provider of a module that has these hooks, called as any other is."""
    module = ModuleType(f"provider_{name}")
    for verb, function in hooks.items():
        setattr(module, verb, hookimpl(function))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    return providers.Provider(
        name=name,
        module=module,
        hooks=frozenset(hooks),
        components={one.id: one for one in components},
        hook=manager.hook,
    )


def _bootstrap(service: Any) -> None:
    """Only has to be there."""


def known() -> dict[str, providers.Provider]:
    """Return all providers of this world."""
    return {
        "bus": provider("bus", (BUS,), configure=_bus_configure, bootstrap=_bootstrap),
        "files": provider("files", (FILES,)),
        "db": provider("db", DB, expand=_db_expand),
        "safe": provider("safe", SAFE),
        "program": providers.load("program"),
        "external": providers.load("external"),
    }


@attrs.define(kw_only=True)
class World:
    """Plans what a booty.toml says; everything else is a value that a test may change."""

    root: Path
    providers: dict[str, providers.Provider] = attrs.Factory(known)
    locked: dict[str, tuple[str, ...]] = attrs.Factory(dict)
    saved: Saved = attrs.Factory(lambda: Saved(stack_id="5eed5eed5eed5eed"))
    machine: Machine = attrs.Factory(lambda: Machine(platform=Platform("linux", "amd64")))

    def spec(self, text: str) -> StackSpec:
        """Write booty.toml and read it."""
        file = self.root / "booty.toml"
        file.write_text(f'[stack]\nname = "shop"\n{text}')
        return config.load(file)

    def artifacts(self, spec: StackSpec) -> dict[str, Artifact]:
        """Return a fetched program for every wish."""
        return {
            wish.key: Artifact(
                key=wish.key,
                program=wish.component.program,
                version=wish.version or "7.7.7",
                platform="linux-amd64",
                digest="d" * 64,
                path=f"{wish.component.id}/{wish.version}",
                executable=wish.component.program,
            )
            for wish in plan.resolve(spec, self.providers, self.locked)
        }

    def plan(self, text: str) -> Plan:
        """Read, resolve and plan."""
        spec = self.spec(text)
        return plan.make(spec, self.providers, self.artifacts(spec), self.saved, self.machine)

    def again(self, before: Plan, text: str) -> Plan:
        """Plan a changed file while the former plan runs."""
        self.saved = attrs.evolve(
            self.saved, ports=before.ports, plan=json.loads(plan.to_json(before))
        )
        return self.plan(text)

    def faults(self, text: str) -> list[BootyError]:
        """Return every fault that planning tells."""
        try:
            self.plan(text)
        except BootyErrors as error:
            return list(error.faults)
        except BootyError as error:
            return [error]
        return []

    def fault(self, text: str) -> BootyError:
        """Return the only fault."""
        (found,) = self.faults(text)
        return found

    def machine_with(self, **changes: Any) -> None:
        """Change what the machine offers."""
        self.machine = attrs.evolve(self.machine, **changes)

    def saved_with(self, **changes: Any) -> None:
        """Change what earlier commands left."""
        self.saved = attrs.evolve(self.saved, **changes)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with an empty folder."""
    return World(root=tmp_path)


@pytest.fixture
def make_provider() -> Any:
    """Return the maker of providers, for those that only one test needs."""
    return provider
