"""The ``booty`` command, also as ``python -m booty``."""

from __future__ import annotations

import os
import sys
from typing import Final

INTERRUPTED: Final = 130
STDERR: Final = 2


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # while something was imported: nothing was done yet


def _main() -> None:
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_what_was_closed()
    if os.getpid() == 1:
        from booty.run import first

        first.obey()
    if "up" in sys.argv[1:2]:
        _up_again(sys.argv[1:])
    if "down" in sys.argv[1:2]:
        _down(sys.argv[1:])
    from booty import cli

    sys.exit(cli.main())


def _open_what_was_closed() -> None:
    # else the next file or socket gets the number, and is written to as if it was the terminal
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _down(words: list[str]) -> None:
    from booty.stack import parting

    try:
        status = parting.down(words)
    except Exception as error:  # noqa: BLE001 - told as the command tells it
        from booty import cli

        sys.exit(cli.ended(error, words))
    if status is not None:
        sys.exit(status)


def _up_again(words: list[str]) -> None:
    # the most frequent start of all does without the library that reads command lines, and without
    # looking for garbage: what is imported stays
    import gc

    gc.disable()
    try:
        _up_begun(words)
    finally:
        gc.enable()


def _up_begun(words: list[str]) -> None:
    from booty.stack import ahead

    if not ahead.begin(words):
        return
    from booty.stack import again, following

    following.hear_stops()
    try:
        status = again.up(words)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told as the command tells it
        from booty import cli

        sys.exit(cli.ended(error, words))
    if status is not None:
        sys.exit(status)


if __name__ == "__main__":
    main()
