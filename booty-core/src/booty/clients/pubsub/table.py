"""What is done to a ``file://`` topic inside of one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import frozen

from booty.clients.errors import NotFoundError
from booty.clients.pubsub.schema import HELD

if TYPE_CHECKING:
    import sqlite3

    from booty.clients.pubsub.message import Outgoing

__all__ = ["Row", "Share", "put"]

_SCAN: Final = 1000
"""Messages looked at beyond those wanted, while some of them wait behind their keys."""


class Row(NamedTuple):
    """A message that is delivered now."""

    number: int
    id: str
    key: str
    metadata: str
    body: bytes
    deliveries: int


def put(connection: sqlite3.Connection, messages: Sequence[Outgoing], window: float) -> None:
    """Store messages; one whose id was seen within the window is not stored again."""
    if any(message.id for message in messages):
        messages = _new(connection, messages, window)
    # one statement, and not one for each: other threads run in between, and then it waits for them
    connection.executemany(
        "INSERT INTO message (id, key, metadata, body) VALUES (?, ?, ?, ?)",
        [(one.id, one.key, _metadata(one), bytes(one.body)) for one in messages],
    )


def _new(
    connection: sqlite3.Connection, messages: Sequence[Outgoing], window: float
) -> list[Outgoing]:
    now = time.monotonic()
    connection.execute("DELETE FROM seen WHERE until <= ?", (now,))
    return [one for one in messages if not one.id or _first(connection, one.id, now + window)]


def _first(connection: sqlite3.Connection, name: str, until: float) -> bool:
    done = connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, until))
    return done.rowcount == 1


def _metadata(message: Outgoing) -> str:
    return json.dumps(dict(message.metadata)) if message.metadata else ""


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
        rows = [Row._make(row) for row in found]
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
        behind: list[int] = []
        keys: set[str] = set()
        last = cursor
        for row in connection.execute(
            "SELECT number, id, key, metadata, body, 1 FROM message WHERE number > ?"
            " ORDER BY number LIMIT ?",
            (cursor, limit + _SCAN),
        ):
            last, key = row[0], row[2]
            if key and (key in keys or self._is_out(connection, key)):
                behind.append(last)
                continue
            keys.add(key)
            rows.append(Row._make(row))
            if len(rows) == limit:
                break
        if last != cursor:
            self._passed(connection, cursor, last, now + self.ack_wait)
            self._hold(connection, behind)
        return rows

    def _passed(self, connection: sqlite3.Connection, cursor: int, last: int, due: float) -> None:
        connection.execute(
            "INSERT INTO delivery SELECT number, ?, key, 1, ? FROM message"
            " WHERE number > ? AND number <= ?",
            (self.number, due, cursor, last),
        )
        connection.execute(
            "UPDATE subscription SET cursor = ? WHERE number = ?", (last, self.number)
        )

    def _hold(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
        connection.executemany(
            "UPDATE delivery SET count = 0, due = ? WHERE message = ? AND subscription = ?",
            [(HELD, number, self.number) for number in numbers],
        )

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
        spans = list(_spans(numbers))
        keys = self._keys(connection, spans)
        connection.executemany(
            "DELETE FROM delivery WHERE message BETWEEN ? AND ? AND subscription = ?",
            [(*span, self.number) for span in spans],
        )
        released = [self._release(connection, key) for key in keys]
        (everybody,) = connection.execute("SELECT min(cursor) FROM subscription").fetchone()
        connection.executemany(
            "DELETE FROM message WHERE number BETWEEN ? AND ?"
            " AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = number)",
            [(first, min(last, everybody)) for first, last in spans],
        )
        return any(released)

    def _keys(self, connection: sqlite3.Connection, spans: Sequence[tuple[int, int]]) -> set[str]:
        found: set[str] = set()
        for span in spans:
            found.update(
                key
                for (key,) in connection.execute(
                    "SELECT key FROM delivery WHERE message BETWEEN ? AND ? AND subscription = ?"
                    " AND key != ''",
                    (*span, self.number),
                )
            )
        return found

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


def _spans(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of those that follow each other: one statement for all of them."""
    rising = sorted(numbers)
    for _, run in groupby(enumerate(rising), lambda one: one[1] - one[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]
