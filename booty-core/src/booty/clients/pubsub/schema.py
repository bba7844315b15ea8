"""The database of one ``file://`` topic."""

from __future__ import annotations

from typing import Final

__all__ = ["FORMAT", "HELD", "TABLES"]

FORMAT: Final = 1
HELD: Final = 1e300
"""``due`` of what waits behind another message with its key."""

TABLES: Final = """
CREATE TABLE message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, key TEXT NOT NULL, metadata TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE seen (id TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until);
-- above the cursor nothing was delivered yet, below it all is done but what stands in delivery
CREATE TABLE subscription (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    cursor INTEGER NOT NULL, ack_wait REAL NOT NULL);
CREATE TABLE delivery (
    message INTEGER NOT NULL, subscription INTEGER NOT NULL,
    key TEXT NOT NULL, count INTEGER NOT NULL, due REAL NOT NULL,
    PRIMARY KEY (message, subscription)) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (subscription, due, message);
CREATE INDEX delivery_key ON delivery (subscription, key, message) WHERE key != '';
-- times are seconds since the boot with this id
CREATE TABLE boot (id TEXT NOT NULL);
INSERT INTO boot VALUES ('');
PRAGMA user_version = 1;
"""
