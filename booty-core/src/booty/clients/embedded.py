"""The schemes of core, for a program that runs alone: ``mem://`` and ``file://``."""

from __future__ import annotations

from typing import Final

from booty.clients.drivers import Driver

__all__ = ["FILE", "MEM"]

MEM: Final = Driver()
FILE: Final = Driver()
