"""What is done to a ``file://`` topic inside of one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.clients.errors import NotFoundError
from booty.clients.pubsub.schema import HELD

if TYPE_CHECKING:
    import sqlite3

    from booty.clients.pubsub.message import Outgoing

__all__ = ["Row", "Share", "put"]

_SCAN: Final = 1000
"""Messages looked at beyond those wanted, while some of them wait behind their keys."""
_VARIABLES: Final = 500
"""Numbers in one statement."""


@frozen
class Row:
    """A message that is delivered now."""

    number: int
    id: str
    key: str
    metadata: str
    body: bytes
    count: int


def put(connection: sqlite3.Connection, messages: Sequence[Outgoing], window: float) -> None:
    """Store messages; one whose id was seen within the window is not stored again."""
    now = time.monotonic()
    connection.execute("DELETE FROM seen WHERE until <= ?", (now,))
    for message in messages:
        if message.id and not _new(connection, message.id, now + window):
            continue
        metadata = json.dumps(dict(message.metadata)) if message.metadata else ""
        connection.execute(
            "INSERT INTO message (id, key, metadata, body) VALUES (?, ?, ?, ?)",
            (message.id, message.key, metadata, bytes(message.body)),
        )


def _new(connection: sqlite3.Connection, name: str, until: float) -> bool:
    done = connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, until))
    return done.rowcount == 1


@frozen
class Share:
    """A subscription in a database.

    Attributes:
        number: its row.
        ack_wait: seconds until what it hands out comes again.
    """

    number: int
    ack_wait: float

    @classmethod
    def of(
        cls, connection: sqlite3.Connection, name: str, ack_wait: float, *, create: bool
    ) -> Share:
        """Find a subscription, or make it; a new one begins with all that is there.

        Raises:
            NotFoundError: there is none.
        """
        found = connection.execute(
            "SELECT number FROM subscription WHERE name = ?", (name,)
        ).fetchone()
        if found is None and not create:
            raise NotFoundError(f'there is no subscription "{name}"', hint="add create=true")
        if found is None:
            made = connection.execute(
                "INSERT INTO subscription (name, cursor, ack_wait) VALUES (?, 0, ?)",
                (name, ack_wait),
            )
            return cls(int(made.lastrowid or 0), ack_wait)
        connection.execute(
            "UPDATE subscription SET ack_wait = ? WHERE number = ?", (ack_wait, found[0])
        )
        return cls(found[0], ack_wait)

    def take(self, connection: sqlite3.Connection, limit: int) -> list[Row]:
        """Hand out messages: those that come again, then new ones in their order."""
        now = time.monotonic()
        rows = self._again(connection, limit, now)
        if len(rows) < limit:
            rows += self._fresh(connection, limit - len(rows), now)
        return rows

    def _again(self, connection: sqlite3.Connection, limit: int, now: float) -> list[Row]:
        found = connection.execute(
            "SELECT m.number, m.id, m.key, m.metadata, m.body, d.count + 1 FROM delivery d"
            " JOIN message m ON m.number = d.message WHERE d.subscription = ? AND d.due <= ?"
            " ORDER BY d.due, d.message LIMIT ?",
            (self.number, now, limit),
        )
        rows = [Row(*row) for row in found]
        connection.executemany(
            "UPDATE delivery SET count = count + 1, due = ? WHERE message = ? AND subscription = ?",
            [(now + self.ack_wait, row.number, self.number) for row in rows],
        )
        return rows

    def _fresh(self, connection: sqlite3.Connection, limit: int, now: float) -> list[Row]:
        (cursor,) = connection.execute(
            "SELECT cursor FROM subscription WHERE number = ?", (self.number,)
        ).fetchone()
        rows: list[Row] = []
        passed: list[tuple[int, int, str, int, float]] = []
        keys: set[str] = set()
        for row in connection.execute(
            "SELECT number, id, key, metadata, body, 1 FROM message WHERE number > ?"
            " ORDER BY number LIMIT ?",
            (cursor, limit + _SCAN),
        ):
            one = Row(*row)
            waits = bool(one.key) and (one.key in keys or self._is_out(connection, one.key))
            keys.add(one.key)
            passed.append(
                (one.number, self.number, one.key, 0, HELD)
                if waits
                else (one.number, self.number, one.key, 1, now + self.ack_wait)
            )
            if not waits:
                rows.append(one)
            if len(rows) == limit:
                break
        if passed:
            connection.executemany("INSERT INTO delivery VALUES (?, ?, ?, ?, ?)", passed)
            connection.execute(
                "UPDATE subscription SET cursor = ? WHERE number = ?", (passed[-1][0], self.number)
            )
        return rows

    def _is_out(self, connection: sqlite3.Connection, key: str) -> bool:
        found = connection.execute(
            "SELECT 1 FROM delivery WHERE subscription = ? AND key = ? LIMIT 1", (self.number, key)
        )
        return found.fetchone() is not None

    def more(self, connection: sqlite3.Connection) -> bool:
        """Tell whether there are messages that nobody has looked at."""
        found = connection.execute(
            "SELECT (SELECT max(number) FROM message) > cursor FROM subscription WHERE number = ?",
            (self.number,),
        ).fetchone()
        return bool(found[0])

    def next_due(self, connection: sqlite3.Connection) -> float:
        """Return seconds until one may come again: of those that are out, or will be in between."""
        due, wait = connection.execute(
            "SELECT (SELECT min(due) FROM delivery WHERE subscription = s.number), s.ack_wait"
            " FROM subscription s WHERE s.number = ?",
            (self.number,),
        ).fetchone()
        # what somebody else takes right after this look comes again after a whole wait
        soonest = wait if due is None else min(due - time.monotonic(), wait)
        return max(float(soonest), 0.0)

    def done(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> bool:
        """Take messages for done; tell whether another one may be delivered by that."""
        keys = self._keys(connection, numbers)
        connection.executemany(
            "DELETE FROM delivery WHERE message = ? AND subscription = ?",
            [(number, self.number) for number in numbers],
        )
        released = [self._release(connection, key) for key in keys]
        (everybody,) = connection.execute("SELECT min(cursor) FROM subscription").fetchone()
        connection.executemany(
            "DELETE FROM message WHERE number = ?1 AND number <= ?2"
            " AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1)",
            [(number, everybody) for number in numbers],
        )
        return any(released)

    def _keys(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> set[str]:
        keys: set[str] = set()
        for first in range(0, len(numbers), _VARIABLES):
            some = numbers[first : first + _VARIABLES]
            marks = ",".join("?" * len(some))
            found = connection.execute(
                "SELECT key FROM delivery WHERE subscription = ? AND key != ''"  # noqa: S608 - question marks
                f" AND message IN ({marks})",
                (self.number, *some),
            )
            keys.update(key for (key,) in found)
        return keys

    def _release(self, connection: sqlite3.Connection, key: str) -> bool:
        done = connection.execute(
            "UPDATE delivery SET due = 0 WHERE subscription = ?1 AND due = ?3 AND message ="
            " (SELECT min(message) FROM delivery WHERE subscription = ?1 AND key = ?2)",
            (self.number, key, HELD),
        )
        return done.rowcount == 1

    def again(
        self, connection: sqlite3.Connection, numbers: Sequence[int], wait: float, *, unseen: bool
    ) -> None:
        """Let messages come again after so many seconds; those that are done stay done."""
        due = time.monotonic() + wait if wait else 0.0
        connection.executemany(
            "UPDATE delivery SET due = ?, count = max(count - ?, 0)"
            " WHERE message = ? AND subscription = ?",
            [(due, int(unseen), number, self.number) for number in numbers],
        )
