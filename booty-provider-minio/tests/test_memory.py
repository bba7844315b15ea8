"""What a feed remembers on disk: the order of changes, and what was told of each object."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from booty_provider_minio.feed import disk
from booty_provider_minio.feed.changes import Change
from booty_provider_minio.feed.cursor import Cursor
from booty_provider_minio.feed.doubts import Doubt, Doubts
from booty_provider_minio.feed.orders import Orders
from booty_provider_minio.feed.seen import Seen, appeared, of_change, vanished

PUT = Change(
    bucket="b", key="a", kind="created", action="put", time="2026-11-22T20:45:13.158Z",
    sequencer="18EA78E1E9E4BFDC", etag="0ff8", via="native",
)  # fmt: skip
DELETE = evolve(PUT, kind="removed", action="delete", sequencer="18EA78E200000000", etag="")
SEEN = Seen(bucket="b", key="a", version="", etag="0ff8", sequencer=f"{1795380313158 * 10**6:016X}")
"""The same object as a listing shows it: to the millisecond."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is there for one test."""
    with disk.opened(str(tmp_path / "cursor.db")) as opened:
        yield opened


def at(milli: int) -> str:
    """Return the sequencer of a listing, so many milliseconds after that of ``PUT``."""
    return f"{(int(PUT.sequencer, 16) // 10**6 + milli) * 10**6:016X}"


def test_late_changes_are_marked(database: sqlite3.Connection) -> None:
    """Within a batch the order is made right; what comes after its successor is marked."""
    orders = Orders(database, 3600)
    first = orders.sorted([evolve(PUT, sequencer="3"), evolve(PUT, sequencer="1")])
    orders.told(first)
    second = orders.sorted([evolve(PUT, sequencer="2"), evolve(PUT, key="b", sequencer="2")])

    assert [(one.sequencer, one.late) for one in first] == [("1", False), ("3", False)]
    assert [(one.key, one.late) for one in second] == [("a", True), ("b", False)]


def test_late_changes_are_marked_after_a_restart(tmp_path: Path) -> None:
    """The next process knows the order, for as long as the window is."""
    path, now = str(tmp_path / "cursor.db"), [100.0]
    with disk.opened(path) as database:
        Orders(database, 60, lambda: now[0]).told([evolve(PUT, sequencer="3")])
    with disk.opened(path) as database:
        orders = Orders(database, 60, lambda: now[0])
        soon = orders.sorted([evolve(PUT, sequencer="2")])
        now[0] += 61
        later = orders.sorted([evolve(PUT, sequencer="2")])

    assert [soon[0].late, later[0].late] == [True, False]


def test_orders_are_bounded(database: sqlite3.Connection) -> None:
    """Of more keys than are remembered, those that changed last are."""
    orders = Orders(database, 3600, remembered=10)
    for number in range(100):
        orders.told([evolve(PUT, key=str(number), sequencer="3")])
        orders.told([evolve(PUT, key="0", sequencer="3")])
    late = orders.sorted([evolve(PUT, key=str(number), sequencer="2") for number in range(100)])

    assert database.execute("SELECT COUNT(*) FROM last").fetchone()[0] <= 20
    assert {one.key for one in late if one.late} >= {"0", "98", "99"}
    assert not any(one.late for one in late if one.key in {"1", "50"})


def test_cursor_of_the_first_format_is_read(tmp_path: Path) -> None:
    """What was told before the table had its new column was found by listing."""
    path = str(tmp_path / "cursor.db")
    old = sqlite3.connect(path)
    old.execute(
        "CREATE TABLE seen (bucket TEXT, key TEXT, version TEXT, etag TEXT, sequencer TEXT,"
        " gone INTEGER, pass INTEGER, PRIMARY KEY (bucket, key, version))"
    )
    row = (*SEEN.place, SEEN.etag, SEEN.sequencer, 0, 4)
    old.execute("INSERT INTO seen VALUES (?,?,?,?,?,?,?)", row)
    old.commit()
    old.close()
    for _ in range(2):
        with disk.opened(path) as database:
            cursor = Cursor(database, 3600)

            assert cursor.known(SEEN) == SEEN
            assert cursor.number == 4


