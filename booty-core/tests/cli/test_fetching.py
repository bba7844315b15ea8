"""How fetching looks, on a terminal and in a log."""

from __future__ import annotations

import io

from booty.cli.progress import Fetching
from booty.cli.rates import Download
from booty.fetch import Progress
from booty.supervise.screen import Screen

MB = 1_000_000


class Terminal(io.StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class Shown:
    """A display with a clock by hand."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream
        self.time = 0.0
        self.fetching = Fetching(screen=Screen(stream), now=lambda: self.time)

    def tell(self, at: float, key: str, phase: str, **more: int | str) -> None:
        """Tell something at a time."""
        self.time = at
        self.fetching.tell(Progress(key=key, phase=phase, **more))  # type: ignore[arg-type]  # test data

    @property
    def last(self) -> str:
        """The line that stands there now."""
        return self.stream.getvalue().rpartition("\x1b[K")[2]


def test_one_line_moves_with_bytes_rate_and_time() -> None:
    """A download shows how much, how fast, how long; what was there before is no speed."""
    shown = Shown(Terminal())
    shown.tell(0, "nats@2", "downloading", bytes=10 * MB, total=100 * MB)
    shown.tell(1, "nats@2", "downloading", bytes=20 * MB, total=100 * MB)
    shown.tell(2, "nats@2", "downloading", bytes=30 * MB, total=100 * MB)

    assert shown.last == "nats@2 30.0/100.0 MB, 10.0 MB/s, 7 s left"


def test_several_are_one_line() -> None:
    """Side by side they add up; whoever does something else stands behind them."""
    shown = Shown(Terminal())
    for second in range(3):
        shown.tell(second, "a@1", "downloading", bytes=(second + 1) * MB, total=10 * MB)
        shown.tell(second, "b@1", "downloading", bytes=(second + 1) * MB, total=10 * MB)
    shown.tell(3, "c@1", "unpacking", source="release")

    assert (
        shown.last == "2 programs 6.0/20.0 MB, 2.0 MB/s, 7 s left (a@1, b@1)  c@1 unpacking release"
    )


def test_a_rate_forgets_what_was_long_ago() -> None:
    """After a fast beginning the rate is that of the last seconds."""
    one = Download(0)
    for second in range(20):
        got = 100 * MB + second * MB if second else 0
        one.add(Progress(key="a@1", phase="downloading", bytes=got), second)

    assert round(one.rate / MB) == 1
    assert Download.words([one]) == "119.0 MB, 1.0 MB/s"


def test_one_that_begins_anew_is_no_backward_rate() -> None:
    """A file that changed on the server starts from nothing again."""
    one = Download(0, 50 * MB)
    one.add(Progress(key="a@1", phase="downloading", bytes=60 * MB, total=90 * MB), 1)
    one.add(Progress(key="a@1", phase="downloading", bytes=1 * MB, total=90 * MB), 2)

    assert Download.words([one]) == "1.0/90.0 MB"


def test_a_log_gets_plain_lines() -> None:
    """Elsewhere nothing moves: a line each ten seconds, one for each try and at the end."""
    shown = Shown(io.StringIO())
    for second in range(25):
        shown.tell(second, "a@1", "downloading", bytes=(second + 1) * MB, total=300 * MB)
    shown.tell(25, "a@1", "retrying", note="the server says 503; again in 0.5 s")
    shown.tell(26, "a@1", "stored")
    shown.tell(27, "a@1", "done", note="release, recorded digest")

    assert shown.stream.getvalue().splitlines() == [
        "a@1: 11.0/300.0 MB, 1.0 MB/s, 4 min left",
        "a@1: 21.0/300.0 MB, 1.0 MB/s, 4 min left",
        "a@1: the server says 503; again in 0.5 s",
        "a@1: fetched in 27.00 s from release, recorded digest",
    ]
