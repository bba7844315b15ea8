"""``python -m booty.worker``: serves hook calls on the descriptor ``BOOTY_WORKER_FD``."""

from __future__ import annotations

import os
import socket

from booty.worker.serving import serve


def main() -> None:
    """Serve until the supervisor hangs up."""
    import anyio

    link = socket.socket(fileno=int(os.environ.pop("BOOTY_WORKER_FD")))
    link.setblocking(False)
    with link:
        anyio.run(serve, link)


if __name__ == "__main__":
    main()
