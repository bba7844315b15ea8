"""Arguments of ``booty client NAME …``: refused before anything is connected to."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from booty_provider_nats import names

__all__ = ["PATTERN", "STREAM", "SUBJECT"]


class _Text(click.ParamType[str]):
    """A text of a certain form.

    Args:
        name: what it is, for people.
        form: regular expression of all of it.
        rule: what is allowed, for people.
    """

    def __init__(self, name: str, form: str, rule: str) -> None:
        self.name = name
        self._form = re.compile(form)
        self._rule = rule

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the text; end with a usage error if it has another form."""
        text = str(value)
        if not self._form.fullmatch(text):
            self.fail(f'cannot use "{text}" as a {self.name}: {self._rule}', param, ctx)
        return text


SUBJECT: Final = _Text("subject", *names.SUBJECT)
PATTERN: Final = _Text("subject", *names.PATTERN)
STREAM: Final = _Text("name", *names.STREAM)
