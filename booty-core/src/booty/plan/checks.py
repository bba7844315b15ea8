"""What a launch must not be: refused with the name of who can mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from booty.errors import BootyError, ConfigError, ProviderError
from booty.model.reference import literal_only, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.instance import File, Launch

__all__ = ["launch_faults", "secret_in_argv"]

LIMITS: Final = frozenset(("nofile", "nproc", "core", "memlock", "as", "fsize"))
OTHERS: Final = 0o077


def secret_in_argv(path: str) -> ConfigError:
    """Return the fault of a user who puts a secret where everybody on the machine sees it."""
    return ConfigError(
        f'cannot put a secret into "{path}": every user of the machine sees arguments',
        reference="secret-in-argv",
        subject=path,
        hint='give it as a variable: env = { URL = "${services.NAME.url}" }',
    )


def launch_faults(provider: str, instance: str, launch: Launch) -> Iterator[BootyError]:
    """Yield what is wrong with what a provider's ``configure`` answered."""
    for what in _wrong(launch):
        yield ProviderError(
            f'cannot start "{instance}": its provider {what}',
            reference="provider-launch",
            subject=provider,
            hint="this is a fault of the provider; see docs/how-to/write-a-provider.md",
        )


def _wrong(launch: Launch) -> Iterator[str]:
    if not launch.argv or not launch.argv[0]:
        yield "names no program"
    commands = (launch, launch.prepare, launch.check)
    if not all(literal_only(list(one.argv)) for one in commands if one):
        yield "puts a secret into an argument"
    yield from _wrong_files(launch.files)
    inside = tuple(place(name) for name in ("data", "config", "run", "logs"))
    for path in launch.dirs:
        if not path.startswith(inside) or ".." in path.split("/"):
            yield f'makes the folder "{path}" outside of its own'
    for name in sorted(set(launch.limits) - LIMITS):
        yield f'sets the unknown limit "{name}"'


def _wrong_files(files: Mapping[str, File]) -> Iterator[str]:
    own = (f"{place('config')}/", f"{place('run')}/")
    for path, file in files.items():
        if not path.startswith(own) or ".." in path.split("/"):
            yield f'writes the file "{path}" outside of its config and run folders'
        if file.mode & OTHERS and not literal_only(file.content):
            yield f'lets others read the file "{path}", which holds a secret'
