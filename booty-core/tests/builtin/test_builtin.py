"""The built-in providers, and what holds where a provider says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from booty import defaults, hookspecs, providers
from booty.model.instance import Dirs, Instance, Launch

DIRS = Dirs(data="/d", config="/c", logs="/l", run="/r", root="/")


def instance(component: str, **more: Any) -> Instance:
    """Return an instance as the plan gives it to hooks."""
    return Instance(
        name="a.0", service="a", stack="s", index=0, component=component, dirs=DIRS, **more
    )


@pytest.mark.parametrize(
    ("run", "argv"),
    [
        (["./main", "--port", "1"], ("./main", "--port", "1")),
        ("./main && echo done", ("/bin/sh", "-c", "./main && echo done")),
    ],
    ids=["list", "line"],
)
def test_program_starts_what_run_says(run: Any, argv: tuple[str, ...]) -> None:
    """A list is the argv as it stands; a string is a line for the shell."""
    said = providers.load("program").call(
        "configure", instance=instance("program", spec={"run": run})
    )

    assert said == Launch(argv=argv)


@pytest.mark.parametrize("name", ["program", "external"])
def test_built_in_providers_are_found_like_any_other(name: str) -> None:
    """By an entry point of booty-core, with one component of the same name and nothing to fetch."""
    listed = providers.installed()[name]
    loaded, component = providers.component(name)

    assert (listed.distribution, listed.module) == ("booty-core", f"booty.{name}")
    assert (loaded.name, component.id, component.program) == (name, name, "")


def test_external_is_never_started() -> None:
    """It has no hook that could start anything."""
    assert providers.load("external").hooks == {"components"}


def test_a_silent_provider_starts_its_program() -> None:
    """Without ``configure``: the program, the arguments that a source needs, and none of ours."""
    found = defaults.configure(instance("x", program="/p", program_args=("-m", "x")))

    assert found == Launch(argv=("/p", "-m", "x"))


@pytest.mark.parametrize("verb", sorted(providers.VERBS))
def test_every_verb_is_described(verb: str) -> None:
    """What it is for, which process calls it, and each argument."""
    hook = getattr(hookspecs, verb)
    text = hook.__doc__ or ""
    arguments = [name for name in hook.__annotations__ if name != "return"]

    assert "Runs in: " in text
    assert [name for name in arguments if f"        {name}: " not in text] == []
