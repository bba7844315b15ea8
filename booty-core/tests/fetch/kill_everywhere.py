"""Fetch a program, killed at every single touch of the disk, one after the other.

Called with the publisher's URL and an empty folder. Prints the number of places. A program of its
own because it forks: it must have no threads.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from booty.fetch import Lock, Store, _http, ensure, release
from booty.model.plan import Artifact
from conftest_fetch import HERE, wish

assert release  # likewise loaded once
TOUCHES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "fcntl.flock"}
WRITES = os.O_WRONLY | os.O_RDWR


def fetch(publisher: str, home: Path) -> Artifact:
    """Fetch the tool."""
    found, _ = ensure(
        [wish()],
        platform=HERE,
        lock=Lock(),
        store=Store(home / "store"),
        mirrors={"publisher.example": publisher},
    )
    return found["tool@1.2.3"]


def killed(publisher: str, home: Path, number: int) -> bool:
    """Fetch in a child that is killed at its ``number``-th touch; tell whether it came so far.

    Always in a child: connections to the publisher must not be shared.
    """
    child = os.fork()
    if child == 0:
        left = number

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            written = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
            if event in TOUCHES or written:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            fetch(publisher, home)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def main(publisher: str, folder: Path) -> None:
    """Kill at the first touch, then at the second, until there is none left."""
    _http.client()  # made once and without a connection yet: the children are faster
    number = 0
    going = True
    while going:
        number += 1
        home = folder / str(number)
        os.environ["BOOTY_HOME"] = str(home)
        going = killed(publisher, home, number)
        store = Store(home / "store")
        for artifact in store.list():  # what counts as installed is whole
            store.check(artifact)
            run(store, artifact)
        assert not killed(publisher, home, 0)  # undisturbed, it goes well
        (artifact,) = store.list()
        run(store, artifact)
        assert not list(home.rglob(".new-*"))
        assert not list(home.rglob("*.part"))
        shutil.rmtree(home)
    sys.stdout.write(str(number - 1))


def run(store: Store, artifact: Artifact) -> None:
    """Run the program."""
    program = store.root / artifact.path / artifact.executable
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout == "real\n"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
