"""A case of the suite: an id, what it needs, and a coroutine that any driver can be given to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

import pytest
from attrs import frozen

from booty.clients.capability import Capability
from booty.clients.errors import ClientError, Code

__all__ = ["Case", "Cases", "fails"]

H = TypeVar("H")


@frozen(kw_only=True)
class Case(Generic[H]):
    """One case.

    Attributes:
        id: a letter and a number, never used for anything else.
        title: what it shows, one sentence.
        run: the case; it is given what it needs of the harness.
        needs: capabilities without which it is skipped.
        lacks: capabilities with which it is skipped: it shows what happens without them.
        portable: whether it tests the portable type itself, and so runs once.
    """

    id: str
    title: str
    run: Callable[[H], Coroutine[Any, Any, None]]
    needs: tuple[Capability, ...] = ()
    lacks: tuple[Capability, ...] = ()
    portable: bool = False

    def skipped(self, capabilities: frozenset[Capability]) -> str | None:
        """Return why a driver with these capabilities skips the case; ``None`` if it does not."""
        missing = [one.value for one in self.needs if one not in capabilities]
        if missing:
            return f"not declared: {', '.join(missing)}"
        present = [one.value for one in self.lacks if one in capabilities]
        return f"declared: {', '.join(present)}" if present else None


class Cases(Generic[H]):
    """The cases of one kind of client, in the order of their ids."""

    def __init__(self) -> None:
        self._cases: dict[str, Case[H]] = {}

    def __iter__(self) -> Iterator[Case[H]]:
        """Give them by their ids."""
        return iter(sorted(self._cases.values(), key=lambda one: one.id.rjust(8)))

    def case(
        self,
        name: str,
        *needs: Capability,
        lacks: tuple[Capability, ...] = (),
        portable: bool = False,
    ) -> Callable[[Callable[[H], Coroutine[Any, Any, None]]], Case[H]]:
        """Make a case of a coroutine; its docstring is the title."""

        def add(run: Callable[[H], Coroutine[Any, Any, None]]) -> Case[H]:
            title = (run.__doc__ or "").strip().splitlines()[0]
            made = Case(id=name, title=title, run=run, needs=needs, lacks=lacks, portable=portable)
            if name in self._cases:
                message = f"case {name} is there twice"
                raise ValueError(message)
            self._cases[name] = made
            return made

        return add


ANY: Final = tuple(code for code in Code if code is not Code.OK)


@contextmanager
def fails(*codes: Code, naming: str = "") -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """Expect an error by its code, whatever its text.

    Args:
        codes: which codes will do; none given: any error.
        naming: what the text must have in it.
    """
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.code in (codes or ANY), f"{caught.value.code}: {caught.value}"
    assert naming in str(caught.value)
