"""Of which keys of which buckets changes are told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty_provider_minio.resources import Bucket

__all__ = ["ALL", "EVERYTHING", "Choice", "Choices", "choose", "written", "wrong"]

_LONGEST: Final = 1024


@frozen
class Choice:
    """Some keys of a bucket.

    Attributes:
        prefix: what they begin with.
        suffix: what they end with; the two do not overlap in a key.
    """

    prefix: str = ""
    suffix: str = ""

    def takes(self, key: str) -> bool:
        """Tell whether a key is one of them."""
        long = len(key) >= len(self.prefix) + len(self.suffix)
        return long and key.startswith(self.prefix) and key.endswith(self.suffix)

    def meets(self, prefix: str) -> bool:
        """Tell whether a key that begins so can be one of them."""
        return prefix.startswith(self.prefix) or self.prefix.startswith(prefix)

    def filter(self) -> dict[str, Any]:
        """Return it as a rule of S3's notifications has it."""
        rules = [{"Name": name, "Value": text} for name, text in asdict(self).items() if text]
        return {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}


ALL: Final = Choice()


def choose(bucket: Bucket | None) -> Choice | None:
    """Return the keys of a declared bucket whose changes are told; ``None`` = of none."""
    told = True if bucket is None else bucket.events
    if isinstance(told, bool):
        return ALL if told else None
    return Choice(told.prefix, told.suffix)


def written(buckets: Mapping[str, Bucket]) -> dict[str, dict[str, str] | None]:
    """Return the choices as the feed's file has them: those buckets of which not all is told."""
    chosen = {name: choose(bucket) for name, bucket in buckets.items()}
    return {
        name: {"prefix": one.prefix, "suffix": one.suffix} if one else None
        for name, one in chosen.items()
        if one != ALL
    }


class Choices:
    """What is chosen of each bucket; of one that nobody declared, all.

    Args:
        told: as :func:`written` returned it.
    """

    def __init__(self, told: Mapping[str, Mapping[str, str] | None]) -> None:
        self._of = {name: Choice(**one) if one else None for name, one in told.items()}

    def of(self, bucket: str) -> Choice | None:
        """Return the choice of a bucket; ``None`` = nothing of it is told."""
        return self._of.get(bucket, ALL)

    def takes(self, bucket: str, key: str) -> bool:
        """Tell whether changes of an object are told."""
        one = self.of(bucket)
        return one is not None and one.takes(key)


EVERYTHING: Final = Choices({})


def wrong(choice: Choice) -> Iterator[tuple[str, str, str]]:
    """Yield what MinIO takes for no prefix or suffix: which, its value, and why."""
    for name, text in asdict(choice).items():
        if {".", ".."} & set(text.split("/")):
            yield name, text, 'no part of it may be "." or ".."'
        elif {"*", "\\"} & set(text):
            yield name, text, "it is text as it stands in a key, without * and \\"
        elif len(text.encode()) > _LONGEST:
            yield name, text[:32] + "…", f"a key has at most {_LONGEST} bytes"
