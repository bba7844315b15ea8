"""Files to read: a folder with booty.toml, and a user's own folder that is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from booty import config
from booty.errors import BootyError, BootyErrors
from booty.model.stack import StackSpec


@attrs.frozen
class Files:
    """The files of a stack, and reading them."""

    root: Path

    def write(self, name: str, text: str) -> Files:
        """Write a file below the root; ``~`` stands for the user's config folder."""
        file = self.root / name.replace("~", "../user/booty")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def load(self, text: str | None = None, **more: Any) -> StackSpec:
        """Read booty.toml, written first if there is a text."""
        if text is not None:
            self.write("booty.toml", text)
        return config.load(self.root / "booty.toml", **{"environ": {}, **more})

    def faults(self, text: str | None = None, **more: Any) -> list[BootyError]:
        """Return every fault that reading tells."""
        try:
            self.load(text, **more)
        except BootyErrors as errors:
            return list(errors.faults)
        except BootyError as error:
            return [error]
        return []

    def fault(self, text: str | None = None, **more: Any) -> BootyError:
        """Return the only fault."""
        (found,) = self.faults(text, **more)
        return found


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """An empty root, and a user without a config.toml."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    root = tmp_path / "shop"
    root.mkdir()
    return Files(root)
