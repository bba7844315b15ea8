"""``python -I -S …/supervise/__main__.py ROLE JSON``: guardian, supervisor, follower, rotator."""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Become what the first argument says."""
    folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    role, arguments = sys.argv[1], json.loads(sys.argv[2])
    if role == "guardian":
        from booty.supervise import guardian

        guardian.main(arguments)
    elif role == "follower":
        from booty.supervise import follower

        follower.main(arguments)
    elif role == "rotator":
        from booty.supervise import rotator

        rotator.main(arguments)
    else:
        from booty.supervise import serving

        serving.main(arguments)


if __name__ == "__main__":
    main()
