"""When a long-lived process looks for garbage."""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["look_rarely"]

OBJECTS: Final = 20000
"""So many more than were freed have to be made before it is looked for."""


def look_rarely() -> None:
    """Look for garbage after much was made; never in what is there now, also where nobody looked.

    A start of many makes much that lives as long as they do: to look through it again and again
    costs a twentieth of the start and finds nothing.
    """
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()
