"""Pages say what is so: generated ones equal their source, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
PAGES = sorted(
    page
    for page in Path(__file__).parent.parent.rglob("*.md")
    if not {".venv", ".booty", "node_modules", ".git"} & set(page.parts)
)


def test_generated_pages_are_current(workspace: Path) -> None:
    """``make docs`` would change nothing."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder that is there."""
    targets = LINK.findall(CODE.sub("", page.read_text()))
    local = [one for one in targets if "://" not in one and not one.startswith("mailto:")]

    assert [one for one in local if not (page.parent / one).exists()] == []


def test_one_reference_one_status(workspace: Path) -> None:
    """Every place that reports a fault is understood; a reference stands for one exit status."""
    sys.path.insert(0, str(workspace / "docs"))
    from pages_errors import faults

    statuses: dict[str | None, set[int | None]] = {}
    for fault in faults():
        statuses.setdefault(fault.reference, set()).add(fault.status)

    assert None not in statuses
    assert {
        name: found for name, found in statuses.items() if len(found) > 1 or None in found
    } == {}


@pytest.mark.parametrize(
    ("reference", "status", "words"),
    [
        ("bad-value", 3, "cannot use … as …"),  # a default of a method
        ("template-name", 3, "there is no such name"),  # the fourth argument of a function
        ("spawn-failed", 7, ""),  # the default of an exception
        ("no-program", 7, "cannot find the program"),  # an exception that becomes another one
        ("start-unwritable", 7, "cannot start"),  # the second argument of a function
        ("not-running", 10, "none runs for this stack"),  # a constant
        ("critical-lost", 11, "is critical"),  # an entry of a dictionary
        ("usage", 2, ""),  # not an exception of ours
        ("unknown-key", 3, "there is no such key"),  # through two functions
    ],
)
def test_faults_are_found_however_they_are_made(
    workspace: Path, reference: str, status: int, words: str
) -> None:
    """The page lists what wrappers raise, too, with exit status and sentence."""
    page = (workspace / "docs/reference/errors.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{reference}` |")]

    assert row.split("|")[2].strip() == str(status)
    assert words in row


def test_every_command_has_an_example(workspace: Path) -> None:
    """Each help text shows one call."""
    import click
    from booty.cli import COMMANDS, command

    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in COMMANDS}

    assert [n for n, one in found.items() if one and "Example:" not in (one.help or "")] == []


def test_fragments_are_of_known_kinds(workspace: Path) -> None:
    """Changelog fragments have a kind that the changelog knows."""
    kinds = {"feature", "change", "fix"}
    names = [file.name for file in (workspace / "changelog.d").glob("*.md")]

    assert names
    assert [name for name in names if name.split(".")[-2] not in kinds] == []


def test_each_decision_has_its_number(workspace: Path) -> None:
    """Numbers run without a gap, none twice, and a page begins with its own."""
    pages = sorted((workspace / "docs/explanation/decisions").glob("*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert [
        page for page in pages if not page.read_text().startswith(f"# {int(page.name[:4])}. ")
    ] == []
