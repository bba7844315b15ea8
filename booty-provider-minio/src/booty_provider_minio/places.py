"""Where an object is, as people write it: ``BUCKET/KEY``, or ``s3://BUCKET/KEY``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click
from attrs import frozen

__all__ = ["BUCKETS", "EITHER", "OBJECT", "STREAM", "Place", "a_bucket", "mistaken"]

SCHEME: Final = "s3://"
STREAM: Final = "-"


@frozen
class Place:
    """An object, or all whose keys begin so.

    Attributes:
        bucket: the bucket; empty = all of them.
        key: the key, or the beginning of keys.
    """

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def below(self, name: str) -> Place:
        """Return a place under this one."""
        return Place(self.bucket, f"{self.key.rstrip('/')}/{name}" if self.key else name)


class _Remote(click.ParamType[Place]):
    """A place on the server.

    Args:
        name: what it is, for people.
        whole: whether it must name an object.
    """

    def __init__(self, name: str, *, whole: bool = False) -> None:
        self.name = name
        self._whole = whole

    def convert(self, value: Any, param: Any, ctx: Any) -> Place:
        """Return the place; end with a usage error if it names none."""
        if isinstance(value, Place):
            return value
        bucket, _, key = str(value).removeprefix(SCHEME).partition("/")
        if not bucket or (self._whole and not key):
            self.fail(f'cannot use "{value}" as {self.name}: write BUCKET/KEY', param, ctx)
        return Place(bucket, key)


class _Either(click.ParamType[Any]):
    """A place on the server, a path here, or ``-``."""

    name = "place"

    def convert(self, value: Any, param: Any, ctx: Any) -> Place | str:
        """Return the place or the path."""
        if isinstance(value, str) and value.startswith(SCHEME):
            return _Remote("a place").convert(value, param, ctx)
        return value if isinstance(value, Place) else str(value)


BUCKETS: Final = _Remote("a place")
OBJECT: Final = _Remote("an object", whole=True)
EITHER: Final = _Either()


def mistaken(
    source: Place | str, target: Place | str, *, recursive: bool, typed: bool = False
) -> str:
    """Return what is wrong with a copy from here to there, before anything is asked; else nothing.

    Args:
        source: a place, a path, or ``-``.
        target: likewise.
        recursive: whether all below it is meant.
        typed: whether a content type is given.
    """
    return next(_mistakes(source, target, recursive=recursive, typed=typed), "")


def _mistakes(
    source: Place | str, target: Place | str, *, recursive: bool, typed: bool
) -> Iterator[str]:
    if not isinstance(source, Place) and not isinstance(target, Place):
        yield "one of the two must be on the server: s3://BUCKET/KEY"
    if recursive and STREAM in {source, target}:
        yield f'"{STREAM}" is one object: it does not go with -r'
    if source == STREAM and isinstance(target, Place) and not target.name:
        yield f'"{target}" names no object: write s3://BUCKET/KEY'
    if isinstance(source, Place) and not source.key and not recursive:
        yield a_bucket(source)
    if typed and not isinstance(target, Place):
        yield f'"{target}" is a file, which has no content type: --type is for s3://BUCKET/KEY'
    if source == target and not typed:
        yield f'"{source}" is both of them'


def a_bucket(place: Place) -> str:
    """Return what is said to who names a bucket where an object is meant."""
    return f'"{place}" is a bucket: name a key, or -r for all that is in it'
