"""Runs the hooks of one provider for one stack, in a process of its own.

Started by the supervisor as ``python -m booty.worker`` with one end of a socket pair; ends at once
when the other end is closed, whatever a hook is doing. It knows no secrets but those inside what it
is sent, and says none of them in an answer or in its log.
"""

from __future__ import annotations
