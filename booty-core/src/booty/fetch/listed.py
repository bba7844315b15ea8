"""What publishers said of programs for other platforms, kept beside the store.

So that a lock that is made from the store alone, without a network, is the same as one that was
made when the program was downloaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from booty.fetch.lock import Locked

if TYPE_CHECKING:
    from booty.model.plan import Artifact

__all__ = ["forget", "recall", "remember"]


def remember(root: Path, artifact: Artifact, others: Mapping[str, Locked]) -> None:
    """Keep what was said of a stored program; a store that is read-only keeps nothing.

    Args:
        root: the store.
        artifact: the program, with its place in the store.
        others: what its source says, by platform.
    """
    if not others or not artifact.path:
        return
    file = _file(root, artifact)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    text = json.dumps({name: attrs.asdict(one) for name, one in others.items()}, sort_keys=True)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text)
        new.replace(file)
    except OSError:
        return  # the lock has it; only one that is made anew from the store lacks it


def recall(root: Path, artifact: Artifact) -> dict[str, Locked]:
    """Return what was said when a stored program was fetched, by platform."""
    try:
        found = json.loads(_file(root, artifact).read_text())
        return {str(name): Locked(**one) for name, one in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # nothing is known


def forget(root: Path, artifact: Artifact) -> None:
    """Forget what was said of a program that is removed."""
    _file(root, artifact).unlink(missing_ok=True)


def _file(root: Path, artifact: Artifact) -> Path:
    return root / ".listed" / artifact.path.replace("/", "_")
