"""How the contract says no: what is wrong with the provider, and what its author does about it."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from booty import providers
from booty.errors import BootyError, BootyErrors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.providers import Provider

__all__ = ["loaded", "refuse", "words"]

NOT_THEIRS: Final = (
    "<",
    str(Path(providers.__file__).parents[1]),
    str(Path(importlib.__file__).parent),
)


def refuse(faults: Iterable[str], hint: str) -> None:
    """Fail the test with these faults; pass where there are none.

    Args:
        faults: what is wrong, each one a phrase with the name in quotes.
        hint: what the provider's author does about it.
    """
    found = list(dict.fromkeys(faults))
    if found:
        listed = "\n".join(f"  {one}" for one in found)
        pytest.fail(f"cannot accept the provider:\n{listed}\nhint: {hint}", pytrace=False)


def words(error: BootyError | BootyErrors) -> list[str]:
    """Return what a fault says, with its hints; of a hook that raised, where in its file it did."""
    faults = error.faults if isinstance(error, BootyErrors) else (error,)
    return [f"{one.reference}: {one.message}{_where(one) or f' ({one.hint})'}" for one in faults]


def _where(error: BootyError) -> str:
    # the last line of the provider's own, not of the import machinery and not of ours
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause else []
    own = [one for one in frames if not one.filename.startswith(NOT_THEIRS)]
    return f", at {own[-1].filename}:{own[-1].lineno}" if own else ""


def loaded(name: str) -> Provider:
    """Return the provider; where it cannot be loaded, one test says why and the others skip."""
    try:
        return providers.load(name)
    except BootyError:
        pytest.skip(f"{name} cannot be loaded: test_provider_loads says why")
