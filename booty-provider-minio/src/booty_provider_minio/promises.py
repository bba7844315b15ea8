"""Which changes of an object are told by which engine, and how. Data only.

A consumer may rely on it: a run with real servers holds each engine to it, and the page of the
reference shows what such a run has seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty_provider_minio.engines import Engine

__all__ = ["CASES", "Case", "promised"]


@frozen
class Case:
    """Something that is done to an object.

    Attributes:
        title: in words.
        keeps: whether its bucket keeps versions.
    """

    title: str
    keeps: bool = False


CASES: Final[Mapping[str, Case]] = {
    "create": Case("written"),
    "overwrite": Case("overwritten"),
    "twice": Case("overwritten twice between two looks"),
    "same": Case("overwritten with what it held"),
    "copy": Case("copied from another"),
    "multipart": Case("uploaded in parts"),
    "tag": Case("tagged"),
    "untag": Case("tags removed"),
    "metadata": Case("content type and metadata changed"),
    "delete": Case("deleted"),
    "passing": Case("came and went between two looks"),
    "back": Case("deleted and written again between two looks"),
    "version": Case("overwritten", keeps=True),
    "versions": Case("overwritten twice between two looks", keeps=True),
    "mark": Case("deleted", keeps=True),
    "unmark": Case("its delete marker removed", keeps=True),
    "former": Case("a former version removed", keeps=True),
    "latest": Case("its latest version removed", keeps=True),
    "brief": Case("came and went between two looks", keeps=True),
}
"""What can be done, by the key of the object that the test run does it to."""

_PUT: Final = "created put"
_SEEN: Final = "created seen"
_GONE: Final = "removed gone"
_MARK: Final = "removed delete-marker"

_NATIVE: Final[Mapping[str, tuple[str, ...]]] = {
    "create": (_PUT,),
    "overwrite": (_PUT,),
    "twice": (_PUT, _PUT),
    "same": (_PUT,),
    "copy": ("created copy",),
    "multipart": ("created multipart",),
    "tag": ("tagged tag",),
    "untag": ("tagged untag",),
    "metadata": ("created copy",),
    "delete": ("removed delete",),
    "passing": (_PUT, "removed delete"),
    "back": ("removed delete", _PUT),
    "version": (_PUT,),
    "versions": (_PUT, _PUT),
    "mark": (_MARK,),
    "unmark": (_MARK,),  # MinIO names both by one word; the version is that of the marker
    "former": ("removed delete",),
    "latest": ("removed delete",),
    "brief": (_PUT, _MARK),
}
_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "create": (_SEEN,),
    "overwrite": (_SEEN,),
    "twice": (_SEEN,),
    "same": (_SEEN,),
    "copy": (_SEEN,),
    "multipart": (_SEEN,),
    "metadata": (),
    "delete": (_GONE,),
    "passing": (),
    "back": (_SEEN,),
}
_VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    **_LISTED,
    "tag": (),
    "untag": (),
    "version": (_SEEN,),
    "versions": (_SEEN, _SEEN),
    "mark": (_MARK,),
    "unmark": (),
    "former": (_GONE,),
    "latest": (_GONE,),
    "brief": (_SEEN, _MARK),
}


def promised(engine: Engine, way: str = "") -> Mapping[str, tuple[str, ...]]:
    """Return what is told of each case that an engine can be asked for: kind and action, in order.

    Args:
        engine: which.
        way: how its changes are heard of, one of its ways; empty = the best.
    """
    if (way or engine.ways[0]) != "listing":
        return _NATIVE
    if engine.tells:
        return {**_VERSIONS, "metadata": (_SEEN,)}  # it writes a time anew for these
    return _VERSIONS if "versioning" in engine.has else _LISTED
