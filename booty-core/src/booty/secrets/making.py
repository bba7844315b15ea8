"""Secrets are made before ``configure``'s references are filled in, once, and kept."""

from __future__ import annotations

import datetime as dt
import json
import secrets as random
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from booty.errors import BootyError, ConfigError, raise_all
from booty.model.reference import Secret
from booty.secrets import authority
from booty.secrets.backend import Backend
from booty.secrets.forms import derive
from booty.secrets.known import ABOUT, BUNDLE, DAY, PARTS, fits

__all__ = ["materialise", "missing", "rotate"]

PASSWORD_LENGTH: Final = 32
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
KEY_BYTES: Final = 32
AUTHORITY: Final = "authority"


def materialise(
    needs: Iterable[Mapping[str, Any]],
    kept: Backend,
    environ: Mapping[str, str],
    *,
    root: Path | str = "",
    make: bool = True,
    clock: Callable[[], float] = time.time,
) -> dict[str, str]:
    """Return the value of every reference that a plan holds; make and keep what is missing.

    A certificate is issued anew under the same reference when it has less than
    :data:`~booty.secrets.known.RENEW_DAYS` left or lacks one of its hosts; programs get it at
    their next start.

    Args:
        needs: ``Plan.secrets``.
        kept: the stack's backend.
        environ: variables of the shell that plans.
        root: folder of booty.toml, where relative paths of env-files start.
        make: whether to make and keep what is missing; else what is there is returned as it is,
            and what is missing is left out.
        clock: seconds since the epoch, for certificates.

    Returns:
        Values by reference (``bus.main.password#1``, ``bus.main.password#1:bcrypt``).

    Raises:
        ConfigError: a secret that only a user can give is missing.
        BootyErrors: several are.
        BootyError: the backend cannot be read or written.
    """
    making = _Making(kept, environ, Path(root), make=make, clock=clock)
    for need in needs:
        making.add(need)
    return making.finish()


def missing(
    needs: Iterable[Mapping[str, Any]],
    kept: Backend,
    environ: Mapping[str, str],
    *,
    root: Path | str = "",
) -> list[BootyError]:
    """Return a fault for every value that only a user can give and has not given; makes nothing.

    Args:
        needs: ``Plan.secrets``.
        kept: the stack's backend.
        environ: variables of the shell that plans.
        root: folder of booty.toml.

    Raises:
        BootyError: the backend cannot be read.
    """
    making = _Making(kept, environ, Path(root), make=False, clock=time.time)
    for need in needs:
        making.add(need)
    return making.faults


