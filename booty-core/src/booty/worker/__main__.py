"""``python -m booty.worker``: serves hook calls on the descriptor ``BOOTY_WORKER_FD``."""

from __future__ import annotations

import os
import select
import socket
import threading


def main() -> None:
    """Serve until the supervisor hangs up."""
    import anyio

    from booty.worker.serving import serve

    link = socket.socket(fileno=int(os.environ.pop("BOOTY_WORKER_FD")))
    link.setblocking(False)
    threading.Thread(target=_leave_with, args=(link,), daemon=True).start()
    with link:
        anyio.run(serve, link)


def _leave_with(link: socket.socket) -> None:
    # a hook that blocks the event loop, or will not be cancelled, must not outlive the supervisor:
    # its successor starts a worker of its own
    poll = select.poll()
    poll.register(link, 0)  # a hang-up is always told
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
