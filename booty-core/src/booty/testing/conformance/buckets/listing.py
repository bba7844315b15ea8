"""Listing: prefixes, pages, delimiters, and writes between pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

from booty.clients.bucket.face import Bucket
from booty.clients.bucket.nouns import Listed
from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails
from booty.testing.conformance.data import ODD

LIST = Capability.LIST
TREE = ("f", "a/1", "a/2", "a/b/3", "a/b/c/4", "d/5")


async def three(place: Place) -> Bucket:
    """Return a bucket with three objects."""
    bucket = await place.bucket()
    for number in range(3):
        await bucket.write(f"p/{number}", bytes(number + 1))
    return bucket


async def pages(
    bucket: Bucket, size: int, prefix: str = "", delimiter: str = "", token: str | None = None
) -> AsyncIterator[list[Listed]]:
    """Give page after page."""
    while True:
        page = await bucket.list_page(token, prefix=prefix, delimiter=delimiter, size=size)
        yield list(page.items)
        token = page.token
        if token is None:
            return


async def sizes(bucket: Bucket, size: int) -> list[int]:
    """Return how many objects each page has."""
    return [len(page) async for page in pages(bucket, size, "p/")]


@CASES.case("B03", LIST)
async def nobody_uses_the_prefix(place: Place) -> None:
    """A prefix that nobody uses gives one empty page."""
    bucket = await three(place)

    page = await bucket.list_page(prefix="q/")
    assert (page.items, page.token) == ((), None)


@CASES.case("B04", LIST)
async def full_key_as_prefix(place: Place) -> None:
    """A full key as prefix gives that object, with its size and time."""
    bucket = await three(place)

    page = await bucket.list_page(prefix="p/1")
    assert [(one.key, one.size, one.directory) for one in page.items] == [("p/1", 2, False)]
    assert page.items[0].modified is not None


@CASES.case("B05", LIST)
async def one_page_of_all(place: Place) -> None:
    """Without a page size all come at once, in byte order."""
    bucket = await three(place)

    page = await bucket.list_page(prefix="p/")
    assert [(one.key, one.size, one.directory) for one in page.items] == [
        ("p/0", 1, False),
        ("p/1", 2, False),
        ("p/2", 3, False),
    ]
    assert page.token is None


@CASES.case("B06", LIST)
async def pages_of_one(place: Place) -> None:
    """Three pages of one, then no token."""
    assert await sizes(await three(place), 1) == [1, 1, 1]


@CASES.case("B07", LIST)
async def pages_of_two(place: Place) -> None:
    """A page of two and one of one."""
    assert await sizes(await three(place), 2) == [2, 1]


@CASES.case("B08", LIST)
async def page_of_three(place: Place) -> None:
    """One full page, no empty one behind it."""
    assert await sizes(await three(place), 3) == [3]


@CASES.case("B09", LIST)
async def write_between_pages(place: Place) -> None:
    """A key written inside a page that was delivered does not disturb the next one."""
    bucket = await three(place)

    first = await bucket.list_page(prefix="p/", size=2)
    await bucket.write("p/00", b"new")
    rest = [one async for page in pages(bucket, 2, "p/", token=first.token) for one in page]
    assert [one.key for one in rest] == ["p/2"]


@CASES.case("B10", LIST)
async def delete_between_pages(place: Place) -> None:
    """A delivered key that is deleted makes nothing come twice or be left out."""
    bucket = await three(place)

    first = await bucket.list_page(prefix="p/", size=2)
    await bucket.delete("p/1")
    rest = [one async for page in pages(bucket, 2, "p/", token=first.token) for one in page]
    assert [one.key for one in rest] == ["p/2"]


@CASES.case("B11", LIST)
async def odd_keys_are_listed(place: Place) -> None:
    """Each of the 18 odd keys comes back as it was written, once."""
    bucket = await place.bucket()
    for key in ODD.values():
        await bucket.write(key, key.encode())

    assert sorted([one.key async for one in bucket.list()]) == sorted(ODD.values())


async def tree(place: Place, delimiter: str) -> Bucket:
    """Return a bucket with keys on several levels."""
    bucket = await place.bucket()
    for key in TREE:
        await bucket.write(key.replace("/", delimiter), b"x")
    return bucket


async def walked(bucket: Bucket, delimiter: str, prefix: str = "") -> list[str]:
    """Return all keys, found directory by directory."""
    found = []
    async for one in bucket.list(prefix, delimiter=delimiter):
        assert one.directory == one.key.endswith(delimiter)
        assert delimiter not in one.key[len(prefix) :].removesuffix(delimiter)
        found += await walked(bucket, delimiter, one.key) if one.directory else [one.key]
    return found


@CASES.case("B12", LIST)
async def flat(place: Place) -> None:
    """Without a delimiter there are objects alone."""
    bucket = await tree(place, "/")

    found = [one async for one in bucket.list()]
    assert [one.key for one in found] == sorted(TREE)
    assert not any(one.directory for one in found)


@CASES.case("B13", LIST)
async def by_slash(place: Place) -> None:
    """A level shows its own objects and directories; recursion rebuilds the tree."""
    bucket = await tree(place, "/")

    assert [one.key async for one in bucket.list(delimiter="/")] == ["a/", "d/", "f"]
    assert await walked(bucket, "/") == sorted(TREE)


@CASES.case("B14", LIST)
async def by_backslash(place: Place) -> None:
    """Any character delimits."""
    bucket = await tree(place, "\\")

    assert sorted(await walked(bucket, "\\")) == sorted(key.replace("/", "\\") for key in TREE)


@CASES.case("B15", LIST)
async def by_several_characters(place: Place) -> None:
    """Several characters delimit."""
    bucket = await tree(place, "abc")

    assert sorted(await walked(bucket, "abc")) == sorted(key.replace("/", "abc") for key in TREE)


@CASES.case("B16", LIST)
async def delimiter_and_pages(place: Place) -> None:
    """With a delimiter, a page of one has one item, and the same come in total."""
    bucket = await tree(place, "/")

    found = [page async for page in pages(bucket, 1, delimiter="/")]
    assert max(map(len, found)) <= 1
    assert [one.key for page in found for one in page] == ["a/", "d/", "f"]


@CASES.case("B17", LIST)
async def emptied_directory(place: Place) -> None:
    """A directory without objects is no longer listed."""
    bucket = await tree(place, "/")

    await bucket.delete("d/5")
    assert [one.key async for one in bucket.list(delimiter="/")] == ["a/", "f"]


@CASES.case("B18", LIST)
async def order_around_the_slash(place: Place) -> None:
    """Directories ``t-/`` and ``t/`` come in byte order for every page size."""
    bucket = await place.bucket()
    keys = ("s", "t-/1", "t-/2", "t-x", "t/1", "t/2", "t/3/4", "t0", "ta/1", "u")
    for key in keys:
        await bucket.write(key, b"x")

    assert [one.key async for one in bucket.list()] == sorted(keys)
    for size in range(10, 0, -1):
        found = [page async for page in pages(bucket, size, delimiter="/")]
        listed = [one.key for page in found for one in page]
        assert listed == ["s", "t-/", "t-x", "t/", "t0", "ta/", "u"]
        assert max(map(len, found)) <= size


@CASES.case("B86", LIST)
async def pages_and_iterator(place: Place) -> None:
    """The iterator gives the pages joined; a page size that is none is refused."""
    bucket = await place.bucket()
    for number in range(7):
        await bucket.write(f"{number}", b"x")

    first = await bucket.list_page(size=3)
    assert first.token is not None
    joined = [one.key async for page in pages(bucket, 3) for one in page]
    assert joined == [one.key async for one in bucket.list()] == list("0123456")
    with fails(Code.INVALID_ARGUMENT):
        await bucket.list_page(size=-1)
