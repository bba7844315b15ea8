"""How publishers are asked: with the stack's tokens, each shown to its own host alone."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from booty import secrets
from booty.errors import ConfigError
from booty.fetch.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booty.model.stack import StackSpec

__all__ = ["of"]

_VARIABLE: Final = re.compile(r"\$\{env\.([^:}]+)(:-)?\}")


def of(spec: StackSpec, stack_id: str) -> Access:
    """Return how the publishers of a stack's programs are asked.

    No secret is read before its host is asked.

    Args:
        spec: the stack; its tokens are references.
        stack_id: whose secrets are meant; empty outside of every stack.
    """
    return Access(tokens=_tokens(spec.tokens, stack_id)) if spec.tokens else Access()


def _tokens(references: Mapping[str, str], stack_id: str) -> Callable[[str], str]:
    def token(host: str) -> str:
        reference = references.get(host, "")
        if not reference:
            return ""
        variable = _VARIABLE.fullmatch(reference)
        if variable:
            return _from_environment(host, variable[1], optional=bool(variable[2]))
        return _from_secrets(host, reference.removeprefix("secret://"), stack_id)

    return token


def _from_environment(host: str, name: str, *, optional: bool) -> str:
    value = os.environ.get(name, "")
    if not value and not optional:
        raise _missing(host, f"the variable {name} is not set", f"export {name}=…")
    return value


def _from_secrets(host: str, name: str, stack_id: str) -> str:
    kept = secrets.backend("", stack_id) if stack_id else None
    names = kept.keys() if kept else []
    newest = max((one for one in names if one.startswith(f"user/{name}#")), key=_number, default="")
    value = kept.get(newest) if kept and newest else None
    if not value:
        raise _missing(host, f'there is no secret "{name}"', f"booty secrets set {name}")
    return value


def _number(key: str) -> int:
    number = key.rpartition("#")[2].partition(":")[0]
    return int(number) if number.isdigit() else 0


def _missing(host: str, why: str, hint: str) -> ConfigError:
    return ConfigError(
        f'cannot ask "{host}" with its token: {why}',
        reference="token-missing",
        subject=f"stack.tokens.{host}",
        hint=hint,
    )
