"""Files to objects, objects to files, objects to objects."""

from __future__ import annotations

import mimetypes
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty import RunError

from booty_provider_minio import transfer
from booty_provider_minio.listing import keys
from booty_provider_minio.places import Place
from booty_provider_minio.session import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["copy"]

PIECE: Final = 1024 * 1024
STREAM: Final = "-"
Pair = tuple[Any, Any]


async def copy(
    client: Any, source: Any, target: Any, recursive: bool, content_type: str | None
) -> AsyncIterator[Pair]:
    """Copy, and yield each pair that was copied.

    Args:
        client: an S3 client.
        source: a place on the server, a path, or ``-``.
        target: likewise; one of the two is on the server.
        recursive: a folder, or all keys that begin so.
        content_type: of what is sent; ``None`` = by the name's end.

    Raises:
        RunError: a file cannot be read or written, or a key would lead out of the folder.
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    async for one, other in _pairs(client, source, target, recursive=recursive):
        try:
            await _one(client, one, other, content_type)
        except OSError as error:
            raise _cannot(one, other, error.strerror or str(error)) from error
        yield one, other


async def _pairs(client: Any, source: Any, target: Any, *, recursive: bool) -> AsyncIterator[Pair]:
    if not recursive:
        yield source, _named(source, target)
    elif isinstance(source, Place):
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
    return str(Path(target) / name) if target != STREAM and Path(target).is_dir() else target


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


async def _one(client: Any, source: Any, target: Any, content_type: str | None) -> None:
    if isinstance(source, Place) and isinstance(target, Place):
        about = {"Bucket": source.bucket, "Key": source.key}
        await ask(client.copy_object(Bucket=target.bucket, Key=target.key, CopySource=about))
    elif isinstance(source, Place):
        await _down(client, source, target)
    else:
        await _up(client, source, target, content_type)


async def _up(client: Any, source: str, target: Place, content_type: str | None) -> None:
    kind = content_type or mimetypes.guess_type(target.key)[0]
    told = {"ContentType": kind} if kind else {}
    if source != STREAM:
        await transfer.upload(client, target.bucket, target.key, Path(source), **told)
        return
    with tempfile.NamedTemporaryFile() as kept:  # S3 wants to know how long it is
        while piece := sys.stdin.buffer.read(PIECE):
            kept.write(piece)
        kept.flush()
        await transfer.upload(client, target.bucket, target.key, Path(kept.name), **told)


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
