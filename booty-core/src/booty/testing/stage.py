"""Where a contract is played: a folder, a booty.toml, a plan, and a stack of stand-ins.

The plan is the real one. In the run sheet each program is replaced by the stand-in, and what only
the real program could answer (its own check, its bootstrap) is left out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, evolve

from booty import config, plan, providers
from booty.model.plan import Artifact, Machine, Saved
from booty.model.platform import Platform
from booty.model.stack import RoleSpec
from booty.supervise import launch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.model.plan import ArtifactWish, Plan
    from booty.model.stack import StackSpec
    from booty.supervise.client import Connection

__all__ = ["Stage"]

HOOKS_OF_THE_REAL_PROGRAM = frozenset({"health", "bootstrap", "stop", "reload", "drain", "start"})


@define(kw_only=True)
class Stage:
    """One stack of one provider.

    Attributes:
        root: an empty folder.
        provider: the provider's name.
        service: TOML lines of the one service ``it``.
        more: TOML tables after it.
        real: whether the real program runs in the place of the stand-in.
        told: what the stand-in is told beside its ports (see :mod:`booty.testing.standin`).
        greeting: what the stand-in says to whoever connects.
        settings: laid over those of the service.
        role: whose settings these are; empty = those of all roles.
        busy: ports that count as taken, and by whom; ``None`` = those that are, on this machine.
    """

    root: Path
    provider: str
    service: str = ""
    more: str = ""
    greeting: str = ""
    real: bool = False
    told: dict[str, Any] = Factory(dict)
    settings: dict[str, Any] = Factory(dict)
    role: str = ""
    busy: dict[int, str] | None = None
    stack_id: str = Factory(lambda: uuid.uuid4().hex[:16])

    def spec(self) -> StackSpec:
        """Write booty.toml, read it."""
        file = self.root / "booty.toml"
        use = "" if re.search(r"(?m)^\s*use\s*=", self.service) else f'use = "{self.provider}"\n'
        file.write_text(f"[services.it]\n{use}{self.service}\n{self.more}\n")
        spec = config.load(file)
        return self._laid_over(spec) if self.settings else spec

    def _laid_over(self, spec: StackSpec) -> StackSpec:
        service = spec.services["it"]
        role = service.roles.get(self.role, RoleSpec())
        if self.role:
            own = evolve(role, settings={**role.settings, **self.settings})
            service = evolve(service, roles={**service.roles, self.role: own})
        else:
            service = evolve(service, settings={**service.settings, **self.settings})
        return evolve(spec, services={**spec.services, "it": service})

    def plan(self, running: Plan | None = None) -> Plan:
        """Plan the stack, with the stand-in for every program."""
        spec = self.spec()
        known = {
            name: providers.load(name)
            for name in {one.use.partition("/")[0] for one in spec.services.values()}
        }
        wishes = plan.resolve(spec, known, {})
        artifacts = self._fetched(wishes) if self.real else self._stand_ins(wishes)
        saved = Saved(
            stack_id=self.stack_id,
            ports=running.ports if running else {},
            plan=json.loads(plan.to_json(running)) if running else None,
        )
        machine = Machine(
            platform=Platform.current(), busy=busy_ports() if self.busy is None else self.busy
        )
        return plan.make(spec, known, artifacts, saved, machine)

    def _stand_ins(self, wishes: Iterable[ArtifactWish]) -> dict[str, Artifact]:
        return {wish.key: self._artifact(wish.key, wish.version) for wish in wishes}

    def _fetched(self, wishes: Iterable[ArtifactWish]) -> dict[str, Artifact]:
        from booty import fetch, paths

        store = fetch.Store(paths.store())
        platform = Platform.current()
        return fetch.ensure(wishes, platform=platform, lock=fetch.Lock(), store=store)[0]

    def _artifact(self, key: str, version: str) -> Artifact:
        return Artifact(
            key=key,
            program="standin",
            version=version,
            platform=str(Platform.current()),
            source="on-path",
            trust="yours",
            path=str(self.program().parent),
            executable="standin",
        )

    def program(self) -> Path:
        """Return the stand-in as an executable file."""
        file = self.root / "bin" / "standin"
        if not file.exists():
            from booty.testing import standin

            file.parent.mkdir(parents=True, exist_ok=True)
            text = Path(standin.__file__).read_text()
            file.write_text(f"#!{sys.executable} -SE\n{text}")
            file.chmod(0o700)
        return file

    def sheet(self, made: Plan) -> dict[str, Any]:
        """Compile the run sheet and put the stand-in in."""
        sheet, blobs = plan.sheet(made)
        if self.real:
            self._write(sheet, blobs)
            return sheet
        for entry in sheet["instances"]:
            if entry["kind"] != "external":
                self._replace(entry)
        for provider in sheet["providers"].values():
            hooks = set(provider["hooks"]) - HOOKS_OF_THE_REAL_PROGRAM
            provider["hooks"] = sorted(hooks)
        for service in sheet["services"].values():
            service["bootstrap"] = None
        self._write(sheet, blobs)
        return sheet

    def _replace(self, entry: dict[str, Any]) -> None:
        listen = [["127.0.0.1", port, self.greeting] for port in entry["ports"].values()]
        arguments = str(self.root / f"{entry['name']}.arguments")
        told = {"listen": listen, "arguments": arguments, **self.told}
        entry["argv"] = [str(self.program()), *entry["argv"][1:]]
        entry["env"] = {**entry["env"], "BOOTY_STANDIN": json.dumps(told)}
        entry["check"] = entry["prepare"] = None

    def secrets(self, made: Plan) -> int:
        """Return a memory file with the secrets of a plan, made for this stage alone."""
        from booty import secrets
        from booty.secrets.backend import FileBackend

        kept = FileBackend(self.root / "secrets")
        return secrets.to_memfd(secrets.materialise(made.secrets, kept, dict(os.environ)))

    def rewrite(self, sheet: dict[str, Any]) -> None:
        """Write the sheet again after a test has changed it."""
        self._write(sheet, {})

    def _write(self, sheet: dict[str, Any], blobs: dict[str, bytes]) -> None:
        place = self.state / "plans"
        (place / "blobs").mkdir(parents=True, exist_ok=True, mode=0o700)
        (place / f"{sheet['digest']}.run.json").write_text(json.dumps(sheet))
        for digest, content in blobs.items():
            (place / "blobs" / digest).write_bytes(content)

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.root / ".booty"

    def open(self) -> Connection:
        """Start guardian and supervisor of this stack, or reach those that run."""
        from booty import paths

        self.state.mkdir(exist_ok=True, mode=0o700)
        environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        return launch.ensure(
            self.state,
            stack_id=self.stack_id,
            name="contract",
            lifetime="outlive-me",
            hold=None,
            environment=environment,
            store=str(paths.store()),
            root=str(self.root),
        ).connection()

    def clear(self) -> None:
        """Remove the folder; what ran has been stopped."""
        shutil.rmtree(self.root, ignore_errors=True)


def free_ports(made: Plan) -> Plan:
    """Return a plan with a port for each of its own that nobody has: tests run side by side."""
    held = {key: socket.create_server(("127.0.0.1", 0)) for key in made.ports}
    numbers = {key: one.getsockname()[1] for key, one in held.items()}
    for one in held.values():
        one.close()
    return evolve(made, ports=numbers)


def busy_ports() -> dict[int, str]:
    """Return the ports that somebody on this machine listens on."""
    from booty.run import ports

    return dict(ports.busy_ports())


def with_port_offset(made: Plan, offset: int) -> Plan:
    """Return a plan that remembers other port numbers, to see that configure follows."""
    return evolve(made, ports={key: port + offset for key, port in made.ports.items()})
