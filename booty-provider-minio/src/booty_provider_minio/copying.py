"""Files to objects, objects to files, objects to objects."""

from __future__ import annotations

import mimetypes
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from booty import RunError

from booty_provider_minio import transfer
from booty_provider_minio.listing import keys
from booty_provider_minio.places import STREAM, Place
from booty_provider_minio.s3.copying import copied
from booty_provider_minio.session import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["How", "copy", "fed"]

PIECE: Final = 1024 * 1024
Pair = tuple[Any, Any]


@frozen(kw_only=True)
class How:
    """How each object is made.

    Attributes:
        content_type: of what is made on the server; ``None`` = that of the object it is copied
            from, else by the name's end.
        kept: the file with what :func:`fed` has read.
        bound: bytes above which a copy on the server goes in parts; ``None`` = never.
    """

    content_type: str | None = None
    kept: Path | None = None
    bound: int | None = None


@contextmanager
def fed(source: Any) -> Iterator[Path | None]:
    """Keep what standard input gives in a file, if it is the source: S3 asks how long it is.

    Read before anything else is begun, so that ctrl-C ends it at once: within an event loop it
    would only be noted until the next piece comes.
    """
    if source != STREAM:
        yield None
        return
    with tempfile.NamedTemporaryFile() as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept, PIECE)
        kept.flush()
        yield Path(kept.name)


async def copy(
    client: Any, source: Any, target: Any, how: How, *, recursive: bool = False
) -> AsyncIterator[Pair]:
    """Copy, and yield each pair that was copied.

    Args:
        client: an S3 client.
        source: a place on the server, a path, or ``-``.
        target: likewise; one of the two is on the server.
        how: how each object is made.
        recursive: a folder, or all keys that begin so.

    Raises:
        RunError: a file cannot be read or written, or a key would lead out of the folder.
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    pairs = _all if recursive else _single
    done = 0
    async for one, other in pairs(client, source, target):
        done += 1
        try:
            await _one(client, one, other, how)
        except OSError as error:
            raise _cannot(one, other, error.strerror or str(error)) from error
        yield one, other
    if not done:
        raise _cannot(source, target, "nothing is there")


async def _single(_client: Any, source: Any, target: Any) -> AsyncIterator[Pair]:
    yield source, _named(source, target)


async def _all(client: Any, source: Any, target: Any) -> AsyncIterator[Pair]:
    if isinstance(source, Place):
        async for some in keys(client, source):
            for key in some:
                name = key.removeprefix(source.key).lstrip("/") or source.name
                yield Place(source.bucket, key), _below(target, name)
    else:
        for file, name in _files(Path(source)):
            yield str(file), _below(target, name)


def _named(source: Any, target: Any) -> Any:
    """Return the target; the source's name is added to one that is a folder."""
    name = source.name if isinstance(source, Place) else Path(source).name
    if isinstance(target, Place):
        return target.below(name) if not target.key or target.key.endswith("/") else target
    is_folder = target != STREAM and (target.endswith("/") or Path(target).is_dir())
    return str(Path(target) / name) if is_folder else target


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    if not folder.is_dir():
        raise _cannot(folder, "the server", "it is no folder")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file, file.relative_to(folder).as_posix()


def _below(target: Any, name: str) -> Any:
    if isinstance(target, Place):
        return target.below(name)
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise _cannot(name, target, "this key is no path below a folder")
    return str(Path(target) / name)


async def _one(client: Any, source: Any, target: Any, how: How) -> None:
    if isinstance(source, Place) and isinstance(target, Place):
        changed = {"ContentType": how.content_type} if how.content_type else None
        named = ({"Bucket": one.bucket, "Key": one.key} for one in (source, target))
        await ask(copied(client, *named, bound=how.bound, changed=changed))
    elif isinstance(source, Place):
        await _down(client, source, target)
    else:
        await _up(client, how.kept or Path(source), target, how.content_type)


async def _up(client: Any, source: Path, target: Place, content_type: str | None) -> None:
    kind = content_type or mimetypes.guess_type(target.key)[0]
    told = {"ContentType": kind} if kind else {}
    await transfer.upload(client, target.bucket, target.key, source, **told)


async def _down(client: Any, source: Place, target: str) -> None:
    answer = await ask(client.get_object(Bucket=source.bucket, Key=source.key))
    if target == STREAM:
        async for piece in transfer.pieces(answer["Body"], PIECE):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    place = _folder(target)
    handle, half = tempfile.mkstemp(dir=place, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            async for piece in transfer.pieces(answer["Body"], PIECE):
                file.write(piece)
        _settle(half, target)
    except BaseException:
        _forget(half)
        raise


def _folder(target: str) -> Path:
    folder = Path(target).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settle(half: str, target: str) -> None:
    # a file has its name when it is whole, and the rights that any new file has
    mask = os.umask(0)
    os.umask(mask)
    Path(half).chmod(0o666 & ~mask)
    Path(half).replace(target)


def _forget(half: str) -> None:
    Path(half).unlink(missing_ok=True)


def _cannot(source: Any, target: Any, why: str) -> RunError:
    return RunError(
        f'cannot copy "{source}" to "{target}": {why}',
        reference="minio-copy",
        subject=str(source),
        hint="name another file or key; -r copies folders",
    )
