"""The ``booty`` command, also as ``python -m booty``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    if os.getpid() == 1:
        from booty.run import first

        first.obey()
    if "up" in sys.argv[1:2]:
        from booty.stack import ahead

        ahead.begin(sys.argv[1:])
    from booty import cli

    sys.exit(cli.main())


if __name__ == "__main__":
    main()
