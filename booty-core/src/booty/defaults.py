"""What holds where a provider says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.model.instance import Launch

if TYPE_CHECKING:
    from booty.model.instance import Instance

__all__ = ["configure"]


def configure(instance: Instance) -> Launch:
    """Start the program without arguments of ours."""
    return Launch(argv=(instance.program, *instance.program_args))
