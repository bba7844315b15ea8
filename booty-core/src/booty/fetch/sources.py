"""The source seam: each kind has a driver, imported when a source of that kind is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from booty.errors import FetchError

if TYPE_CHECKING:
    from booty.fetch.request import Driver

__all__ = ["driver"]


def driver(kind: str) -> Driver:
    """Return the driver of a kind of source.

    Raises:
        FetchError: this core knows no such kind.
    """
    if kind not in _DRIVERS:
        raise FetchError(
            f'cannot use a source of kind "{kind}": this booty does not know it',
            reference="source-kind",
            subject=kind,
            hint="pip install --upgrade booty-core",
        )
    return _DRIVERS[kind]()


def _release() -> Driver:
    from booty.fetch.release import ReleaseDriver

    return ReleaseDriver()


def _wheel() -> Driver:
    from booty.fetch.wheel import WheelDriver

    return WheelDriver()


def _deb() -> Driver:
    from booty.fetch.deb import DebDriver

    return DebDriver()


def _go() -> Driver:
    from booty.fetch.go_install import GoInstallDriver

    return GoInstallDriver()


def _module() -> Driver:
    from booty.fetch.installed import ModuleDriver

    return ModuleDriver()


def _on_path() -> Driver:
    from booty.fetch.installed import OnPathDriver

    return OnPathDriver()


_DRIVERS: dict[str, Callable[[], Driver]] = {
    "release": _release,
    "wheel": _wheel,
    "deb": _deb,
    "go": _go,
    "module": _module,
    "on-path": _on_path,
}
