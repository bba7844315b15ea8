"""Runs the hooks of one provider for one stack, in a process of its own.

Started by the supervisor as ``python -m booty.worker`` with one end of a socket pair; ends when the
other end is closed. It knows no secrets but those inside what it is sent.
"""

from __future__ import annotations
