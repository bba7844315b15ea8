"""The twelve codes and their exceptions."""

from __future__ import annotations

import asyncio
import errno

import booty
import pytest
from booty import clients
from booty.clients import Code

ERRORS = [code for code in Code if code is not Code.OK]


def test_there_are_twelve_codes_and_one_exception_for_each_error() -> None:
    """OK and eleven errors; each class is at the door and in the tree."""
    kinds = [clients.error_of(code) for code in ERRORS]

    assert len(Code) == 12
    assert len(set(kinds)) == 11
    assert all(issubclass(kind, booty.BootyError) for kind in kinds)
    assert all(getattr(booty, kind.__name__) is kind for kind in kinds)
    assert [kind.code for kind in kinds] == ERRORS


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_says_its_code(code: Code) -> None:
    """By its class, its reference where it has no better one, and its JSON data."""
    error = clients.error_of(code)('cannot read "a"', subject="a")

    assert (error.code, error.reference, error.status) == (code, code.value, 1)
    assert error.to_data()["code"] == code.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, Code.OK),
        (FileNotFoundError(errno.ENOENT, ""), Code.NOT_FOUND),
        (FileExistsError(errno.EEXIST, ""), Code.ALREADY_EXISTS),
        (PermissionError(errno.EACCES, ""), Code.PERMISSION_DENIED),
        (OSError(errno.ENOSPC, ""), Code.RESOURCE_EXHAUSTED),
        (OSError(errno.EDQUOT, ""), Code.RESOURCE_EXHAUSTED),
        (OSError(errno.EMFILE, ""), Code.RESOURCE_EXHAUSTED),
        (OSError(errno.ENAMETOOLONG, ""), Code.INVALID_ARGUMENT),
        (OSError(errno.EIO, ""), Code.UNKNOWN),
        (TimeoutError(), Code.DEADLINE_EXCEEDED),
        (asyncio.CancelledError(), Code.CANCELED),
        (ValueError(), Code.UNKNOWN),
        (booty.NotFoundError("cannot"), Code.NOT_FOUND),
    ],
    ids=repr,
)
def test_any_exception_has_a_code(error: BaseException | None, code: Code) -> None:
    """Those of the operating system, of time limits, of cancellation; the rest is unknown."""
    assert clients.code_of(error) is code


def test_what_a_driver_raises_is_the_cause() -> None:
    """The error has the driver's code, names the key, and the native error can be had."""
    native = KeyError("NoSuchKey")

    with (
        pytest.raises(booty.NotFoundError, match='cannot read "a/b"') as caught,
        clients.calling("read", "a/b", lambda error: Code.NOT_FOUND),
    ):
        raise native
    assert caught.value.__cause__ is native
    assert caught.value.native is native
    assert caught.value.subject == "a/b"


def test_an_error_of_ours_keeps_what_it_knows() -> None:
    """A driver that raises one of the eleven itself: its code, reference and hint stay."""
    with pytest.raises(booty.PermissionDeniedError) as caught, clients.calling("read", "a"):
        raise booty.PermissionDeniedError("cannot sign", reference="clock-skew", hint="set it")
    assert (caught.value.reference, caught.value.hint) == ("clock-skew", "set it")


def test_a_cancellation_passes() -> None:
    """What cancels a scope is nobody's error."""
    with pytest.raises(asyncio.CancelledError), clients.calling("read", "a"):
        raise asyncio.CancelledError
