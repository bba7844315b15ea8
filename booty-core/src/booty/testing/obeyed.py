"""The part of the contract that changes each setting, and looks whether the plan does."""

from __future__ import annotations

import enum
import typing
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import attrs

from booty.config import units
from booty.errors import BootyError, BootyErrors
from booty.model import codec
from booty.testing.configured import Configured, planned
from booty.testing.verdict import loaded, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from booty.model.instance import Instance
    from booty.model.plan import Plan
    from booty.testing.stage import Stage

__all__ = ["Obeyed"]

UNITS: Final[dict[str, Any]] = {"size": units.format_size, "duration": units.format_duration}
BESIDE: Final = ("inputs", "changes", "digest", "reason")
"""What of a planned instance says what went in, and not what came out."""


class Obeyed(Configured):
    """A setting that is taken does something."""

    def test_settings_are_used(self, tmp_path: Path) -> None:
        """With another value of a setting the plan is another one, or it says why it is not.

        A plan is what will happen: arguments, variables, files, folders, ports, links, probes, the
        instances themselves.
        """
        made = planned(self._with(tmp_path, {}), self.provider)
        ignored = (
            fault
            for one, field in self._settings(made)
            if (fault := self._ignored(tmp_path, made, one, field))
        )
        refuse(
            ignored,
            "use it in configure or expand, refuse it where it means nothing, or say in the"
            ' metadata of the field why no plan shows it: {"unseen": "read by bootstrap"}; what'
            ' else it may be, where that is hard to guess: {"others": ("always",)}',
        )

    def _with(self, root: Path, settings: dict[str, Any], role: str = "") -> Stage:
        # the same stack on a machine with nothing on it: only the setting may make a difference
        stage = self._stage(root)
        stage.stack_id, stage.busy = "0" * 16, {}
        stage.settings, stage.role = settings, role
        return stage

    def _settings(self, made: Plan) -> Iterator[tuple[Instance, attrs.Attribute[Any]]]:
        seen = set()
        for one in self._own(made):
            kind = loaded(self.provider).components[one.instance.component].settings
            for field in attrs.fields(kind) if kind else ():
                if field.name not in seen and not field.metadata.get("unseen"):
                    seen.add(field.name)
                    yield one.instance, field

    def _ignored(
        self, root: Path, made: Plan, instance: Instance, field: attrs.Attribute[Any]
    ) -> str:
        key = field.name.replace("_", "-")
        what = f'component "{instance.component}": the setting "{key}"'
        values, every = _values(field, getattr(instance.settings, field.name))
        # a role of which alone it is a setting takes it alone
        for value, role in product(values, dict.fromkeys(("", instance.role))):
            try:
                other = self._with(root, {key: value}, role).plan()
            except (BootyError, BootyErrors):
                continue
            told = f"{what} is taken, and ignored: nothing is another with {value!r}"
            return told if self._shown(other) == self._shown(made) else ""
        told = ", ".join(map(repr, values)) or "one of its type"
        return "" if every else f"{what}: no value was found that it takes: not {told}"

    def _shown(self, made: Plan) -> list[dict[str, Any]]:
        found = []
        for one in self._own(made):
            data: Any = codec.to_data(one)
            del data["instance"]["settings"]
            found.append({key: value for key, value in data.items() if key not in BESIDE})
        return found


def _values(field: attrs.Attribute[Any], now: Any) -> tuple[list[Any], bool]:
    """Return other values, as they are written in the file; and whether there are no more."""
    if "others" in field.metadata:
        return [one for one in field.metadata["others"] if one != now], True
    choices = list(_choices(field.type))
    if choices:
        return [one for one in choices if one != getattr(now, "value", now)], True
    return list(_near(now, field.metadata.get("unit", ""), field.type)), False


def _choices(kind: Any) -> Iterator[Any]:
    if kind is bool:
        yield from (True, False)
    elif typing.get_origin(kind) is typing.Literal:
        yield from typing.get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        yield from (one.value for one in kind)
    else:
        for one in typing.get_args(kind):
            yield from _choices(one)


def _near(now: Any, unit: str, kind: Any) -> Iterator[Any]:
    if isinstance(now, int | float) or (now is None and {int, float} & {*typing.get_args(kind)}):
        for number in ((now or 0) + 1, (now or 1) * 2, (now or 1) * 4):
            yield UNITS[unit](number) if unit else number
    elif isinstance(now, str) or (now is None and str in typing.get_args(kind)):
        yield f"{now or ''}other"
    elif isinstance(now, tuple | list | set | frozenset):
        yield [*now, "other"]
    elif isinstance(now, dict):
        yield {**now, "other": "other"}
