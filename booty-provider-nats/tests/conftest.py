"""A rig that runs real servers from real plans, without the supervisor.

The plan is the real one, so is the fetched program; secrets are made and references filled in as a
command would do it. A test asks the hooks themselves.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import booty_provider_nats
import pytest
from attrs import define, evolve, field
from booty import Health, Instance, Launch, Service, config, fetch, paths, plan, providers, secrets
from booty.errors import FetchError
from booty.model import codec
from booty.model.plan import Artifact, Machine, Plan, Saved
from booty.model.platform import Platform
from booty.model.reference import fill
from booty_provider_nats.api import JetStream
from booty_provider_nats.commands import nats
from booty_provider_nats.session import as_consumer
from click.testing import CliRunner, Result

# what tests of this folder share, under names of their own: conftest_deadline.py
sys.path.insert(0, str(Path(__file__).parent))

_T = TypeVar("_T")
PATIENCE = 30.0
PORTS = ("client", "monitor", "cluster", "leaf", "websocket")
_FIRST_PORT = itertools.count(0)


def until(seen: Callable[[], _T], seconds: float = PATIENCE) -> _T:
    """Return what ``seen`` gives as soon as it is true; looks again every 10 ms."""
    never, end = threading.Event(), time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, f"not within {seconds} s: {seen}"
        never.wait(0.01)
    return found


def free_ports() -> dict[str, int]:
    """Return the first number of five free ports for each port name, far from other workers."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for row in _FIRST_PORT:
        first = 11000 + worker * 1500 + os.getpid() % 20 * 50 + row * 25 % 1400
        if all(_free(first + step) for step in range(25)):
            return {name: first + 5 * at for at, name in enumerate(PORTS)}
    raise AssertionError


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@define
class Server:
    """One member: how it is started, and its process while it runs."""

    instance: Instance
    launch: Launch
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """Write its files, as the supervisor does before a start."""
        for path, file in self.launch.files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(file.content)
            Path(path).chmod(file.mode)

    def check_argv(self) -> tuple[str, ...]:
        """Write its files; return the check that ``configure`` declared."""
        assert self.launch.check is not None
        self.write()
        return self.launch.check.argv

    def check(self) -> subprocess.CompletedProcess[str]:
        """Run the check that ``configure`` declared."""
        return subprocess.run(
            self.check_argv(), check=False, capture_output=True, text=True, timeout=20
        )

    def start(self) -> None:
        """Start it; does not wait."""
        self.write()
        Path(self.instance.dirs.data).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.launch.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def greets(self) -> bool:
        """Tell whether it says INFO."""
        endpoint = self.instance.endpoints["client"]
        try:
            with socket.create_connection((endpoint.host, endpoint.port), 1.0) as link:
                return link.recv(4) == b"INFO"
        except OSError:
            return False

    def healthy(self) -> bool:
        """Tell whether ``/healthz`` is content."""
        url = f"{self.instance.endpoints['monitor'].url}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=2.0) as answer:
                return bool(json.load(answer)["status"] == "ok")
        except (OSError, urllib.error.URLError):
            return False

    def ready(self) -> bool:
        """Look as the declared probe does."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return self.greets() if self.instance.replicas == 1 else self.healthy()

    def send(self, number: int) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGSTOP:  # it takes a while until the last of its threads has stopped
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for its end, by an event, and return the exit code."""
        assert self.process is not None
        handle = os.pidfd_open(self.process.pid)
        try:
            assert select.select([handle], [], [], seconds)[0], "still there"
        finally:
            os.close(handle)
        return self.process.wait()

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it as declared and return the exit code."""
        self.send(number)
        return self.ended()


@define
class Rig:
    """One stack ``shop`` with one service ``bus``."""

    root: Path
    artifact: Callable[[str], Artifact]
    text: str = ""
    ports: dict[str, int] = field(factory=free_ports)
    values: dict[str, str] = field(factory=dict)
    servers: list[Server] = field(factory=list)
    made: Plan | None = None

    def plan(self, text: str) -> Plan:
        """Plan ``[services.bus]`` with these lines of TOML; ``%PORTS`` names the rig's own."""
        self.text = text
        optional = {name for name in ("leaf", "websocket") if name in text}
        cluster = ("cluster",) if "replicas = " in text.partition("[")[0] else ()
        named = ("client", "monitor", *cluster, *sorted(optional))
        ports = ", ".join(f"{name} = {self.ports[name]}" for name in named)
        (self.root / "booty.toml").write_text(
            f'[stack]\nformat = 1\nname = "shop"\n[services.bus]\nuse = "nats"\n'
            f"ports = {{ {ports} }}\n{text}\n"
            '[services.main]\nuse = "program"\nrun = ["true"]\n'
            'env = { NATS_URL = "${services.bus.url}" }\n'
        )
        spec = config.load(self.root / "booty.toml")
        known = {name: providers.load(name) for name in ("nats", "program")}
        wishes = plan.resolve(spec, known, {})
        artifacts = {
            wish.key: self.artifact(wish.version) for wish in wishes if wish.component.id == "nats"
        }
        saved = Saved(
            stack_id="0123456789abcdef",
            plan=json.loads(plan.to_json(self.made)) if self.made else None,
        )
        self.made = plan.make(spec, known, artifacts, saved, Machine(platform=Platform.current()))
        return self.made

    def lay(self, text: str) -> list[Server]:
        """Plan, make the secrets, fill everything in; servers that run keep their processes."""
        made = self.plan(text)
        kept = secrets.backend("file", "0123456789abcdef")
        self.values.update(secrets.materialise(made.secrets, kept, {}))
        before = {server.instance.name: server.process for server in self.servers}
        self.servers = [
            self._server(one.instance, one.launch, before.get(one.instance.name))
            for one in made.instances
            if one.instance.service == "bus"
        ]
        return self.servers

    def _server(
        self, instance: Instance, launch: Launch, process: subprocess.Popen[bytes] | None
    ) -> Server:
        def look(name: str) -> str:
            kind, _, rest = name.partition(":")
            if kind == "secret":
                return self.values[rest]
            if kind == "program":
                found = self.artifact(instance.version)
                return str(Path(found.path) / found.executable)
            return str(self.root / kind if kind in ("root", "logs") else self._own(instance, kind))

        component = booty_provider_nats.components()[0]
        filled = codec.instance_from_data(fill(codec.to_data(instance), look), component)
        ready = codec.from_data(Launch, fill(codec.to_data(launch), look))
        return Server(filled, ready, self.root / f"{instance.name}.log", process)

    def _own(self, instance: Instance, kind: str) -> Path:
        return self.root / kind / instance.name

    def up(self, text: str = "") -> list[Server]:
        """Lay, start, wait until all are ready."""
        self.lay(text)
        for server in self.servers:
            server.start()
        for server in self.servers:
            until(server.ready)
        return self.servers

    @staticmethod
    def run(work: Awaitable[_T]) -> _T:
        """Run a hook to its end."""

        async def inner() -> _T:
            return await work

        return asyncio.run(inner())

    @staticmethod
    def until(seen: Callable[[], _T], seconds: float = PATIENCE) -> _T:
        """As :func:`until`."""
        return until(seen, seconds)

    def look(self, number: int = 0) -> Health:
        """Ask the health hook about one member."""
        return self.run(booty_provider_nats.health(instance=self.servers[number].instance))

    def bootstrap(self) -> None:
        """Make what is declared."""
        self.run(booty_provider_nats.bootstrap(service=self.service))

    def call(self, verb: str, body: Any = None) -> dict[str, Any]:
        """Ask JetStream something as the consumer ``user``."""

        async def ask() -> dict[str, Any]:
            async with as_consumer(self.servers[0].instance) as connection:
                return await JetStream(connection).call(verb, body)

        return self.run(ask())

    def publish(self, subject: str, count: int, first: int = 0) -> None:
        """Publish numbers, each acknowledged by a stream."""

        async def send() -> None:
            async with as_consumer(self.servers[0].instance) as connection:
                for number in range(first, first + count):
                    await connection.jetstream().publish(subject, str(number).encode())

        self.run(send())

    def command(self, *arguments: str, fed: str = "") -> Result:
        """Run ``booty client bus …``."""
        return CliRunner().invoke(nats, list(arguments), obj=self.servers[0].instance, input=fed)

    @property
    def service(self) -> Service:
        """The service as hooks see it."""
        return Service(name="bus", instances=tuple(one.instance for one in self.servers))

    @property
    def url(self) -> str:
        """The URL that the program ``main`` was given."""
        assert self.made is not None
        main = next(one for one in self.made.instances if one.instance.service == "main")
        return str(
            fill(
                main.launch.env["NATS_URL"],
                lambda name: self.values[name.removeprefix("secret:")],
            )
        )

    def with_password(self, password: str) -> Instance:
        """Return the first instance as seen by somebody with another password."""
        own = self.servers[0].instance
        consumers = [evolve(one, secrets={"password": password}) for one in own.consumers]
        return evolve(own, consumers=tuple(consumers))

    def end(self) -> None:
        """Kill whatever still runs."""
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.process.kill()
                server.process.wait()


