"""What the tests of whole stacks share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from file_stack import told  # noqa: F401 - found above; a fixture for all of them
from nats_shop import shop  # noqa: F401 - likewise
