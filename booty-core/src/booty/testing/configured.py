"""The part of the contract that plans a stack and looks at what ``configure`` answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from booty import plan
from booty.errors import BootyError, BootyErrors
from booty.model import codec
from booty.model.reference import references
from booty.model.state import Change
from booty.testing.stage import Stage, with_port_offset
from booty.testing.verdict import loaded, refuse, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from booty.model.plan import Plan, PlannedInstance

__all__ = ["Configured", "planned"]

EVERYWHERE: Final = re.compile(r"(?<![\d.])0\.0\.0\.0|\[::\]|\*:\d")
LONG_RANDOM: Final = re.compile(r"[A-Za-z0-9_+/-]{32,}={0,2}")
WATCHED: Final = """
import json, sys
from booty import plan, providers
from booty.model import codec
name, component, data = sys.argv[1:4]
provider = providers.load(name)
instance = codec.instance_from_data(json.loads(data), provider.components[component])
seen = []
RUNS = ("subprocess.Popen", "os.posix_spawn", "os.exec")
provider.call("configure", instance=instance)
def watch(event, arguments):
    if event in ("open", "os.mkdir", "os.remove", "os.rename", "socket.connect") + RUNS:
        seen.append(" ".join((event, *map(str, arguments[:1]))))
sys.addaudithook(watch)
provider.call("configure", instance=instance)
print(json.dumps(seen))
"""
ELSEWHERE: Final = "127.0.0.77"
NEWCOMER: Final = """
[services.newcomer]
use = "program"
run = ["true"]
env = { IT = "${services.it.url}" }
"""


class Configured:
    """Purity, ports, addresses, secrets, files, changes, round trip."""

    provider: ClassVar[str] = ""
    service: ClassVar[str] = ""
    more: ClassVar[str] = ""

    def _stage(self, root: Path, service: str = "", more: str = "") -> Stage:
        lines, tables = f"{self.service}\n{service}", f"{self.more}\n{more}"
        return Stage(root=root, provider=self.provider, service=lines, more=tables)

    def _plan(self, root: Path, service: str = "") -> Plan:
        return planned(self._stage(root, service), self.provider)

    def _own(self, made: Plan) -> list[PlannedInstance]:
        return [one for one in made.instances if one.instance.owner == self.provider]

    def test_service_can_be_planned(self, tmp_path: Path) -> None:
        """``use = "mine"`` alone gives a plan: ``expand`` and ``configure`` answer as they should.

        No secret is in an argument, files and folders are the instance's own, files that hold a
        secret are private: what is refused here is refused at every use.
        """
        loaded(self.provider)
        faults: list[str] = []
        try:
            self._stage(tmp_path).plan()
        except (BootyError, BootyErrors) as error:
            faults = words(error)
        except (TypeError, ValueError) as error:
            faults = [f"the plan cannot be written as JSON: {error}"]
        refuse(
            faults,
            "docs/how-to/write-a-provider.md, section 3. What a service cannot do without is said"
            " in the test class: service = 'settings = { … }', more = '[services.other] …'",
        )

    def test_plan_is_the_same_twice(self, tmp_path: Path) -> None:
        """Planning twice gives the same bytes, so ``configure`` and ``expand`` are pure."""
        first = json.loads(plan.to_json(self._plan(tmp_path)))
        stage = self._stage(tmp_path)
        stage.stack_id = first["stack"]["id"]
        second = json.loads(plan.to_json(planned(stage, self.provider)))
        refuse(
            (f'"{path}" is another one at the second time' for path in _differences(first, second)),
            "take neither the time nor random numbers in expand and configure, and iterate over no"
            " set; secrets come from SecretNeed",
        )

    def test_plan_survives_json(self, tmp_path: Path) -> None:
        """A plan read back from its JSON is equal to the byte."""
        text = plan.to_json(self._plan(tmp_path))
        again = plan.to_json(plan.from_json(text))
        differences = _differences(json.loads(text), json.loads(again))
        refuse(
            (f'"{path}" is another one when it is read back' for path in differences),
            "let settings, resources and launches hold text, numbers, lists, tables and attrs"
            " classes of these",
        )

    def test_configure_touches_nothing(self, tmp_path: Path) -> None:
        """``configure`` reads, writes, connects to and runs nothing."""
        for one in self._own(self._plan(tmp_path)):
            data = codec.canonical(one.instance).decode()
            argv = [sys.executable, "-c", WATCHED, self.provider, one.instance.component, data]
            done = subprocess.run(argv, capture_output=True, text=True, check=True)
            seen = json.loads(done.stdout.splitlines()[-1])
            refuse(
                (f'configure of "{one.instance.name}" does: {what}' for what in seen),
                "return files in Launch(files=…), commands in prepare and check; look at the"
                " machine in preflight, at a running server in health and bootstrap",
            )

    def test_given_ports_are_used(self, tmp_path: Path) -> None:
        """Every port that was given appears in the launch, and follows when it is another one."""
        stage = self._stage(tmp_path)
        first = planned(stage, self.provider)
        second = stage.plan(with_port_offset(first, 1000))
        refuse(
            (
                f'"{one.instance.name}" was given port {endpoint.port} as "{name}", and no'
                " argument, variable or file says so"
                for made in (first, second)
                for one in self._own(made)
                for name, endpoint in one.instance.endpoints.items()
                if not re.search(rf"(?<!\d){endpoint.port}(?!\d)", _text(one))
            ),
            'use instance.endpoints["NAME"].port; declare a port that is not always open with'
            " optional=True",
        )

    def test_bind_is_obeyed(self, tmp_path: Path) -> None:
        """A program listens where ``bind`` says, and where nothing says: on 127.0.0.1."""
        made = self._plan(tmp_path, f'bind = "{ELSEWHERE}"')
        refuse(
            (
                f'"{one.instance.name}" shall bind "{ELSEWHERE}", and no argument, variable or file'
                " says so"
                for one in self._own(made)
                if one.instance.endpoints and ELSEWHERE not in _text(one)
            ),
            'give the program instance.endpoints["NAME"].bind as the address it listens on',
        )

    def test_nothing_listens_everywhere(self, tmp_path: Path) -> None:
        """No wildcard address stands in arguments, variables or files."""
        refuse(
            (
                f'"{one.instance.name}" is told "{found.group()}"'
                for one in self._own(self._plan(tmp_path))
                for found in EVERYWHERE.finditer(_text(one))
            ),
            'listen on instance.endpoints["NAME"].bind, and nowhere else',
        )

    def test_no_secret_is_a_literal(self, tmp_path: Path) -> None:
        """Secrets appear as references only: nothing that looks generated stands in the launch."""
        refuse(
            (
                f'"{one.instance.name}" is told "{text[:6]}…", which looks like a secret'
                for one in self._own(self._plan(tmp_path))
                for text in LONG_RANDOM.findall(re.sub(r"@\{booty:[^}]*\}", "", _text(one)))
                if _looks_random(text)
            ),
            'declare SecretNeed(name="…") and use instance.secrets["…"]',
        )

    def test_only_given_secrets_are_used(self, tmp_path: Path) -> None:
        """A launch refers to secrets that the plan makes, and to no others."""
        made = self._plan(tmp_path)
        names = {str(need["name"]) for need in made.secrets}
        refuse(
            (
                f'"{one.instance.name}" refers to the secret "{name}", which nobody makes'
                for one in self._own(made)
                for found in references(codec.to_data(one.launch))
                if (name := found.removeprefix("secret:").partition("#")[0]) not in names
                and found.startswith("secret:")
            ),
            "take references from instance.secrets, consumers and links; never write one yourself",
        )

    def test_new_consumer_restarts_nobody(self, tmp_path: Path) -> None:
        """Somebody who begins to use the service costs a reload at most."""
        before = self._plan(tmp_path)
        if not any(_offers(one, self.provider) for one in self._own(before)):
            pytest.skip("it offers no interface, so nobody can begin to use it")
        after = self._stage(tmp_path, more=NEWCOMER).plan(before)
        refuse(
            (
                f'"{step.subject}": {step.change} when somebody begins to use it: {step.reason}'
                for step in after.steps
                if step.subject.startswith("it.") and step.change.rank > Change.RELOAD.rank
            ),
            'say changes={"consumers": Change.RELOAD} and reload_signal (or the hook reload), or'
            ' give all consumers one secret: SecretNeed(per="service")',
        )


def planned(stage: Stage, provider: str) -> Plan:
    """Return the plan; where there is none, one test says why and the others skip."""
    loaded(provider)
    try:
        return stage.plan()
    except (BootyError, BootyErrors, TypeError, ValueError):
        pytest.skip(f"{provider} cannot be planned: test_service_can_be_planned says why")


def _offers(one: PlannedInstance, provider: str) -> bool:
    return bool(loaded(provider).components[one.instance.component].offers)


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differences(mine, theirs, f"{path}[{number}]")
    elif one != other:
        yield path


def _text(one: PlannedInstance) -> str:
    launch: Any = codec.to_data(one.launch)
    files = "\n".join(file["content"] for file in launch["files"].values())
    return "\n".join((*launch["argv"], *launch["env"].values(), *launch["files"], files))


def _looks_random(text: str) -> bool:
    kinds = (str.isdigit, str.islower, str.isupper)
    return "/" not in text and all(any(kind(char) for char in text) for kind in kinds)
