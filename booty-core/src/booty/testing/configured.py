"""The part of the contract that plans a stack and looks at what ``configure`` answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

from booty import plan, providers
from booty.model import codec
from booty.model.reference import literal_only, references
from booty.model.state import Change
from booty.testing.stage import Stage, with_port_offset

if TYPE_CHECKING:
    from pathlib import Path

    from booty.model.plan import Plan, PlannedInstance

__all__ = ["Configured"]

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
        seen.append(event)
sys.addaudithook(watch)
provider.call("configure", instance=instance)
print(json.dumps(seen))
"""


class Configured:
    """Purity, ports, addresses, secrets, files, changes, round trip."""

    provider: ClassVar[str] = ""
    service: ClassVar[str] = ""
    more: ClassVar[str] = ""

    def _stage(self, root: Path, more: str = "") -> Stage:
        return Stage(root=root, provider=self.provider, service=self.service, more=self.more + more)

    def _plan(self, root: Path) -> Plan:
        return self._stage(root).plan()

    def _own(self, made: Plan) -> list[PlannedInstance]:
        return [one for one in made.instances if one.instance.owner == self.provider]

    def test_plan_is_the_same_twice(self, tmp_path: Path) -> None:
        """Planning twice gives the same bytes, so ``configure`` and ``expand`` are pure."""
        stage = self._stage(tmp_path)

        assert plan.to_json(stage.plan()) == plan.to_json(stage.plan())

    def test_plan_survives_json(self, tmp_path: Path) -> None:
        """A plan read back from its JSON is equal to the byte."""
        text = plan.to_json(self._plan(tmp_path))

        assert plan.to_json(plan.from_json(text)) == text

    def test_configure_touches_nothing(self, tmp_path: Path) -> None:
        """``configure`` reads, writes, connects to and runs nothing."""
        for one in self._own(self._plan(tmp_path)):
            data = codec.canonical(one.instance).decode()
            argv = [sys.executable, "-c", WATCHED, self.provider, one.instance.component, data]
            done = subprocess.run(argv, capture_output=True, text=True, check=True)

            assert json.loads(done.stdout) == []

    def test_given_ports_are_used(self, tmp_path: Path) -> None:
        """Every port that was given appears in the launch, and follows when it is another one."""
        stage = self._stage(tmp_path)
        first = stage.plan()
        second = stage.plan(with_port_offset(first, 1000))
        for made in (first, second):
            for one in self._own(made):
                text = _text(one)
                unused = [
                    name
                    for name, endpoint in one.instance.endpoints.items()
                    if not re.search(rf"(?<!\d){endpoint.port}(?!\d)", text)
                ]
                assert unused == []

    def test_nothing_listens_everywhere(self, tmp_path: Path) -> None:
        """No wildcard address stands in arguments, variables or files."""
        for one in self._own(self._plan(tmp_path)):
            assert EVERYWHERE.search(_text(one)) is None

    def test_arguments_hold_no_secret(self, tmp_path: Path) -> None:
        """Arguments are seen by every user of a machine."""
        for one in self._own(self._plan(tmp_path)):
            assert literal_only(list(one.launch.argv))

    def test_no_secret_is_a_literal(self, tmp_path: Path) -> None:
        """Secrets appear as references only: nothing that looks generated stands in the launch."""
        for one in self._own(self._plan(tmp_path)):
            bare = re.sub(r"@\{booty:[^}]*\}", "", _text(one))
            found = [text for text in LONG_RANDOM.findall(bare) if _looks_random(text)]

            assert found == []

    def test_only_given_secrets_are_used(self, tmp_path: Path) -> None:
        """A launch refers to secrets that the plan makes, and to no others."""
        made = self._plan(tmp_path)
        names = {str(need["name"]) for need in made.secrets}
        for one in self._own(made):
            used = {
                found.removeprefix("secret:").partition("#")[0]
                for found in references(codec.to_data(one.launch))
                if found.startswith("secret:")
            }
            assert used <= names

    def test_files_stay_inside(self, tmp_path: Path) -> None:
        """Files are written below the instance's own config and run folders."""
        for one in self._own(self._plan(tmp_path)):
            dirs = one.instance.dirs
            for path in one.launch.files:
                assert path.startswith((f"{dirs.config}/", f"{dirs.run}/"))
                assert ".." not in path.split("/")

    def test_files_with_secrets_are_private(self, tmp_path: Path) -> None:
        """A file that holds a secret is readable by its owner only."""
        for one in self._own(self._plan(tmp_path)):
            for file in one.launch.files.values():
                if not literal_only(file.content):
                    assert file.mode & 0o077 == 0

    def test_new_consumer_restarts_nobody(self, tmp_path: Path) -> None:
        """Somebody who begins to use the service costs a reload at most."""
        stage = self._stage(tmp_path)
        before = stage.plan()
        consumer = (
            '[services.newcomer]\nuse = "program"\nrun = ["true"]\n'
            'env = { IT = "${services.it.url}" }\n'
        )
        offers = providers.load(self.provider).components[self._own(before)[0].instance.component]
        if not offers.offers:
            return
        after = self._stage(tmp_path, consumer).plan(before)
        steps = [step for step in after.steps if step.subject.startswith("it.")]

        assert max((step.change.rank for step in steps), default=0) <= Change.RELOAD.rank

    def test_no_secret_value_is_in_the_plan(self, tmp_path: Path) -> None:
        """The plan's bytes hold references; a value never reaches it."""
        text = plan.to_json(self._plan(tmp_path))

        assert b"BEGIN" not in text


def _text(one: PlannedInstance) -> str:
    launch: Any = codec.to_data(one.launch)
    files = "\n".join(file["content"] for file in launch["files"].values())
    return "\n".join((*launch["argv"], *launch["env"].values(), *launch["files"], files))


def _looks_random(text: str) -> bool:
    kinds = (str.isdigit, str.islower, str.isupper)
    return "/" not in text and all(any(kind(char) for char in text) for kind in kinds)
