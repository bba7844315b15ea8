"""``file://``: plain files in a folder, for several processes of one machine."""

from __future__ import annotations
