"""The time that a line begins with."""

from __future__ import annotations

import pytest
from booty.run import stamp

NATS = "[*] %Y/%m/%d %H:%M:%S.%f"
AT = 1795474956.276106


@pytest.mark.parametrize(
    ("form", "line", "seconds"),
    [
        (NATS, "[28725] 2026/11/23 23:02:36.276106 [INF] Starting nats-server", AT),
        (NATS, "[7] 2026/11/23 23:02:36.276106", AT),
        ("rfc3339", "2026-11-23T23:02:36.276106Z level=info", AT),
        ("rfc3339", "2026-11-23T23:02:36.276106123Z level=info", AT),
        ("rfc3339", "2026-11-24T00:02:36.276106+01:00 level=info", AT),
        ("ts=%Y-%m-%dT%H:%M:%S.%f%z", "ts=2026-11-23T22:02:36.276-0100 x", 1795474956.276),
        ("%d %b %Y, %I:%M:%S %p", "23 Nov 2026, 11:02:36 PM: x", 1795474956.0),
        ("100%% %Y-%m-%d", "100% 2026-11-23", 1795392000.0),
    ],
)
def test_read(form: str, line: str, seconds: float) -> None:
    """A stamp is read to its last digit; without a zone it is UTC."""
    assert stamp.read(line, form) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (NATS, "2026/11/23 23:02:36.276106 without a pid"),
        (NATS, "[28725] 2026/13/23 23:02:36.276106 month 13"),
        (NATS, " [28725] 2026/11/23 23:02:36.276106 indented"),
        (NATS, "goroutine 1 [running]:"),
        ("rfc3339", "2026-11-23 is a day"),
        ("%Y", ""),
    ],
)
def test_line_without_a_stamp(form: str, line: str) -> None:
    """A line that begins otherwise has no time of its own."""
    assert stamp.read(line, form) is None


@pytest.mark.parametrize(
    ("form", "why"),
    [("%Y %Q", "%Q"), ("%H:%M", "year"), ("%Y %", "%"), (NATS, None), ("rfc3339", None)],
)
def test_misfit(form: str, why: str | None) -> None:
    """A format that nothing could be read by is told with what is wrong."""
    told = stamp.misfit(form)

    assert told is None if why is None else why in str(told)
