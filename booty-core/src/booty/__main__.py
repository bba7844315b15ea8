"""The ``booty`` command, also as ``python -m booty``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    from booty import cli

    sys.exit(cli.main())


if __name__ == "__main__":
    main()
