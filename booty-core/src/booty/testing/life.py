"""The part of the contract that starts and stops: with the stand-in, or with the real program."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time as wall
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from booty.errors import BootyError, BootyErrors
from booty.model import codec
from booty.model.reference import fill
from booty.run import stamp
from booty.stack.asking import SLACK, ask
from booty.supervise import state
from booty.supervise.client import ControlError, connect
from booty.testing.configured import planned
from booty.testing.stage import Stage, free_ports
from booty.testing.verdict import loaded, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Life"]

PATIENCE: Final = 30.0
"""Seconds a stand-in may take for anything before the test fails."""
REAL_PATIENCE: Final = 300.0
"""Seconds a real program may take."""
SHORT: Final = 0.3
"""Seconds that a hook is given when it is seen whether it keeps its deadline."""
ALONE: Final = 4.0
"""Seconds beyond it for the start of a worker that is tried once more, by itself."""
EXPECTED_FAILURES: Final = (7, 8)
LOOK: Final = 5.0
"""Seconds that a look at a server which is not there may take."""
OF_INSTANCES: Final = ("health", "stop", "reload", "drain", "before_restart", "after_restart")
HINT: Final = "look into the lines above; what the program is told: booty plan --json"
ENDS: Final = "see that stop_signal, grace and exit_codes are those of the program: try by hand"


class Life:
    """Start, refuse to start, stop, refuse to stop, leave nothing."""

    provider: ClassVar[str] = ""
    service: ClassVar[str] = ""
    more: ClassVar[str] = ""
    greeting: ClassVar[str] = ""
    log_line: ClassVar[str] = "listening"
    real: ClassVar[bool] = False
    patience: ClassVar[float] = 5.0

    @contextlib.contextmanager
    def _running(self, root: Path, **told: Any) -> Iterator[_Running]:
        if told and self.real:
            pytest.skip("only the stand-in can be told to misbehave")
        stage = Stage(
            root=root,
            provider=self.provider,
            service=self.service,
            more=self.more,
            greeting=self._greeting(),
            told={"log": self.log_line, **told},
            real=self.real,
        )
        planned(stage, self.provider)
        running = _Running(stage, self.patience)
        try:
            yield running
        finally:
            running.end()

    def _greeting(self) -> str:
        probes = [one.ready for one in loaded(self.provider).components.values()]
        first = next((probe.first_bytes for probe in probes if probe and probe.first_bytes), "")
        return self.greeting or (f"{first} \r\n" if first else "")

    def _up(self, running: _Running) -> None:
        try:
            running.up()
        except ControlError as error:
            lines = [f"{error.reference}: {error}", *error.data.get("lines", ())]
            refuse(
                lines,
                "see that ready fits what the program says; what the stand-in says and prints is"
                " set in the test class by greeting and log_line",
            )

    def test_life(self, tmp_path: Path) -> None:
        """Up, ready, down: a clean end, and no process is left."""
        with self._running(tmp_path) as running:
            self._up(running)
            pids = running.pids()
            report = running.down()
            left = [pid for pid in pids if _alive(pid)]

            assert pids, "nothing ran"
            refuse(_unclean(report), ENDS)
            refuse((f"process {pid} is left" for pid in left), ENDS)

    def test_arguments_arrive(self, tmp_path: Path) -> None:
        """The program gets the arguments of the launch, with every reference filled in."""
        if self.real:
            pytest.skip("only the stand-in writes its arguments down")
        with self._running(tmp_path) as running:
            self._up(running)
            for entry in running.entries():
                words = json.loads((tmp_path / f"{entry['name']}.arguments").read_text())
                left = [word for word in words if "@{booty:" in word or "${" in word]
                refuse((f'"{entry["name"]}" is told "{word}"' for word in left), HINT)
                assert len(words) == len(entry["argv"]), words

    def test_never_ready_is_cleaned_up(self, tmp_path: Path) -> None:
        """A program that never gets ready is named, and nothing of it is left."""
        with self._running(tmp_path, mute=True, log="nothing") as running:
            fault = running.fails(ready_timeout=0.1)
            silent = "a program that opens no port and says nothing counts as ready"
            refuse([] if fault else [silent], "let ready look at what only a working server does")
            assert fault["status"] in EXPECTED_FAILURES, fault
            assert "it" in fault["message"], fault
            assert running.pids() == []

    def test_early_end_is_told(self, tmp_path: Path) -> None:
        """A program that ends at once is a failed start with its last lines."""
        with self._running(tmp_path, exit=3) as running:
            fault = running.fails()
            if fault.get("status") != EXPECTED_FAILURES[0]:
                refuse(
                    ["a program that ends at once with 3 is no failed start"],
                    "let ready look at the program, and leave 3 out of exit_codes unless it is an"
                    " end well done",
                )
            assert "told to end at once" in json.dumps(fault), fault

    def test_stop_twice(self, tmp_path: Path) -> None:
        """Stopping what is stopped is no fault."""
        with self._running(tmp_path) as running:
            self._up(running)
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
            running.up(grace=0.1)
            report = running.down()

            assert "killed" in {row["how"] for row in report}, report

    def test_restart_keeps_data(self, tmp_path: Path) -> None:
        """What is in the data folder is there after a restart."""
        with self._running(tmp_path) as running:
            self._up(running)
            marks = [
                running.stage.state / "data" / entry["name"] / "kept" for entry in running.entries()
            ]
            for mark in marks:
                mark.write_text("yes")
            running.ask("restart", names=[entry["name"] for entry in running.entries()])
            running.ask("wait", names=None, **{"for": "ready"})
            gone = [mark for mark in marks if not mark.exists()]
            refuse((f'"{mark}" is gone after a restart' for mark in gone), HINT)

    def test_hooks_keep_their_deadlines(self, tmp_path: Path) -> None:
        """A hook that asks a server which says nothing lets itself be interrupted."""
        hooks = loaded(self.provider).hooks
        asked: list[str] = [verb for verb in OF_INSTANCES if verb in hooks]
        asked += ["bootstrap"] if "bootstrap" in hooks else []
        if not asked:
            pytest.skip("it has no hook that runs in a worker")
        stage = self._stage_of(tmp_path)
        with _silent(stage, self.provider) as about, ThreadPoolExecutor(len(asked)) as pool:
            kept = pool.map(lambda one: _interrupted(self.provider, one, about), asked)
            deaf = [verb for verb, well in zip(asked, kept, strict=True) if not well]
            # several workers at one time are slow to start on a machine with much else to do
            deaf = [verb for verb in deaf if not _interrupted(self.provider, verb, about, ALONE)]
        refuse(
            (
                f'hook "{verb}" blocks, or ends its process, when the server is silent'
                for verb in deaf
            ),
            "await everything that waits; what cannot be awaited belongs into"
            " anyio.to_thread.run_sync(…, abandon_on_cancel=True)",
        )

    def test_health_tells_of_a_dead_server(self, tmp_path: Path) -> None:
        """A look where nobody listens never says that it is good, and raises nothing of its own."""
        if "health" not in loaded(self.provider).hooks:
            pytest.skip("it leaves health to the declared probes")
        with _silent(self._stage_of(tmp_path), self.provider) as instance:
            pass  # its port is closed now
        refuse(
            _looked(self.provider, instance),
            'return Health(alive=False, ready=False, good=False, reason="…") instead of raising',
        )

    def _stage_of(self, root: Path) -> Stage:
        return Stage(root=root, provider=self.provider, service=self.service, more=self.more)

    def test_real_program(self, tmp_path: Path) -> None:
        """The real program comes up, is good, gives a client, and ends well (``real = True``)."""
        if not self.real:
            pytest.skip("runs the stand-in only; real = True runs the program")
        import booty

        self._stage_of(tmp_path).spec()
        with booty.SyncStack.open(tmp_path / "booty.toml") as stack:
            stack.up()
            health = stack.health("it")
            before = _sockets()
            if "client" in loaded(self.provider).hooks:
                with stack.client("it") as client:
                    assert client is not None, "the hook client gives nothing"
            after = _sockets()
            rows = stack.ps()
            report = stack.down()

        bad = {name: one for name, one in health.items() if one["good"] is not True}
        refuse((f'"{name}" is not good: {one["reason"]}' for name, one in bad.items()), HINT)
        refuse(
            ["a client that was closed leaves a socket open"] if after - before else [],
            "close what the hook client opened, in its finally",
        )
        refuse(_unclean(report), ENDS)
        left = (row["pid"] for row in rows if row["pid"] and _alive(row["pid"]))
        refuse((f"process {pid} is left" for pid in left), ENDS)
        refuse(self._untimed(rows), "compare log_time with a line of that log; it is UTC")

    def _untimed(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        """Yield the logs in which no line begins with a time of this test, as declared."""
        known = loaded(self.provider).components
        for row in rows:
            form = known[row["component"]].log_time if row["component"] in known else ""
            lines = Path(row["log"]).read_text(errors="replace").splitlines()
            times = [time for line in lines if (time := stamp.read(line, form)) is not None]
            if form and not any(abs(time - wall()) < REAL_PATIENCE for time in times):
                yield f'no line of "{row["log"]}" begins with a time of now, read by "{form}"'


def _unclean(report: list[dict[str, Any]]) -> Iterator[str]:
    for row in report:
        if row["how"] == "killed":
            yield f'"{row["instance"]}" was killed: its grace was over'
        elif row["how"] != "clean":
            end = f"code {row['code']}" if row["signal"] is None else f"signal {row['signal']}"
            yield f'"{row["instance"]}" ended with {end}'


def _sockets() -> set[str]:
    # where there is no such list, nothing is found and nothing is said
    found = set()
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # the descriptor that reads this list is gone by now
            found.add(str(link.readlink()))
    return {place for place in found if place.startswith("socket:")}


@contextlib.contextmanager
def _silent(stage: Stage, provider: str) -> Iterator[dict[str, Any]]:
    """Give an instance, as hooks see it, whose every endpoint accepts and says nothing."""
    made = planned(stage, provider)
    own = next(one.instance for one in made.instances if one.instance.service == "it")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        data = fill(codec.to_data(own), lambda text: _dummy(text, stage.root))
        for one in (data, *data["peers"]):
            for endpoint in one["endpoints"].values():
                endpoint["port"] = listener.getsockname()[1]
        yield data


def _dummy(text: str, root: Path) -> str:
    if text.startswith("secret:"):
        return "x" * 32
    place = root / text.partition(":")[0]
    place.mkdir(exist_ok=True)
    return str(place)


def _interrupted(provider: str, verb: str, instance: dict[str, Any], slack: float = SLACK) -> bool:
    about: dict[str, Any] = {"instance": instance}
    if verb == "bootstrap":
        about = {"service": {"name": "it", "instances": [instance]}}
    if verb == "drain":
        about["leaving"] = False
    try:
        ask(provider, verb, limit=SHORT, slack=slack, log=Path(os.devnull), **about)
    except (BootyError, BootyErrors) as error:
        faults = error.faults if isinstance(error, BootyErrors) else (error,)
        return all(fault.reference != "hook-unknown" for fault in faults)
    return True


def _looked(provider: str, instance: dict[str, Any]) -> list[str]:
    try:
        found = ask(provider, "health", limit=LOOK, log=Path(os.devnull), instance=instance)
    except (BootyError, BootyErrors) as error:
        return [f"health of a dead server: {error}"]
    return ["health calls a dead server good"] if found.get("good") else []


class _Running:
    """A stack on a stage, and what is asked of it."""

    def __init__(self, stage: Stage, soon: float) -> None:
        self.stage = stage
        self.soon = soon
        self.made = stage.plan(free_ports(stage.plan()))
        self.sheet = stage.sheet(self.made)
        self.patience = REAL_PATIENCE if stage.real else PATIENCE
        self.link = stage.open()

    def entries(self) -> list[dict[str, Any]]:
        return [one for one in self.sheet["instances"] if one["service"] == "it"]

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.link.request(do, timeout=self.patience, **fields)

    def begin(self, **changed: Any) -> None:
        for entry in self.sheet["instances"]:
            entry["stop"]["grace"] = changed.get("grace", entry["stop"]["grace"])
            limit = entry["ready_timeout"] if self.stage.real else self.soon
            entry["ready_timeout"] = changed.get("ready_timeout", limit)
        self.stage.rewrite(self.sheet)
        handle = self.stage.secrets(self.made)
        self.ask("converge", plan=self.sheet["digest"], fds=[handle])
        os.close(handle)

    def up(self, **changed: Any) -> None:
        self.begin(**changed)
        self.ask("wait", names=None, **{"for": "ready"})

    def fails(self, **changed: Any) -> dict[str, Any]:
        """Start, and return the fault that ends the waiting; an empty one if it gets ready."""
        try:
            self.up(**changed)
        except ControlError as error:
            data: dict[str, Any] = error.data
            return data
        return {}

    def spawned(self) -> None:
        # what waits for a role that never gets ready is not spawned at all; a service that it
        # links to may be external, and is never spawned either
        levels = ([name for name in one if name.startswith("it.")] for one in self.made.levels)
        self.ask("wait", names=next(filter(None, levels)), **{"for": "started"})

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


def _alive(pid: int) -> bool:
    from booty.run import identity

    return identity.start_time(pid) is not None
