"""The command line's frame: options anywhere, faults on the screen, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
from booty import __version__, cli
from booty.run import locks


@pytest.mark.parametrize("command", ["ps", "up"])
def test_an_interruption_of_an_import(booty: Any, tmp_path: Path, command: str) -> None:
    """Ctrl-C before anything is done is no fault that has to be read."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = booty(command, status=130, PYTHONPATH=str(tmp_path))

    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("up -d --json", "--json up -d"),
        ("ps --file a/booty.toml -vv", "--file a/booty.toml -vv ps"),
        ("--stack=shop down -q", "--stack=shop -q down"),
        ("logs --version", "--version logs"),
        ("run -- pytest -q --json", "run -- pytest -q --json"),
        ("run pytest -q", "run pytest -q"),
        ("run --as web -q pytest -q", "-q run --as web pytest -q"),
        ("exec web ls -v", "exec web ls -v"),
        ("exec -v web ls -v", "-v exec web ls -v"),
        ("client bus pub x --json", "--json client bus pub x"),
        ("ps --file", "--file ps"),
    ],
)
def test_our_options_stand_anywhere(given: str, expected: str) -> None:
    """Options of booty itself may follow the command; those of another program stay with it."""
    assert " ".join(cli._anywhere(given.split())[0]) == expected.strip()


def test_every_command_is_there() -> None:
    """The table names modules that exist, each with a command of that name and an example."""
    for name in cli.COMMANDS:
        found = cli.command.get_command(click.Context(cli.command), name)

        assert found is not None
        assert found.name == name
        assert "Example" in (found.help or ""), name


def test_help_lists_the_table(booty: Any) -> None:
    """The table of commands is the help, in its order."""
    said = booty("--help").stdout

    assert [name for name in cli.COMMANDS if f"\n  {name} " not in said] == []


def test_version(booty: Any) -> None:
    """The version is told, wherever it is asked for."""
    assert __version__ in booty("--version").stdout
    assert __version__ in booty("up", "--version").stdout


def test_wrong_use(booty: Any) -> None:
    """Wrong use is status 2, and the nearest command is named."""
    assert 'Did you mean "down"?' in booty("dwon", status=2).stderr
    assert "No such option" in booty("up", "--wacht", status=2).stderr


def test_a_fault(booty: Any, root: Path) -> None:
    """A fault is its reference, a sentence and a hint; the traceback only with -vv."""
    done = booty("up", status=3, BOOTY_HOME=str(root / "home"))
    assert done.stderr == (
        f'no-file: cannot find booty.toml in "{root}" or a folder above\n'
        "  hint: booty init, or name one with --file\n"
    )
    assert "Traceback" in booty("up", "-vv", status=3).stderr


def test_a_fault_as_data(booty: Any) -> None:
    """With --json a fault is one object on stdout, behind the command or by BOOTY_JSON too."""
    for arguments, more in [(["up", "--json"], {}), (["ps"], {"BOOTY_JSON": "1"})]:
        fault = json.loads(booty(*arguments, status=3, **more).stdout)["error"]

        assert (fault["reference"], fault["status"]) == ("no-file", 3)
        assert fault["hint"].startswith("booty init")


def test_wrong_use_as_data(booty: Any) -> None:
    """Wrong use is data too; the hint is the help of that command."""
    fault = json.loads(booty("--json", "up", "--nope", status=2).stdout)["error"]

    assert (fault["reference"], fault["status"]) == ("usage", 2)
    assert "--nope" in fault["message"]
    assert fault["hint"] == "booty up --help"


def test_all_faults_at_once(booty: Any, root: Path) -> None:
    """Several faults of a file are told together."""
    (root / "booty.toml").write_text(
        '[stack]\nformat = 1\nname = "t"\n[services.a]\nuse = "program"\nrun = "x"\ngrace = 1\n'
        '[services.b]\nuse = "program"\nrun = 7\n'
    )
    said = booty("up", "-d", status=3).stderr

    assert said.count("  hint: ") == 2
    assert not locks.held(str(root / ".booty/supervisor.lock"))


def test_the_unexpected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody thought of is status 1 and one line, unless the traceback is asked for."""
    broken = click.Command("up", callback=lambda: {}["nothing"])
    monkeypatch.setattr(cli.Root, "get_command", lambda *_: broken)

    assert cli.main(["up"]) == 1
    assert capsys.readouterr().err.startswith("unexpected: KeyError: ")
    assert cli.main(["up", "-vv", "--json"]) == 1
    assert "Traceback" in (said := capsys.readouterr()).err
    assert json.loads(said.out)["error"]["reference"] == "unexpected"


def test_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a command is status 130."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        cli.Root, "get_command", lambda *_: click.Command("x", callback=interrupted)
    )

    assert cli.main(["x"]) == 130


@pytest.mark.parametrize(
    ("value", "why"),
    [("nowhere:command", "ModuleNotFoundError"), ("json:dumps", "is no click command")],
)
def test_a_broken_command_of_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, why: str
) -> None:
    """A third party's command that cannot be loaded fails alone, by name."""
    point = metadata.EntryPoint("theirs", value, "booty.commands")
    monkeypatch.setattr(cli, "_third_parties", lambda: {"theirs": point})

    assert cli.main(["theirs"]) == 4
    assert why in (said := capsys.readouterr().err)
    assert said.startswith('command-broken: cannot load the command "theirs"')


def test_another_folder(booty: Any, root: Path, tmp_path: Path) -> None:
    """A stack is found from below, by file, by name and by folder."""
    (root / "booty.toml").write_text(
        f'[stack]\nformat = 1\nname = "{tmp_path.name}"\n'
        '[services.a]\nuse = "program"\nrun = ["sleep", "99"]\n'
    )
    below = root / "a/b"
    below.mkdir(parents=True)
    booty("up", "-d", cwd=below)

    for arguments, more in [
        (["--file", str(root / "booty.toml")], {}),
        (["--stack", tmp_path.name], {}),
        (["--stack", str(root)], {}),
        ([], {"BOOTY_FILE": str(root)}),
        ([], {"BOOTY_STACK": tmp_path.name}),
    ]:
        found = json.loads(booty("ps", "--json", *arguments, cwd=tmp_path, **more).stdout)
        assert found["root"] == str(root)
        assert found["services"][0]["state"] == "ready"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("status", "ps"), ("list", "ls"), ("log", "logs"), ("rm", "destroy"), ("scale-in", "scale")],
)
def test_words_of_other_tools(booty: Any, typed: str, meant: str) -> None:
    """What other tools call it is answered with our word, not with one that looks alike."""
    assert f'Did you mean "{meant}"?' in booty(typed, status=2).stderr


def test_words_name_commands() -> None:
    """Every word of ours that another tool's stands for is a command."""
    from booty.cli import words

    assert set(words.OTHERS.values()) | set(words.WHOLE) <= set(cli.COMMANDS)
    assert set(words.OTHERS) & set(cli.COMMANDS) == set()


def test_a_missing_name(booty: Any) -> None:
    """It is said where the names are, and which command is for all of them."""
    said = booty("stop", status=2).stderr

    assert "hint: booty ps lists the names, booty down stops everything" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["providers", "--json providers", "--help"])
def test_an_output_that_is_not_taken(command: str, stack_env: dict[str, str]) -> None:
    """A full disk behind the output is said, and is no fault of booty."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "booty", *command.split()],
            env=stack_env, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("output-refused: cannot write to the standard output: No space")
    assert "Traceback" not in done.stderr
