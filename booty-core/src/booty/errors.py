"""The exception tree of booty and the exit status that each branch ends with.

::

    BootyError            1   anything of ours that has no better place
    ├── ConfigError       3   booty.toml, its overlays, a reference, a value
    ├── ProviderError     4   missing, broken, wrong API number
    ├── FetchError        5   a program cannot be had
    │   └── VerifyError   6   what came is not what was promised; never a warning
    ├── RunError          1
    │   ├── StartError    7   a program ended, or a hook failed, before it was ready
    │   ├── HealthError   8   a readiness or wait deadline passed
    │   └── StopError     9   something had to be killed
    ├── ConflictError    10   a port, a lock, another command at work
    └── LostError        11   a critical service was lost

Several faults found in one go leave as one :class:`BootyErrors`. A message is one lower-case
sentence that begins with "cannot", with the offending value in double quotes and no period at the
end; the hint is something that can be typed or done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BootyError",
    "BootyErrors",
    "ConfigError",
    "ConflictError",
    "FetchError",
    "HealthError",
    "LostError",
    "ProviderError",
    "RunError",
    "StartError",
    "StopError",
    "VerifyError",
    "from_data",
    "raise_all",
    "to_data",
]


class BootyError(Exception):
    """Any fault that booty reports; its subclasses choose the exit status.

    Args:
        message: one sentence, "cannot … "value"", without a period.
        reference: stable kebab-case word for this kind of fault, listed in
            ``docs/reference/errors.md``.
        subject: what the fault is about: a path in the file (``services.bus.replicas``), an
            instance, a program; ``None`` where the message says it all.
        hint: what to type or do next; ``None`` only where nothing can be done.
        lines: the last lines that the subject said, where it was a program that ended.
    """

    status: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        reference: str,
        subject: str | None = None,
        hint: str | None = None,
        lines: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reference = reference
        self.subject = subject
        self.hint = hint
        self.lines = tuple(lines)

    def to_data(self) -> dict[str, Any]:
        """Return the fault as JSON data: ``status reference message subject hint``, ``lines``."""
        data = {
            "status": self.status,
            "reference": self.reference,
            "message": self.message,
            "subject": self.subject,
            "hint": self.hint,
        }
        return {**data, "lines": list(self.lines)} if self.lines else data


class ConfigError(BootyError):
    """booty.toml, one of its layers or a reference in it is wrong."""

    status = 3


class ProviderError(BootyError):
    """A provider is missing, broken or speaks another API number."""

    status = 4


class FetchError(BootyError):
    """A program cannot be had from any of its sources."""

    status = 5


class VerifyError(FetchError):
    """What arrived is not what was promised. Never downgraded to a warning."""

    status = 6


class RunError(BootyError):
    """A fault of something that runs."""


class StartError(RunError):
    """A program ended, or a hook failed, before the instance was ready."""

    status = 7


class HealthError(RunError):
    """A readiness or waiting deadline passed, or something is unhealthy."""

    status = 8


class StopError(RunError):
    """Something had to be killed, or was still there when the time to wait was over."""

    status = 9


class ConflictError(BootyError):
    """A port, a lock, a copied folder, or another command at work."""

    status = 10


class LostError(BootyError):
    """A critical service was lost and the stack was stopped."""

    status = 11


class BootyErrors(Exception):  # noqa: N818 - the plural says that it holds several
    """Several faults found in one go; its exit status is that of the first.

    Args:
        faults: two or more faults, in the order in which they are told.
    """

    def __init__(self, faults: Sequence[BootyError]) -> None:
        super().__init__("\n".join(fault.message for fault in faults))
        self.faults = tuple(faults)

    @property
    def status(self) -> int:
        """The exit status: that of the first fault."""
        return self.faults[0].status


def raise_all(faults: Sequence[BootyError]) -> None:
    """Raise what was collected: nothing for none, the fault for one, all together for more.

    Raises:
        BootyError: the only fault.
        BootyErrors: two or more faults, in the order given.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise BootyErrors(faults)


def to_data(error: BootyError | BootyErrors) -> dict[str, Any]:
    """Return what is wrong as JSON data: of several faults the first, with ``faults``: all."""
    if isinstance(error, BootyErrors):
        several = [fault.to_data() for fault in error.faults]
        return {**several[0], "faults": several}
    return error.to_data()


_BY_STATUS: dict[int, type[BootyError]] = {
    kind.status: kind
    for kind in (
        BootyError,
        ConfigError,
        ProviderError,
        FetchError,
        VerifyError,
        StartError,
        HealthError,
        StopError,
        ConflictError,
        LostError,
    )
}


def from_data(data: Mapping[str, Any]) -> BootyError:
    """Rebuild the exception that :meth:`BootyError.to_data` (or the supervisor) wrote down.

    Args:
        data: a mapping with ``message`` and ``reference``, optionally ``status subject hint
            lines``.

    Returns:
        An exception of the class that has this status; :class:`BootyError` for an unknown one.
    """
    kind = _BY_STATUS.get(int(data.get("status", 1)), BootyError)
    return kind(
        str(data["message"]),
        reference=str(data["reference"]),
        subject=data.get("subject"),
        hint=data.get("hint"),
        lines=data.get("lines") or (),
    )


def all_from_data(data: Mapping[str, Any]) -> BootyError | BootyErrors:
    """Rebuild a fault as :func:`from_data` does, or the several that are told with it."""
    several = data.get("faults")
    return BootyErrors([from_data(one) for one in several]) if several else from_data(data)