class _Making:
    """Collects values; new ones are written in one go at the end."""

    def __init__(
        self,
        kept: Backend,
        environ: Mapping[str, str],
        root: Path,
        *,
        make: bool,
        clock: Callable[[], float],
    ) -> None:
        self.kept = kept
        self.environ = environ
        self.root = root
        self.make = make
        self.clock = clock
        self.found: dict[str, str] = {}
        self.new: dict[str, str] = {}
        self.faults: list[BootyError] = []

    def add(self, need: Mapping[str, Any]) -> None:
        secret = Secret(str(need["name"]), int(need["number"]))
        givers: dict[str, Callable[[Secret, Mapping[str, Any]], str]] = {
            "user": self._user,
            "env": self._variable,
            "env-file": self._from_file,
        }
        try:
            if need["kind"] == "certificate":
                self._certificate(secret, need)
            elif need["kind"] in givers:
                self._given(secret, givers[need["kind"]](secret, need), need["forms"])
            else:
                self._generated(secret, need)
        except ConfigError as fault:
            self.faults.append(fault)

    def finish(self) -> dict[str, str]:
        if self.make:  # who only looks is not stopped by a value that is missing
            raise_all(self.faults)
            if self.new:
                self.kept.set(self.new)
        return self.found

    def _get(self, key: str) -> str | None:
        return self.new[key] if key in self.new else self.kept.get(key)

    def _once(self, key: str, make: Callable[[], str]) -> str | None:
        value = self._get(key)
        if value is None and self.make:
            value = self.new[key] = make()
        if value is not None:
            self.found[key] = value
        return value

    def _generated(self, secret: Secret, need: Mapping[str, Any]) -> None:
        maker = _password if need["kind"] == "password" else _key
        value = self._once(secret.reference, maker)
        for form in need["forms"] if value is not None else ():
            self._once(secret.as_form(form).reference, partial(derive, value or "", form))

    def _given(self, secret: Secret, value: str, forms: Iterable[str]) -> None:
        # derived each time: the value may be another one tomorrow
        self.found[secret.reference] = value
        for form in forms:
            self.found[secret.as_form(form).reference] = derive(value, form)

    def _certificate(self, secret: Secret, need: Mapping[str, Any]) -> None:
        keys = {part: secret.as_form(part).reference for part in (*PARTS, ABOUT)}
        parts = {part: self._get(key) or "" for part, key in keys.items()}
        if self.make and not (
            all(parts.values()) and fits(parts[ABOUT], need["hosts"], self.clock())
        ):
            parts = self._issued(secret, need["hosts"])
            self.new.update({keys[part]: text for part, text in parts.items()})
        if not all(parts[part] for part in PARTS):
            return
        self.found[secret.reference] = parts["cert"]
        self.found.update({keys[part]: parts[part] for part in PARTS})
        for form in set(need["forms"]) - set(PARTS):
            bundle = form == BUNDLE
            text = parts["cert"] + parts["key"] if bundle else derive(parts["cert"], form)
            self.found[secret.as_form(form).reference] = text

    def _issued(self, secret: Secret, hosts: Iterable[str]) -> dict[str, str]:
        now, named = self._now(), sorted(hosts)
        parts = authority.issue(self._authority(), secret.name, named, now)
        until = int(self.clock()) + authority.LEAF_DAYS * DAY
        return parts | {ABOUT: json.dumps({"hosts": named, "until": until})}

    def _authority(self) -> authority.Authority:
        names = [f"{AUTHORITY}#1:{part}" for part in ("key", "cert")]
        key, cert = (self._get(name) for name in names)
        if key and cert:
            return authority.Authority(key=key, cert=cert)
        made = authority.create(self._now())
        self.new.update(zip(names, (made.key, made.cert), strict=True))
        return made

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC)

    def _user(self, secret: Secret, need: Mapping[str, Any]) -> str:
        value = self.kept.get(secret.reference)
        name = secret.name.removeprefix("user/")
        if value is None:
            raise ConfigError(
                f'cannot find the secret "{name}": nobody has set it',
                reference="secret-missing",
                subject=f"secret://{name}",
                hint=f"booty secrets set {name}",
            )
        return value

    def _variable(self, secret: Secret, need: Mapping[str, Any]) -> str:
        name = secret.name.removeprefix("env/")
        value = self.environ.get(name)
        if value is None:
            raise ConfigError(
                f'cannot resolve "${{env.{name}}}": the variable is not set',
                reference="variable-missing",
                subject=name,
                hint=f"export {name}=… or write ${{env.{name}:-default}}",
            )
        return value

    def _from_file(self, secret: Secret, need: Mapping[str, Any]) -> str:
        name, file = str(need["variable"]), self.root / need["path"]
        value = read_variables(file).get(name)
        if value is None:
            raise ConfigError(
                f'cannot find "{name}" in env-file "{file}" any more',
                reference="variable-missing",
                subject=str(file),
                hint=f"write {name}=… into it",
            )
        return value


def _password() -> str:
    return "".join(random.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def _key() -> str:
    return random.token_hex(KEY_BYTES)


def read_variables(file: Path) -> dict[str, str]:
    """Read an env-file: ``NAME=value`` lines, ``#`` comments, optional ``export`` and quotes.

    Raises:
        ConfigError: it cannot be read, or a line is no assignment.
    """
    found: dict[str, str] = {}
    lines = _text(file).splitlines()
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


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        why = str(error.strerror)
    except UnicodeDecodeError:
        why = "it is not text"  # that exception quotes the file, which is secret
    raise ConfigError(
        f'cannot read env-file "{file}": {why}',
        reference="env-file-unreadable",
        subject=str(file),
        hint="check the path; it starts at the folder of booty.toml",
    )


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def rotate(name: str, number: int, kept: Backend, value: str | None = None) -> int:
    """Begin a new number of a secret; the former ones stay: what runs still uses them.

    Args:
        name: the secret's name.
        number: its current number.
        kept: the stack's backend.
        value: the new value, for a secret that a user gives; ``None`` = made at the next ``up``.

    Returns:
        The new number.

    Raises:
        ConfigError: it is the local CA, which lives as long as the stack.
    """
    if name == AUTHORITY:
        raise ConfigError(
            f'cannot rotate "{name}": the local CA lives as long as its stack',
            reference="secret-fixed",
            subject=name,
            hint="rotate a certificate instead: booty secrets list",
        )
    if value is not None:
        kept.set({Secret(name, number + 1).reference: value})
    return number + 1
