"""What holds for all distributions together."""

from __future__ import annotations

import ast
import graphlib
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import booty
import pytest

DISTRIBUTIONS = ("", "booty-core", "booty-provider-minio", "booty-provider-nats")


def manifest(workspace: Path, folder: str) -> dict[str, object]:
    """Read the project table of one distribution."""
    table = tomllib.loads((workspace / folder / "pyproject.toml").read_text())["project"]
    assert isinstance(table, dict)
    return table


def sources(workspace: Path) -> list[Path]:
    """Return every source module of the shipped distributions."""
    return sorted(workspace.glob("booty-*/src/**/*.py"))


def test_one_version_everywhere(workspace: Path) -> None:
    """All distributions and the door state the same version."""
    found = {manifest(workspace, folder)["version"] for folder in DISTRIBUTIONS}

    assert {booty.__version__} == found


def test_our_version_beats_the_stranger_of_the_same_name(workspace: Path) -> None:
    """The public index has another tool called booty up to 0.3.0; a final version above it wins."""
    version = str(manifest(workspace, "")["version"])

    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert tuple(map(int, version.split("."))) > (0, 3, 0)


@pytest.mark.parametrize("folder", DISTRIBUTIONS[1:])
def test_nobody_depends_on_the_root(workspace: Path, folder: str) -> None:
    """A dependency on ``booty`` could pull the stranger in; only ``booty-core`` may be named."""
    wanted = manifest(workspace, folder)["dependencies"]

    assert isinstance(wanted, list)
    assert not [need for need in wanted if re.match(r"booty(?![\w-])", need)]


@pytest.mark.parametrize("folder", DISTRIBUTIONS[1:])
def test_typed_and_described(workspace: Path, folder: str) -> None:
    """Each distribution ships ``py.typed`` and a README."""
    assert list((workspace / folder / "src").glob("*/py.typed"))
    assert len((workspace / folder / "README.md").read_text().splitlines()) > 3


def test_the_script_belongs_to_the_root(workspace: Path) -> None:
    """Installers that refuse scripts of dependencies find ``booty`` where they look."""
    assert manifest(workspace, "")["scripts"] == {"booty": "booty.__main__:main"}


def test_modules_stay_small(workspace: Path) -> None:
    """No module is longer than 400 lines."""
    long = {str(f): n for f in sources(workspace) if (n := len(f.read_text().splitlines())) > 400}

    assert long == {}


def named(file: Path) -> set[str]:
    """Return the modules, and names of modules, that a file imports, for its types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def test_no_two_modules_know_each_other(workspace: Path) -> None:
    """Imports go one way, those of types and those inside functions included.

    Faces of packages, which hand names on lazily, are left out.
    """
    files = [file for file in sources(workspace) if file.name != "__init__.py"]
    names = {}
    for file in files:
        src = next(above for above in file.parents if above.name == "src")
        names[".".join(file.relative_to(src).with_suffix("").parts)] = file
    known = {name: (named(file) & names.keys()) - {name} for name, file in names.items()}

    assert len(known) > 400
    graphlib.TopologicalSorter(known).prepare()  # raises CycleError with the circle


def functions(workspace: Path) -> Iterator[int]:
    """Yield the number of lines of each function's body, without its docstring."""
    for file in sources(workspace):
        if file.name == "hookspecs.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                body = node.body[1:] if ast.get_docstring(node) else node.body
                yield node.end_lineno - body[0].lineno + 1 if body else 0


def test_functions_stay_small(workspace: Path) -> None:
    """Half of all functions have at most eight lines, nine in ten at most 25."""
    lengths = sorted(functions(workspace))

    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 25


def imported(file: Path) -> set[str]:
    """Return the dotted names that a module imports, wherever in it; not those for types only."""
    found: set[str] = set()
    tree = ast.parse(file.read_text())
    for node in [n for n in ast.walk(tree) if isinstance(n, ast.If)]:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("floor", ["supervise", "run"])
def test_the_lowest_floors_use_the_standard_library_alone(workspace: Path, floor: str) -> None:
    """Whatever is installed: nothing but Python's own modules, and these two floors' own."""
    files = sorted((workspace / "booty-core/src/booty" / floor).rglob("*.py"))
    own = ("booty.supervise", "booty.run")
    foreign = {
        (file.name, name)
        for file in files
        for name in imported(file)
        if name.split(".")[0] not in sys.stdlib_module_names
        and name != "booty"
        and not name.startswith(own)
    }

    assert files
    assert foreign == set()


def test_a_provider_knows_the_public_door_alone(workspace: Path) -> None:
    """A provider imports ``booty`` by its door, and no other provider; core imports none."""
    for file in sources(workspace):
        package = file.relative_to(workspace).parts[2]
        names = imported(file)
        providers = {name for name in names if name.startswith("booty_provider_")}

        assert {name for name in providers if name.split(".")[0] != package} == set(), file
        if package != "booty":
            assert {name for name in names if name.startswith("booty.")} == set(), file


def test_public_names_exist(workspace: Path) -> None:
    """Every name in ``booty.__all__`` can be had, and the list is sorted."""
    assert [name for name in booty.__all__ if not hasattr(booty, name)] == []
    assert sorted(booty.__all__) == list(booty.__all__)


def test_nothing_sleeps(workspace: Path) -> None:
    """Waiting is for an event with a deadline, in code and in tests."""
    pattern = re.compile(r"\b(time|anyio|asyncio)\.sleep\((?!0\))")
    files = [
        *sources(workspace),
        *workspace.glob("booty-*/tests/**/*.py"),
        *workspace.glob("tests/**/*.py"),
    ]

    assert [str(file) for file in files if pattern.search(file.read_text())] == []
