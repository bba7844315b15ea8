"""A stack from a hand-written run sheet: the supervision floor alone, no provider, no command."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from booty.run import identity, tree
from booty.supervise import launch, rows, state
from booty.supervise.client import Connection, ControlError, connect
from booty.supervise.rows import Rows

PATIENCE = 30.0


def entry(name: str, run: str, **changes: Any) -> dict[str, Any]:
    """Return a run sheet's entry of a shell command; keywords replace fields."""
    service = name.partition(".")[0]
    stop = {"signal": "TERM", "grace": 5.0, "drain": "", **changes.pop("stop", {})}
    restart = {
        "policy": "on-failure", "next": 0.01, "factor": 2.0, "max": 0.05, "reset": 60.0,
        "give_up": 3, **changes.pop("restart", {}),
    }  # fmt: skip
    made = {
        "name": name, "service": service, "role": "", "index": 0, "component": "program",
        "provider": "program", "version": "", "kind": "service", "needs": [],
        "argv": ["/bin/sh", "-c", run], "env": {}, "cwd": "@{booty:root}", "umask": "022",
        "stdin": "/dev/null", "limits": {}, "dirs": [], "files": {}, "prepare": None,
        "check": None, "ready": None, "live": None, "ready_timeout": 10.0, "stop": stop,
        "reload": {"signal": "", "exec": []}, "exit_codes": [0], "restart": restart,
        "critical": False, "secrets_as": "env", "log": {}, "log_time": "", "ports": {},
        "urls": {}, "labels": {}, "inputs": {"run": run}, "changes": {}, "instance": {}, **changes,
    }  # fmt: skip
    return {"digest": secrets.token_hex(4), **made}


def probe(**kind: Any) -> dict[str, Any]:
    """Return a probe of a run sheet."""
    return {"interval": None, "timeout": 5.0, "failures": 3, **kind}


def need(name: str, until: str = "ready", of: str = "all") -> dict[str, Any]:
    """Return a need of one instance."""
    return {
        "service": name.partition(".")[0], "instances": [name], "until": until, "of": of,
        "restart": False, "reason": "test",
    }  # fmt: skip


class Stack:
    """One stack in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dir = root / ".booty"
        self.id = secrets.token_hex(8)
        self.watched: set[int] = set()
        self.providers: dict[str, Any] = {}
        self.bootstrap: str | None = None

    def ensure(self, lifetime: str = "outlive-me", hold: int | None = None) -> Connection:
        """Start or find the watchers."""
        link = launch.ensure(
            self.dir, stack_id=self.id, name="t", lifetime=lifetime, hold=hold,
            environment={"PATH": os.environ["PATH"]},
        ).connection()  # fmt: skip
        self.watched |= set(self.watchers().values())
        return link

    def sheet(self, *entries: dict[str, Any]) -> str:
        """Write a run sheet; returns its digest."""
        services: dict[str, Any] = {}
        for one in entries:
            own = {"provider": one["provider"], "component": "program", "instances": [], "url": ""}
            own |= {"bootstrap": self.bootstrap, "critical": False}
            services.setdefault(one["service"], own)["instances"].append(one["name"])
        digest = secrets.token_hex(16)
        (self.dir / "plans").mkdir(parents=True, exist_ok=True)
        sheet = {
            "format": 1, "digest": digest, "stack": {"id": self.id, "name": "t"}, "artifacts": {},
            "providers": {"program": {"hooks": []}, **self.providers}, "services": services,
            "instances": list(entries),
        }  # fmt: skip
        (self.dir / "plans" / f"{digest}.run.json").write_text(json.dumps(sheet))
        return digest

    def up(self, *entries: dict[str, Any], wait: bool = True, **options: Any) -> None:
        """Converge to these entries and wait until all is ready."""
        with self.ensure(options.pop("lifetime", "outlive-me"), options.pop("hold", None)) as link:
            link.request("converge", plan=self.sheet(*entries), timeout=PATIENCE, **options)
            if wait:
                link.request("wait", names=None, **{"for": "ready"}, timeout=PATIENCE)

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor."""
        with connect(self.dir) as link:
            return link.request(do, timeout=PATIENCE, **fields)

    def row(self, name: str) -> dict[str, Any]:
        """Return an instance's state."""
        rows = {one["instance"]: one for one in state.read(self.dir)["instances"]}
        return rows.get(name) or {"state": "absent", "pid": None}

    def rewrite(self, name: str, **changes: Any) -> None:
        """Change what is written down about an instance; nobody may be watching it."""
        path = str(self.dir / "state/instances.jsonl")
        Rows(path).write({**rows.read(path)[name], **changes})

    def watchers(self) -> dict[str, int]:
        """Return pids of guardian and supervisor."""
        stack = json.loads((self.dir / "state/stack.json").read_text())
        return {
            name: stack[name]["pid"]
            for name in ("guardian", "supervisor")
            if (stack.get(name) or {}).get("pid")
        }

    def until(self, wanted: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until something is so."""
        end = time.monotonic() + patience
        while not wanted():
            assert time.monotonic() < end, self.told()
            select.select([], [], [], 0.01)

    def kill(self, *roles: str) -> None:
        """KILL watchers and wait until they are gone."""
        pids = self.watchers()
        fds = [os.pidfd_open(pids[role]) for role in roles]
        for role in roles:
            os.kill(pids[role], signal.SIGKILL)
        for fd in fds:
            select.select([fd], [], [], PATIENCE)
            os.close(fd)

    def followed(self, before: dict[str, int]) -> None:
        """Wait until another supervisor serves."""

        def served() -> bool:
            if self.watchers().get("supervisor") in {None, before["supervisor"]}:
                return False
            try:
                self.ask("ping")
            except ControlError:
                return False
            return True

        self.until(served)
        self.watched |= set(self.watchers().values())

    def told(self) -> str:
        """Return the last events."""
        return (self.dir / "events.jsonl").read_text()[-3000:]

    def end(self) -> None:
        """Leave nothing, sockets of watchers that were killed neither."""
        rows = state.read(self.dir)["instances"]
        place = (state.quiet(f"{self.dir}/state/stack.json") or {}).get("runtime")
        try:
            self.watched |= set(self.watchers().values())
            with connect(self.dir) as link:
                link.request("down", force=True, timeout=PATIENCE)
        except (ControlError, OSError, ValueError):
            pass
        marks = {row["mark"] for row in rows if row.get("mark")}
        tree.kill([pid for pid in self.watched if self._ours(pid)])
        tree.kill(tree.belonging(set(), marks))
        if place:
            shutil.rmtree(place, ignore_errors=True)

    def _ours(self, pid: int) -> bool:
        try:
            return str(self.dir) in Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            return False


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    found = identity.stat(pid)
    return found is not None and found.state not in {"Z", "X"}
