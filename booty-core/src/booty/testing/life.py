"""The part of the contract that starts and stops: with the stand-in, or with the real program."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from booty import providers
from booty.supervise import state
from booty.supervise.client import ControlError, connect
from booty.testing.stage import Stage, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Life"]

PATIENCE = 30.0
"""Seconds a stand-in may take for anything before the test fails."""
EXPECTED_FAILURES = (7, 8)


class Life:
    """Start, refuse to start, stop, refuse to stop, leave nothing."""

    provider: ClassVar[str] = ""
    service: ClassVar[str] = ""
    more: ClassVar[str] = ""
    greeting: ClassVar[str] = ""
    log_line: ClassVar[str] = "listening"
    real: ClassVar[bool] = False

    @contextlib.contextmanager
    def _running(self, root: Path, **told: Any) -> Iterator[_Running]:
        stage = Stage(
            root=root,
            provider=self.provider,
            service=self.service,
            more=self.more,
            greeting=self._greeting(),
            told={"log": self.log_line, **told},
        )
        running = _Running(stage)
        try:
            yield running
        finally:
            running.end()

    def _greeting(self) -> str:
        probes = [one.ready for one in providers.load(self.provider).components.values()]
        first = next((probe.first_bytes for probe in probes if probe and probe.first_bytes), "")
        return self.greeting or (f"{first} \r\n" if first else "")

    def test_life(self, tmp_path: Path) -> None:
        """Up, ready, down: a clean end, and no process is left."""
        with self._running(tmp_path) as running:
            running.up()
            pids = running.pids()
            report = running.down()

            assert pids
            assert {row["how"] for row in report} <= {"clean", "code"}
            assert not [pid for pid in pids if _alive(pid)]

    def test_arguments_arrive(self, tmp_path: Path) -> None:
        """The program gets the arguments of the launch, with every reference filled in."""
        with self._running(tmp_path) as running:
            running.up()
            for entry in running.entries():
                file = tmp_path / f"{entry['name']}.arguments"
                assert "@{booty:" not in file.read_text()
                assert len(json.loads(file.read_text())) == len(entry["argv"])

    def test_never_ready_is_cleaned_up(self, tmp_path: Path) -> None:
        """A program that never gets ready is named, and nothing of it is left."""
        with self._running(tmp_path, mute=True, log="nothing") as running:
            fault = running.fails(ready_timeout=0.3)

            assert fault["status"] in EXPECTED_FAILURES
            assert "it" in fault["message"]
            assert running.pids() == []

    def test_early_end_is_told(self, tmp_path: Path) -> None:
        """A program that ends at once is a failed start with its last lines."""
        with self._running(tmp_path, exit=3) as running:
            fault = running.fails()

            assert fault["status"] == EXPECTED_FAILURES[0]
            assert "told to end at once" in json.dumps(fault)

    def test_stop_twice(self, tmp_path: Path) -> None:
        """Stopping what is stopped is no fault."""
        with self._running(tmp_path) as running:
            running.up()
            names = [entry["name"] for entry in running.entries()]
            running.ask("stop", names=names)
            running.ask("stop", names=names)

            assert running.pids() == []

    def test_stop_while_starting(self, tmp_path: Path) -> None:
        """A stack that is still starting can be stopped."""
        with self._running(tmp_path, mute=True) as running:
            running.begin()
            running.spawned()
            running.down()

            assert running.pids() == []

    def test_deaf_program_is_killed_and_told(self, tmp_path: Path) -> None:
        """A program that ignores its stop signal is killed at the end of its grace, and named."""
        with self._running(tmp_path, deaf=True) as running:
            running.up(grace=0.2)
            report = running.down()

            assert "killed" in {row["how"] for row in report}

    def test_restart_keeps_data(self, tmp_path: Path) -> None:
        """What is in the data folder is there after a restart."""
        with self._running(tmp_path) as running:
            running.up()
            for entry in running.entries():
                (running.stage.state / "data" / entry["name"] / "kept").write_text("yes")
            running.ask("restart", names=[entry["name"] for entry in running.entries()])
            kept = [
                (running.stage.state / "data" / entry["name"] / "kept").read_text()
                for entry in running.entries()
            ]

            assert set(kept) == {"yes"}

    def test_health_is_bounded(self, tmp_path: Path) -> None:
        """A look at something silent ends within its deadline and raises nothing."""
        import anyio

        if "health" not in providers.load(self.provider).hooks:
            pytest.skip("the provider leaves health to the declared probes")
        with self._running(tmp_path) as running, socket.create_server(("127.0.0.1", 0)) as silent:
            looked = anyio.run(running.look, silent.getsockname()[1])

            assert looked is None or looked.good is not True

    def test_real_program(self, tmp_path: Path) -> None:
        """The real program comes up, is good, gives a client, and ends well (``real = True``)."""
        if not self.real:
            pytest.skip("runs the stand-in only; real = True runs the program")
        import booty

        Stage(root=tmp_path, provider=self.provider, service=self.service, more=self.more).spec()
        with booty.SyncStack.open(tmp_path / "booty.toml") as stack:
            stack.up()
            health = stack.health("it")
            if "client" in providers.load(self.provider).hooks:
                with stack.client("it") as client:
                    assert client is not None
            pids = [row["pid"] for row in stack.ps() if row["pid"]]
            report = stack.down()

        assert {one["good"] for one in health.values()} == {True}
        assert {row["how"] for row in report} == {"clean"}
        assert not [pid for pid in pids if _alive(pid)]


class _Running:
    """A stack on a stage, and what is asked of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.made = stage.plan(free_ports(stage.plan()))
        self.sheet = stage.sheet(self.made)
        self.link = stage.open()

    def entries(self) -> list[dict[str, Any]]:
        return [one for one in self.sheet["instances"] if one["service"] == "it"]

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.link.request(do, timeout=PATIENCE, **fields)

    def begin(self, **changed: Any) -> None:
        for entry in self.sheet["instances"]:
            entry["stop"]["grace"] = changed.get("grace", entry["stop"]["grace"])
            entry["ready_timeout"] = changed.get("ready_timeout", entry["ready_timeout"])
        self.stage.rewrite(self.sheet)
        handle = self.stage.secrets(self.made)
        self.ask("converge", plan=self.sheet["digest"], fds=[handle])
        os.close(handle)

    def up(self, **changed: Any) -> None:
        self.begin(**changed)
        self.ask("wait", names=None, **{"for": "ready"})

    def fails(self, **changed: Any) -> dict[str, Any]:
        """Start, and return the fault that ends the waiting."""
        with pytest.raises(ControlError) as caught:
            self.up(**changed)
        data: dict[str, Any] = caught.value.data
        return data

    def spawned(self) -> None:
        self.ask("wait", names=["it"], **{"for": "started"})

    def pids(self) -> list[int]:
        rows = state.read(self.stage.state)["instances"]
        return [row["pid"] for row in rows if row.get("pid")]

    def down(self) -> list[dict[str, Any]]:
        report: list[dict[str, Any]] = self.ask("down")["report"]
        return report

    def end(self) -> None:
        """End the stack if it still runs; the connection is closed in any case."""
        self.link.close()
        with contextlib.suppress(ControlError), connect(self.stage.state) as link:
            link.request("down", timeout=PATIENCE)

    async def look(self, port: int) -> Any:
        """Ask the health hook about an instance whose every endpoint is silent."""
        import anyio
        from attrs import evolve

        own = next(one for one in self.made.instances if one.instance.service == "it")
        silent = {
            name: evolve(endpoint, port=port) for name, endpoint in own.instance.endpoints.items()
        }
        instance = evolve(own.instance, endpoints=silent)
        with anyio.fail_after(PATIENCE):
            return await providers.load(own.instance.owner).call("health", instance=instance)


def _alive(pid: int) -> bool:
    from booty.run import identity

    return identity.start_time(pid) is not None
