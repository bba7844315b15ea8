"""URLs and the drivers behind their schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import booty
import pytest
from booty import clients

if TYPE_CHECKING:
    from conftest import Install


def test_a_scheme_is_found_by_entry_point(install: Install) -> None:
    """A third party's scheme opens like one of core, with its parameters read."""
    install("theirs")

    location, made = clients.find(
        "bucket", "theirs://K%40:p%2Fw@Uploads:9/a%20b?retries=7&part_size=8MiB&path_style=false"
    )

    assert made is location
    assert (location.scheme, location.host, location.port) == ("theirs", "Uploads", 9)
    assert (location.user, location.password, location.path) == ("K@", "p/w", "/a b")
    assert location.parameters == {
        "region": None,
        "path_style": False,
        "retries": 7,
        "part_size": 8 * 1024**2,
        "timeout": 5.0,
    }


def test_nothing_secret_is_shown(install: Install) -> None:
    """Neither the words of a location nor those of an error have user, password or parameters."""
    install("theirs")
    url = "theirs://KEY:hunter2@uploads?reg=sesame"

    with pytest.raises(booty.InvalidArgumentError) as caught:
        clients.find("bucket", url)
    location, _ = clients.find("bucket", "theirs://KEY:hunter2@uploads?region=north")
    words = f"{caught.value!r} {caught.value} {caught.value.to_data()} {location!r}"
    assert "hunter2" not in words
    assert "KEY" not in words
    assert "sesame" not in words


@pytest.mark.parametrize("prefix", ["", "blob+", "blob+bucket+", "BLOB+"])
def test_a_scheme_may_say_what_it_opens(install: Install, prefix: str) -> None:
    """The forms of the Go CDK are taken too."""
    install("theirs")

    assert clients.find("bucket", f"{prefix}theirs://a")[0].scheme == "theirs"


def test_an_unknown_scheme_lists_the_known_ones(install: Install) -> None:
    """With the nearest right one; a scheme without this kind of client is unknown, too."""
    install("theirs")

    with pytest.raises(booty.InvalidArgumentError) as near:
        clients.find("bucket", "their://a")
    with pytest.raises(booty.InvalidArgumentError) as far:
        clients.find("topic", "theirs://a")
    assert near.value.reference == far.value.reference == "url-scheme-unknown"
    assert 'did you mean "theirs"?' in str(near.value.hint)
    assert '"theirs://"' in str(near.value.hint)
    assert '"theirs://"' not in str(far.value.hint)


@pytest.mark.parametrize("url", ["", "theirs", "/a/b", "://a", "?x=1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """Without a scheme there is nothing to open; the schemes there are are listed."""
    with pytest.raises(booty.InvalidArgumentError, match="it is no URL") as caught:
        clients.find("bucket", url)
    assert '"file://"' in str(caught.value.hint)


def test_a_scheme_without_this_kind_of_client_says_so(install: Install) -> None:
    """It is no unknown word."""
    install("theirs")
    with pytest.raises(booty.InvalidArgumentError, match='"theirs://" has no topics'):
        clients.find("topic", "theirs://a")


@pytest.mark.parametrize(
    ("word", "meant"), [("regoin", "region"), ("reg", "region"), ("part", "part_size"), ("r", None)]
)
def test_the_nearest_name_is_meant(install: Install, word: str, meant: str | None) -> None:
    """One with letters in another order, or its beginning; a single letter means nothing."""
    install("theirs")
    with pytest.raises(booty.InvalidArgumentError) as caught:
        clients.find("bucket", f"theirs://a?{word}=1")
    hint = str(caught.value.hint)
    assert hint == f'did you mean "{meant}"?' if meant else hint.startswith("there is")


def test_all_that_is_wrong_is_told_at_once(install: Install) -> None:
    """Unknown and repeated names, values and the port, each with what would be right."""
    install("theirs")

    with pytest.raises(booty.InvalidArgumentError) as caught:
        clients.find(
            "bucket",
            "theirs://a:no?regoin=north&retries=-1&retries=2&path_style=maybe&region=east"
            "&part_size=big&timeout=10",
        )
    faults = caught.value.faults
    assert {fault.code for fault in faults} == {clients.Code.INVALID_ARGUMENT}
    assert [fault.message.partition(":")[0] for fault in faults] == [
        'cannot read the port of "a',
        'cannot use the parameter "regoin"',
        'cannot read the parameter "retries" as a number',
        'cannot take the parameter "retries" twice',
        'cannot read the parameter "path_style" as a flag',
        'cannot use "east" as "region"',
        'cannot read the parameter "part_size" as a size',
        'cannot read the parameter "timeout" as a duration',
    ]
    assert faults[1].hint == 'did you mean "region"?'
    assert len(caught.value.to_data()["faults"]) == 8


def test_a_broken_driver_fails_alone(install: Install) -> None:
    """A driver that cannot be imported, or is none, says so when its scheme is used."""
    install("broken", "raise RuntimeError('no')", "broken")
    install("wrong", "driver = 7", "wrong")

    with pytest.raises(booty.ProviderError, match="RuntimeError: no") as caught:
        clients.find("bucket", "broken://a")
    assert caught.value.reference == "driver-broken"
    with pytest.raises(booty.ProviderError, match=r"no booty\.clients\.Driver"):
        clients.find("bucket", "wrong://a")
    install("theirs")
    assert clients.find("bucket", "theirs://a")[0].host == "a"
    assert {"broken", "wrong"} & set(clients.schemes("bucket")) == set()


def test_a_scheme_of_two_distributions_is_an_error(install: Install) -> None:
    """Which of them would answer must not depend on the order of folders."""
    install("theirs")
    install("theirs", name="others")

    with pytest.raises(booty.ProviderError, match='"others" and "theirs"') as caught:
        clients.find("bucket", "theirs://a")
    assert caught.value.reference == "driver-twice"