@pytest.fixture(scope="session")
def artifact(pytestconfig: pytest.Config) -> Callable[[str], Artifact]:
    """Give the real program of a version: your own by BOOTY_TEST_NATS, else a verified one."""
    cache = getattr(pytestconfig, "cache", None)
    folder = Path(cache.mkdir("booty-store")) if cache else paths.store()
    found: dict[str, Artifact] = {}

    def get(version: str) -> Artifact:
        if version not in found:
            found[version] = _yours(version) or _fetched(version, folder)
        return found[version]

    return get


def _yours(version: str) -> Artifact | None:
    named = os.environ.get("BOOTY_TEST_NATS", "")
    if not named:
        return None
    file = Path(named).resolve()
    return Artifact(
        key=f"nats@{version}",
        program="nats-server",
        version=version,
        platform=str(Platform.current()),
        source="on-path",
        trust="yours",
        path=str(file.parent),
        executable=file.name,
    )


def _fetched(version: str, folder: Path) -> Artifact:
    known = {"nats": providers.load("nats")}
    file = folder / "booty.toml"
    file.write_text(f'[services.bus]\nuse = "nats"\nversion = "{version}"\n')
    wishes = plan.resolve(config.load(file), known, {})
    try:
        got, _ = fetch.ensure(
            wishes, platform=Platform.current(), lock=fetch.Lock(), store=fetch.Store(folder)
        )
    except FetchError as error:
        pytest.skip(f"nats-server cannot be had here: {error.message}")
    one = got[f"nats@{version}"]
    return evolve(one, path=str(folder / one.path))


@pytest.fixture(scope="class")
def lasting_rig(
    tmp_path_factory: pytest.TempPathFactory, artifact: Callable[[str], Artifact]
) -> Iterator[Rig]:
    """As ``rig``, for all tests of a class."""
    root = tmp_path_factory.mktemp("rig")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOTY_HOME", str(root / "home"))
        made = Rig(root, artifact)
        yield made
        made.end()


@pytest.fixture
def rig(
    tmp_path: Path, artifact: Callable[[str], Artifact], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    """A stack of real servers that ends with the test."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path / "home"))
    made = Rig(tmp_path, artifact)
    yield made
    made.end()
