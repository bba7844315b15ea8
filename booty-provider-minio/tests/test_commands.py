"""``booty client NAME …``, with real servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.errors import RunError
from booty.stack import resolve
from booty_provider_minio.commands import s3
from booty_provider_minio.copying import _below
from booty_provider_minio.engines import ENGINES
from click.testing import CliRunner, Result

Command = Callable[..., Result]


@pytest.fixture(params=[name for name in ENGINES if name != "silo"])
def client(stacks: Any, request: pytest.FixtureRequest) -> Iterator[Command]:
    """Run ``booty client files …`` against a running engine."""
    with stacks.up(request.param, 'buckets = ["uploads"]') as stack:
        _, instance = resolve.instance(stack._stack.place, "files")

        def run(*words: str, fed: str = "", fails: str = "") -> Result:
            done = CliRunner().invoke(s3, list(words), obj=instance, input=fed)
            if fails:
                assert isinstance(done.exception, RunError), done
                assert fails in done.exception.message
            else:
                assert done.exit_code == 0, (words, done.output, done.exception)
            return done

        yield run


def names(done: Result) -> list[str]:
    """Return the names of a listing."""
    return [json.loads(line)["name"] for line in done.stdout.splitlines()]


@pytest.mark.real
def test_objects_for_people(client: Command, tmp_path: Path) -> None:
    """Files go there and back, are listed, read, copied, signed for, and removed."""
    folder, back = tmp_path / "folder", tmp_path / "back"
    (folder / "deep").mkdir(parents=True)
    (folder / "a b+é%.txt").write_text("one")
    (folder / "deep" / "two.bin").write_bytes(bytes(17 * 1024 * 1024))

    assert names(client("ls", "--json")) == ["uploads"]
    client("cp", "-r", str(folder), "s3://uploads/kept/")
    assert names(client("ls", "--json", "uploads")) == ["kept/"]
    assert names(client("ls", "--json", "uploads/kept/")) == ["kept/deep/", "kept/a b+é%.txt"]
    assert sorted(names(client("ls", "--json", "-r", "uploads"))) == [
        "kept/a b+é%.txt",
        "kept/deep/two.bin",
    ]
    assert client("cat", "uploads/kept/a b+é%.txt").stdout == "one"

    client("cp", "-r", "s3://uploads/kept/", str(back))
    assert (back / "a b+é%.txt").read_text() == "one"
    client("cp", "s3://uploads/kept/a b+é%.txt", f"{back}/new/")
    assert (back / "new" / "a b+é%.txt").read_text() == "one"
    assert (back / "deep/two.bin").stat().st_size == 17 * 1024 * 1024
    assert [file.name for file in back.rglob(".*")] == []

    client("cp", "-", "s3://uploads/piped", fed="fed")
    client("cp", "s3://uploads/piped", "s3://uploads/again")
    assert client("cp", "s3://uploads/again", "-").stdout == "fed"
    url = client("presign", "uploads/again").stdout.strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"fed"

    client("rm", "uploads/again")
    client("rm", "-r", "--yes", "uploads/kept/")
    assert names(client("ls", "--json", "-r", "uploads")) == ["piped"]


@pytest.mark.real
def test_what_is_not_there_is_told(client: Command, tmp_path: Path) -> None:
    """A missing bucket, key, file or folder is named, and nothing is left behind."""
    client("ls", "nobucket", fails='cannot list "s3://nobucket/"')
    client("cat", "uploads/nothing", fails='cannot read "s3://uploads/nothing"')
    client("rm", "uploads/nothing", fails="there is no such object")
    client("rm", "-r", "--yes", "uploads/nothing", fails="there is no such object")
    large = tmp_path / "large"
    large.write_bytes(bytes(6 * 1024 * 1024))  # some servers hang up while it comes
    for _ in range(3):
        client("cp", str(large), "s3://nobucket/x", fails="NoSuchBucket")
    client("ls", "a b", fails="S3 takes no such name")
    client("cp", "-r", "s3://uploads/nothing", str(tmp_path / "x"), fails="nothing is there")
    client("cp", str(tmp_path / "nofile"), "s3://uploads/x", fails="No such file or directory")
    client("cp", "-r", str(tmp_path / "nofolder"), "s3://uploads/x", fails="it is no folder")
    client("cp", "s3://uploads/nothing", str(tmp_path / "x"), fails="cannot copy")

    assert list(tmp_path.glob("*x*")) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("cp a b", "one of the two must be on the server"),
        ("cp s3://uploads .", '"s3://uploads/" is a bucket'),
        ("cp - s3://uploads/", "names no object"),
        ("cp -r s3://uploads -", "does not go with -r"),
        ("cp s3://uploads/a s3://uploads/a", "is both of them"),
        ("cp --type text/plain s3://uploads/a b", "has no content type"),
        ("cat uploads", 'cannot use "uploads" as an object'),
        ("rm uploads", '"s3://uploads/" is a bucket'),
        ("rm -r uploads", "nobody answers: add --yes"),
        ("rm --versions uploads/a", "goes with -r"),
        ("presign uploads", 'cannot use "uploads" as an object'),
    ],
)
def test_a_mistake_is_a_usage_error(words: str, told: str) -> None:
    """What cannot be meant is refused before anything is asked."""
    done = CliRunner().invoke(s3, words.split())
    assert done.exit_code == 2
    assert told in done.output


@pytest.mark.real
def test_ctrl_c_ends_a_copy_of_standard_input(stacks: Any) -> None:
    """Whoever waits for the rest of standard input ends at the first signal, and leaves nothing."""
    with stacks.up("rclone", 'buckets = ["uploads"]') as stack:
        words = [sys.executable, "-m", "booty", "client", "files", "cp", "-", "s3://uploads/x"]
        with subprocess.Popen(words, cwd=stacks.root, stdin=subprocess.PIPE) as copying:
            assert copying.stdin is not None
            # more than a pipe holds: it returns when somebody reads
            copying.stdin.write(bytes(1024 * 1024))
            copying.stdin.flush()
            copying.send_signal(signal.SIGINT)
            assert copying.wait(20) == 130
        _, instance = resolve.instance(stack._stack.place, "files")
        listed = CliRunner().invoke(s3, ["ls", "uploads"], obj=instance)

    assert (listed.exit_code, listed.stdout) == (0, "")


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/x", "a//y", "."])
def test_a_key_that_climbs_is_not_written(key: str) -> None:
    """A key that is no path below a folder is refused, whatever server has let it in."""
    with pytest.raises(RunError, match="this key is no path below a folder"):
        _below("into", key)
