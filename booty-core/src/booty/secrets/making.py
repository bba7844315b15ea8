"""Secrets are made before ``configure``'s references are filled in, once, and kept."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from booty.errors import BootyError, ConfigError, raise_all
from booty.model.reference import Secret
from booty.secrets import authority
from booty.secrets.backend import Backend
from booty.secrets.forms import derive

__all__ = ["materialise", "rotate"]

PASSWORD_LENGTH: Final = 32
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
KEY_BYTES: Final = 32


def materialise(
    needs: Iterable[Mapping[str, Any]],
    kept: Backend,
    environ: Mapping[str, str],
    *,
    make: bool = True,
) -> dict[str, str]:
    """Return the value of every reference that a plan holds; make and keep what is missing.

    Args:
        needs: ``Plan.secrets``.
        kept: the stack's backend.
        environ: variables of the shell that plans.
        make: whether to make and keep what is missing; else only what is there is returned.

    Returns:
        Values by reference (``bus.main.password#1``, ``bus.main.password#1:bcrypt``).

    Raises:
        ConfigError: a secret that only a user can give is missing.
        BootyErrors: several are.
    """
    if not make:
        return _known(needs, kept, environ)
    return _Making(kept, environ).all(needs)


def _known(
    needs: Iterable[Mapping[str, Any]], kept: Backend, environ: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for need in needs:
        try:
            found |= _Making(_ReadOnly(kept), environ).all([need])
        except BootyError:
            continue  # who looks is not stopped by a value that is missing
    return found


class _ReadOnly:
    """A backend for those that only look: nothing that is made is kept."""

    def __init__(self, kept: Backend) -> None:
        self.get = kept.get
        self.keys = kept.keys

    def set(self, values: dict[str, str]) -> None:
        """Keep nothing."""

    def delete(self, keys: list[str]) -> None:
        """Forget nothing."""


class _Making:
    """Collects values; new ones are written in one go at the end."""

    def __init__(self, kept: Backend, environ: Mapping[str, str]) -> None:
        self.kept = kept
        self.environ = environ
        self.found: dict[str, str] = {}
        self.new: dict[str, str] = {}
        self.faults: list[BootyError] = []

    def all(self, needs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        for need in needs:
            self._one(need)
        raise_all(self.faults)
        if self.new:
            self.kept.set(self.new)
        return self.found

    def _one(self, need: Mapping[str, Any]) -> None:
        secret = Secret(str(need["name"]), int(need["number"]))
        makers: dict[str, Callable[[Secret, Mapping[str, Any]], None]] = {
            "certificate": self._certificate,
            "user": self._user,
            "env": self._variable,
            "env-file": self._from_file,
        }
        makers.get(need["kind"], self._generated)(secret, need)

    def _generated(self, secret: Secret, need: Mapping[str, Any]) -> None:
        value = self.kept.get(secret.reference)
        if value is None:
            value = _password() if need["kind"] == "password" else random.token_hex(KEY_BYTES)
            self.new[secret.reference] = value
        self._keep(secret, value, need["forms"], cached=True)

    def _keep(self, secret: Secret, value: str, forms: Iterable[str], *, cached: bool) -> None:
        self.found[secret.reference] = value
        for form in forms:
            key = secret.as_form(form).reference
            derived = self.kept.get(key) if cached else None
            if derived is None:
                derived = derive(value, form)
                if cached:
                    self.new[key] = derived
            self.found[key] = derived

    def _certificate(self, secret: Secret, need: Mapping[str, Any]) -> None:
        parts = {form: self.kept.get(secret.as_form(form).reference) for form in authority.PARTS}
        if None in parts.values():
            made = authority.issue(self._authority(), secret.name, need["hosts"])
            parts = {**made}
            self.new.update({secret.as_form(form).reference: text for form, text in made.items()})
        self.found.update({secret.as_form(f).reference: text or "" for f, text in parts.items()})
        self.found[secret.reference] = parts["cert"] or ""

    def _authority(self) -> authority.Authority:
        key, cert = (self.kept.get(f"authority#1:{part}") for part in ("key", "cert"))
        if key is None or cert is None:
            key, cert = self.new.get("authority#1:key"), self.new.get("authority#1:cert")
        if key is None or cert is None:
            key, cert = authority.create()
            self.new |= {"authority#1:key": key, "authority#1:cert": cert}
        return authority.Authority(key=key, cert=cert)

    def _user(self, secret: Secret, need: Mapping[str, Any]) -> None:
        value = self.kept.get(secret.reference)
        name = secret.name.removeprefix("user/")
        if value is None:
            self.faults.append(
                ConfigError(
                    f'cannot find the secret "{name}": nobody has set it',
                    reference="secret-missing",
                    subject=f"secret://{name}",
                    hint=f"booty secrets set {name}",
                )
            )
            return
        self._keep(secret, value, need["forms"], cached=False)

    def _variable(self, secret: Secret, need: Mapping[str, Any]) -> None:
        name = secret.name.removeprefix("env/")
        value = self.environ.get(name) or need.get("default")
        if value is None:
            self.faults.append(
                ConfigError(
                    f'cannot resolve "${{env.{name}}}": the variable is not set',
                    reference="variable-missing",
                    subject=name,
                    hint=f"export {name}=… or write ${{env.{name}:-default}}",
                )
            )
            return
        self._keep(secret, value, need["forms"], cached=False)

    def _from_file(self, secret: Secret, need: Mapping[str, Any]) -> None:
        value = read_variables(Path(need["path"])).get(need["variable"], "")
        self._keep(secret, value, need["forms"], cached=False)


def _password() -> str:
    return "".join(random.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def read_variables(file: Path) -> dict[str, str]:
    """Read an env-file: ``NAME=value`` lines, ``#`` comments, optional ``export`` and quotes.

    Raises:
        ConfigError: it cannot be read, or a line is no assignment.
    """
    found: dict[str, str] = {}
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f'cannot read env-file "{file}": {getattr(error, "strerror", "it is not text")}',
            reference="env-file-unreadable",
            subject=str(file),
            hint="check the path; it starts at the folder of booty.toml",
        ) from error
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if text and not text.startswith("#"):
            name, mark, value = text.partition("=")
            if not mark or not name.strip().isidentifier():
                raise ConfigError(
                    f'cannot read line {number} of env-file "{file}": it is no NAME=value',
                    reference="env-file-line",
                    subject=f"{file}:{number}",
                    hint="write NAME=value, one a line",
                )
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def rotate(name: str, number: int, kept: Backend, value: str | None = None) -> int:
    """Begin a new number of a secret; the former one stays until it is deleted.

    Args:
        name: the secret's name.
        number: its current number.
        kept: the stack's backend.
        value: the new value, for a secret that a user gives; ``None`` = made at the next ``up``.

    Returns:
        The new number.
    """
    if value is not None:
        kept.set({Secret(name, number + 1).reference: value})
    return number + 1
