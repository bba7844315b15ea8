"""How each engine is started. Pure: an instance in, a launch out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty import Launch

from booty_provider_minio.checks import check
from booty_provider_minio.component import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from booty import Instance

__all__ = ["launch"]


def launch(instance: Instance) -> Launch:
    """Return how a server is started.

    Raises:
        ConfigError: something that its engine refuses or lacks.
        BootyErrors: several.
    """
    check(instance)
    return _LAUNCHES[instance.component](instance)


def _rclone(instance: Instance) -> Launch:
    api = instance.endpoints["api"]
    drive = f"{instance.dirs.data}/drive"
    password = instance.secrets["password"]
    return Launch(
        argv=(
            *(instance.program, *instance.program_args, "serve", "s3"),
            *("--addr", f"{api.bind}:{api.port}"),
            *("--log-format", "date,time,microseconds,UTC"),
            drive,
        ),
        env={
            "RCLONE_AUTH_KEY": f'"{ROOT},{password}"',  # a list of pairs, written as CSV
            "RCLONE_CONFIG": "",  # nothing of the user's own remotes is read, or written
            "RCLONE_CACHE_DIR": f"{instance.dirs.run}/cache",
        },
        dirs=(drive,),
    )


_LAUNCHES: Final[dict[str, Callable[[Instance], Launch]]] = {"minio/rclone": _rclone}
