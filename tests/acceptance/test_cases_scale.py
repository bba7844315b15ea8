"""Cases B23 and B24: more or fewer of a service."""

from __future__ import annotations

import pytest
from conftest_cases import Case, fake, shell


def test_b23_scale_is_by_number_and_remembered(case: Case) -> None:
    """One, three, two; and two again after ``down`` and ``up``. Who stays is not touched."""
    case.write(fake("a"))
    case.run("up", "-d")
    first = case.pids()
    case.run("scale", "a=3")
    three = case.pids()
    case.run("scale", "a=2")
    two = case.pids()
    case.run("down")
    case.run("up", "-d")

    assert set(three) == {"a.0", "a.1", "a.2"}
    assert three["a.0"] == first["a.0"]
    assert two == {name: three[name] for name in ("a.0", "a.1")}
    assert set(case.pids()) == {"a.0", "a.1"}
    assert len([line for line in case.left() if "fake.py" in line]) == 2


@pytest.mark.parametrize(
    ("words", "named"),
    [(["nothing=2"], "nothing"), (["a.0=2"], "a.0"), (["a=0"], "0"), (["a=-1"], "-1")],
)
def test_b24_wrong_scales_are_refused(case: Case, words: list[str], named: str) -> None:
    """An unknown name, an instance, fewer than may be: each is refused, and nothing changes."""
    case.write(fake("a") + shell("b", "exec sleep 1000"))
    case.run("up", "-d")
    before = case.ps()
    done = case.run("scale", *words, status=None)

    assert done.returncode in {2, 3}, done
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert case.ps() == before
