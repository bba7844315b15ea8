"""Where values live. One backend so far: files of the user, mode 0600."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

from booty import paths
from booty.errors import BootyError, ConfigError

__all__ = ["BACKENDS", "Backend", "FileBackend", "backend"]

FORMAT: Final = 1


class Backend(Protocol):
    """A place that keeps the values of one stack; a key is a reference (``bus.password#1:url``)."""

    def get(self, key: str) -> str | None:
        """Return a value, or ``None``."""

    def set(self, values: dict[str, str]) -> None:
        """Keep values, all or none of them."""

    def keys(self) -> list[str]:
        """Return all keys, sorted."""

    def delete(self, keys: list[str]) -> None:
        """Forget values; unknown keys are no fault."""


class FileBackend:
    """One JSON file for each stack in the user's state folder, 0600 in a folder 0700.

    Args:
        folder: the folder of the stack.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "values.json"
        self._stamp: tuple[int, ...] = ()
        self._values: dict[str, str] = {}

    def __repr__(self) -> str:
        """Where it is; never what is in it."""
        return f"FileBackend({str(self._folder)!r})"

    def get(self, key: str) -> str | None:
        """Return a value, or ``None``."""
        return self._read().get(key)

    def set(self, values: dict[str, str]) -> None:
        """Keep values, all or none of them."""
        with self._locked():
            self._write(self._read() | values)

    def keys(self) -> list[str]:
        """Return all keys, sorted."""
        return sorted(self._read())

    def delete(self, keys: list[str]) -> None:
        """Forget values; unknown keys are no fault."""
        if self._file.exists():
            with self._locked():
                self._write({k: v for k, v in self._read().items() if k not in set(keys)})

    def _read(self) -> dict[str, str]:
        # a plan asks for hundreds of values: the file is parsed again only when it changed
        try:
            with self._file.open("rb") as file:
                stamp = _stamp(file.fileno())
                if stamp != self._stamp:
                    self._values, self._stamp = _values(file.read(), self._file), stamp
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unusable(self._file, "read", error) from error
        return self._values

    def _write(self, values: dict[str, str]) -> None:
        new = self._file.with_suffix(".new")
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "w") as file:
                os.fchmod(handle, 0o600)  # one that was left behind keeps its old mode otherwise
                json.dump({"format": FORMAT, "values": values}, file, sort_keys=True)
                file.flush()
                os.fsync(handle)
            new.replace(self._file)
            _sync(self._folder)
        except OSError as error:
            with suppress(OSError):  # the first fault is the one to tell
                new.unlink(missing_ok=True)
            raise _unusable(self._file, "write", error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.mkdir(exist_ok=True, mode=0o700)
            handle = os.open(self._folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self._folder, "write", error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _stamp(handle: int) -> tuple[int, ...]:
    found = os.fstat(handle)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _sync(folder: Path) -> None:
    # a password that a program has stored must not vanish in a power cut
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _values(text: bytes, file: Path) -> dict[str, str]:
    data = _parsed(text)
    if data.get("format", FORMAT) != FORMAT:
        raise ConfigError(
            f'cannot read "{file}": it has format {data["format"]}, this booty knows {FORMAT}',
            reference="secrets-format",
            subject=str(file),
            hint="pip install --upgrade booty-core",
        )
    values = data.get("values")
    if isinstance(values, dict) and all(isinstance(one, str) for one in values.values()):
        return values
    raise ConfigError(
        f'cannot read "{file}": it is damaged',
        reference="secrets-damaged",
        subject=str(file),
        hint="put back a copy of the file, or remove it: new secrets are made, data that"
        " needs the old ones is lost",
    )


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}  # told outside of here: the parser's exception quotes the text, which is secret
    return data if isinstance(data, dict) else {}


def _unusable(path: Path, verb: str, error: OSError) -> BootyError:
    return ConfigError(
        f'cannot {verb} "{path}": {error.strerror}',
        reference="secrets-unusable",
        subject=str(path),
        hint="check the owner and mode of the folder, or set BOOTY_HOME to another one",
    )


BACKENDS: Final = {"file": "files of this user, mode 0600"}
"""Backends by name, each with a line about it."""


def backend(name: str, stack_id: str) -> Backend:
    """Return the backend of one stack.

    Args:
        name: a key of :data:`BACKENDS`, or empty for the default.
        stack_id: id of the stack.

    Raises:
        ConfigError: there is no such backend.
    """
    if name not in {"", *BACKENDS}:
        raise ConfigError(
            f'cannot use secrets backend "{name}": it is not built yet',
            reference="secrets-backend",
            subject="stack.secrets",
            hint=f"backends: {', '.join(BACKENDS)}",
        )
    return FileBackend(paths.secret_store() / stack_id)
