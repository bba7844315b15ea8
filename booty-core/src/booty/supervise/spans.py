"""The spans of a start: what took how long, kept for ``analyze``."""

from __future__ import annotations

import os
from typing import Any, Final

from booty.supervise import state
from booty.supervise.complaint import complain

__all__ = ["Trace", "last"]

KEEP: Final = 20


class Trace:
    """Collects spans of one start.

    Args:
        folder: the state folder.
        loop_now: returns monotonic seconds.
        wall: seconds since 1970 at the beginning.
        spans: spans of the command that planned.
    """

    def __init__(
        self, folder: state.Folder, loop_now: Any, wall: float, spans: list[dict[str, Any]]
    ) -> None:
        self._folder = folder
        self._now = loop_now
        self.wall = wall
        self.begin = loop_now()
        self.spans = list(spans)

    def add(self, name: str, instance: str, start: float) -> None:
        """Note something that ends now."""
        self.spans.append({"name": name, "instance": instance, "start": start, "end": self._now()})

    def write(self) -> None:
        """Write the trace; it is for looking only, so a full disk costs nothing more."""
        try:
            numbers = sorted(
                int(name.removesuffix(".json"))
                for name in os.listdir(self._folder.traces)
                if name.removesuffix(".json").isdigit()
            )
            number = numbers[-1] + 1 if numbers else 1
            data = {"format": 1, "wall": self.wall, "monotonic": self.begin, "spans": self.spans}
            state.write_json(f"{self._folder.traces}/{number}.json", data)
            for old in numbers[: -KEEP + 1]:
                os.unlink(f"{self._folder.traces}/{old}.json")
        except OSError as error:
            complain(f"cannot write a trace: {error}")


def last(folder: state.Folder) -> dict[str, Any] | None:
    """Return the newest trace: ``wall monotonic spans``; ``None`` if nothing was started yet."""
    try:
        names = [name.removesuffix(".json") for name in os.listdir(folder.traces)]
        numbers = sorted(int(name) for name in names if name.isdigit())
        found = [state.read_json(f"{folder.traces}/{number}.json") for number in numbers[-1:]]
    except (OSError, ValueError):
        return None
    return next((one for one in found if one and _is_sound(one)), None)


def _is_sound(trace: dict[str, Any]) -> bool:
    # it is for looking, so what somebody garbled is as good as none
    spans = trace.get("spans")
    return bool(spans) and isinstance(spans, list) and all(map(_is_span, spans))


def _is_span(one: Any) -> bool:
    return isinstance(one, dict) and {"name", "start", "end"} <= one.keys()
