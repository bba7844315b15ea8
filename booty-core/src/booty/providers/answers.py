"""What a hook answers, looked at before anybody relies on it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from booty.errors import BootyError, BootyErrors, ProviderError
from booty.model import shape
from booty.model.expand import Role
from booty.model.instance import Launch
from booty.model.plan import Artifact
from booty.model.problem import Problem
from booty.model.state import Health

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SHAPES", "checked", "hook_failed", "line", "run", "silence"]

SHAPES: Final[dict[str, Any]] = {
    "client": AbstractAsyncContextManager,
    "configure": Launch,
    "drain": str,
    "expand": tuple[Role, ...],
    "fetch": Artifact,
    "health": Health,
    "preflight": tuple[Problem, ...],
    "reload": bool,
    "start": tuple[Launch, ...],
}
"""What a verb answers with; ``None`` is always allowed and means the default."""
_SEVERAL: Final = frozenset(("expand", "preflight", "start"))


def run(provider: str, verb: str, call: Callable[[], Any]) -> Any:
    """Run code of a provider.

    Args:
        provider: the provider's name.
        verb: the hook.
        call: runs it.

    Raises:
        BootyError, BootyErrors: what the provider raised of ours.
        ProviderError: anything else that it raised; an exit too, which must not end the command.
    """
    try:
        with silence():
            return call()
    except (BootyError, BootyErrors):
        raise
    except (Exception, SystemExit) as error:
        raise hook_failed(provider, verb, error) from error


@contextmanager
def silence() -> Iterator[None]:
    """Keep what a provider prints out of the command's own answer: stdout goes to stderr.

    Only in the main thread, where commands are; the stdout of a program that embeds a stack is its
    own affair.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def hook_failed(provider: str, verb: str, error: BaseException) -> ProviderError:
    """Return the fault of a hook that raised something that is not ours."""
    return ProviderError(
        f'cannot run hook "{verb}" of provider "{provider}": {type(error).__name__}: {line(error)}',
        reference="hook-failed",
        subject=provider,
        hint="this is a fault of the provider; run again with -vv for the traceback",
    )


def line(error: BaseException) -> str:
    """Return the first line of what an exception says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def checked(provider: str, verb: str, answer: Any) -> Any:
    """Return a hook's answer if it is of the kind that the verb has.

    Args:
        provider: the provider's name.
        verb: the hook.
        answer: what it returned, awaited if it was to be; a generator is read to its end.

    Raises:
        ProviderError: it is of another kind.
    """
    hint = SHAPES.get(verb)
    if answer is None or hint is None:
        return answer
    if verb in _SEVERAL and isinstance(answer, Iterable) and not isinstance(answer, str):
        answer = run(provider, verb, lambda: tuple(answer))
    wrong = shape.misfit(answer, hint)
    if not wrong:
        return answer
    _close(answer)
    raise ProviderError(
        f'cannot use what hook "{verb}" of provider "{provider}" answered: {wrong}',
        reference="hook-answer",
        subject=provider,
        hint="this is a fault of the provider; docs/reference/hooks.md says what the hook returns",
    )


def _close(answer: Any) -> None:
    # a coroutine where none belongs: nobody will await it
    close = getattr(answer, "close", None)
    if callable(close):
        close()