def test_what_the_server_told_is_no_news(database: sqlite3.Connection) -> None:
    """A listing that shows what was told shows nothing new; a later state is news."""
    cursor = Cursor(database, 3600)
    assert cursor.is_news(SEEN)
    cursor.heard([PUT])

    assert not cursor.is_news(evolve(SEEN, sequencer=at(0)))
    assert cursor.is_news(evolve(SEEN, sequencer=at(1)))
    assert cursor.has_told(PUT)
    assert not cursor.has_told(evolve(PUT, sequencer="18EA78E1E9E4BFDD"))


def test_what_a_listing_told_is_not_told_again(database: sqlite3.Connection) -> None:
    """The event of what a listing has shown comes after all: it is left out; the next is not."""
    cursor = Cursor(database, 3600)
    cursor.told(evolve(SEEN, sequencer=at(0)))
    assert cursor.has_told(PUT)
    assert not cursor.has_told(DELETE)
    cursor.told_gone(evolve(SEEN, sequencer=at(0)))

    assert cursor.has_told(PUT)
    assert cursor.has_told(DELETE)
    assert not cursor.has_told(evolve(PUT, sequencer=DELETE.sequencer))
    cursor.heard([evolve(PUT, sequencer="18EA78E200000001")])
    assert not cursor.has_told(evolve(DELETE, sequencer="18EA78E200000002"))


def test_what_went_while_it_was_listed_is_no_news(database: sqlite3.Connection) -> None:
    """A page shows what the server has told to be gone since: that is not told as created."""
    cursor = Cursor(database, 3600)
    cursor.heard([PUT, DELETE])
    assert not cursor.is_news(evolve(SEEN, sequencer=at(0)))
    cursor.heard([PUT])  # late, or twice

    assert cursor.known(SEEN) is None
    assert cursor.is_news(evolve(SEEN, sequencer=at(3600_000)))


def test_all_versions_go(database: sqlite3.Connection) -> None:
    """The one event that takes all versions of a key leaves none that a pass would miss."""
    cursor = Cursor(database, 3600)
    cursor.heard([evolve(PUT, version="1"), evolve(PUT, version="2"), evolve(PUT, key="c")])
    cursor.heard([evolve(DELETE, action="delete-all-versions")])
    cursor.begin()
    doubts = Doubts(database)
    doubts.add_missed("b", cursor.number, 7.0)

    assert [one.one.key for one in doubts.next(9)] == ["c"]


def test_a_pass_misses_what_it_has_not_met(database: sqlite3.Connection) -> None:
    """What was told before a pass and was not met is missed; what was told meanwhile is not."""
    cursor, doubts = Cursor(database, 3600), Doubts(database)
    cursor.heard([PUT, evolve(PUT, key="met"), evolve(PUT, key="gone")])
    cursor.begin()
    cursor.met([evolve(SEEN, key="met")])
    cursor.heard([evolve(PUT, key="new")])
    doubts.add_missed("b", cursor.number, 7.0)
    found = doubts.next(9)
    cursor.heard([evolve(PUT, sequencer=DELETE.sequencer)])

    assert [(one.one.key, one.missing) for one in found] == [("a", True), ("gone", True)]
    assert [cursor.is_missed(one.one) for one in found] == [False, True]


def test_doubts_outlive_a_process(database: sqlite3.Connection) -> None:
    """What was about to be told is told again as it was; the rest a pass finds again."""
    doubts = Doubts(database)
    one, other = Doubt(evolve(SEEN, size=3)), Doubt(evolve(SEEN, key="z"), missing=True)
    doubts.add([one, other, Doubt(evolve(SEEN, key="y"))])
    doubts.telling([one, other])
    doubts.clear()

    assert doubts.next(9) == []
    assert doubts.next(9, telling=True) == [one, other]
    assert [one.change(), other.change()] == [appeared(one.one), vanished(other.one, 0.0)]
    doubts.settle([one])
    assert doubts.next(9, telling=True) == [other]


def test_former_versions_come_first(database: sqlite3.Connection) -> None:
    """Versions of a key are told in the order of their time."""
    doubts = Doubts(database)
    doubts.add(Doubt(evolve(SEEN, version=name, sequencer=at(milli)))
               for name, milli in (("new", 9), ("mid", 5), ("old", 1)))  # fmt: skip

    assert [one.one.version for one in doubts.next(9)] == ["old", "mid", "new"]
    assert of_change(PUT).listed is False


