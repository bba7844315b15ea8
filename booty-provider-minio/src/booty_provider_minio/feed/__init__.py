"""The feed: changes of files as events on NATS, the same whatever the engine.

A process of the stack (``python -m booty_provider_minio.feed``), crash-only: what it has told is on
disk before it goes on, and what it tells twice has the same id.
"""

from __future__ import annotations

__all__: list[str] = []
