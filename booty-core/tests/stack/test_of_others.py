"""A stack of another user: told so, not that nothing runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from booty.errors import ConflictError
from booty.stack.place import find

NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_state_of_another_user(root: Path) -> None:
    """Whose it is is said, and how he would ask."""
    (root / "booty.toml").write_text("")
    (root / ".booty").mkdir(mode=0o700)
    for folder in root.parents:
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(writer, _told(root).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)

    said = os.read(reader, 4096).decode()
    assert said == (
        f'state-of-another-user 10 cannot use "{root}/.booty": it belongs to user "root"'
        " sudo -u root booty …"
    )
    assert find(str(root)).state == root / ".booty"


def _told(root: Path) -> str:
    try:
        os.setresuid(NOBODY, NOBODY, NOBODY)
        find(str(root))
    except ConflictError as error:
        return f"{error.reference} {error.status} {error.message} {error.hint}"
    except BaseException as error:  # noqa: BLE001 - the test shows it
        return repr(error)
    return "nothing was told"