def test_what_went_is_known_by_what_it_was() -> None:
    """That it went may be noticed at two times, and is told once; the number grows in any case."""
    soon, later = vanished(SEEN, 1795380314.5), vanished(SEEN, 1795380999.0)

    assert soon.id("s") == later.id("s") != vanished(evolve(SEEN, etag="1"), 0.0).id("s")
    assert (soon.time, later.time) == ("2026-11-22T20:45:14.500Z", "2026-11-22T20:56:39.000Z")
    assert SEEN.sequencer < soon.sequencer < later.sequencer
    assert vanished(SEEN, 0.0).sequencer == f"{int(SEEN.sequencer, 16) + 1:016X}"
    version = evolve(SEEN, version="1", sequencer="019AC0FFEE00" + "F" * 20)
    assert vanished(version, 1795380999.0).sequencer > version.sequencer
    assert vanished(version, 1795380999.0).time == later.time


def test_what_went_is_told_after_a_crash_as_before(database: sqlite3.Connection) -> None:
    """The moment at which it was noticed is on disk before it is told."""
    cursor, doubts, orders = Cursor(database, 3600), Doubts(database), Orders(database, 3600)
    cursor.told(SEEN)
    cursor.begin()
    doubts.add_missed("b", cursor.number, 1795380314.5)
    doubts.telling(doubts.next(9))
    first = orders.sorted(one.change() for one in doubts.next(9, telling=True))
    again = orders.sorted(one.change() for one in Doubts(database).next(9, telling=True))

    assert [one.event("s") for one in first] == [one.event("s") for one in again]
    assert first[0].time == "2026-11-22T20:45:14.500Z"


def test_a_look_shows_the_newest(database: sqlite3.Connection) -> None:
    """What has no versions is told after what was told, whatever time it has; a version is not."""
    cursor, orders = Cursor(database, 3600), Orders(database, 3600)
    cursor.told(SEEN)
    orders.told([vanished(SEEN, 1795380314.5)])
    (plain,) = orders.sorted([appeared(SEEN)])
    cursor.told(evolve(SEEN, version="1"))
    (former,) = orders.sorted([appeared(SEEN)])

    assert (plain.late, plain.sequencer) == (False, f"{1795380314500 * 10**6 + 1:016X}")
    assert (former.late, former.sequencer) == (True, SEEN.sequencer)


def test_a_damaged_database_is_kept_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no database at all is moved, said, and begun anew; a second one takes its place."""
    path = tmp_path / "cursor.db"
    for words in (b"no database " * 500, b"nor this one " * 500):
        path.write_bytes(words)
        with disk.opened(str(path)) as database:
            assert disk.is_empty(database)
            Cursor(database, 3600).told(SEEN)
            assert not disk.is_empty(database)

        assert (tmp_path / "cursor.db.corrupt").read_bytes() == words
        assert "is damaged, and kept as" in capsys.readouterr().out
    with disk.opened(str(path)) as database:
        assert Cursor(database, 3600).known(SEEN) == SEEN


def test_damage_that_shows_later(tmp_path: Path) -> None:
    """It ends the process with the error, in a group of them too; the next one begins anew."""
    path = tmp_path / "cursor.db"

    def fail() -> None:
        with disk.opened(str(path)) as database:
            Cursor(database, 3600).told(SEEN)
            raise ExceptionGroup("work", [ValueError(), disk.Damaged("page 7")])

    with pytest.raises(ExceptionGroup, match="work"):
        fail()
    assert (tmp_path / "cursor.db.corrupt").exists()
    with disk.opened(str(path)) as database:
        assert disk.is_empty(database)


@pytest.mark.parametrize("how", ["busy", "read"])
def test_what_is_no_damage(tmp_path: Path, how: str) -> None:
    """A database that cannot be used for another reason stays where it is."""
    path = tmp_path / "cursor.db"
    with disk.opened(str(path)) as database:
        Cursor(database, 3600).told(SEEN)
    if how == "busy":
        error: Exception = sqlite3.OperationalError("database or disk is full")
    else:
        error = ValueError("no database")
    with pytest.raises(type(error)), disk.opened(str(path)):
        raise error
    assert not (tmp_path / "cursor.db.corrupt").exists()
