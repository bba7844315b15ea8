"""Streams out to a folder and back in: messages, consumers and what these have acknowledged.

JetStream's own snapshots, so key-value and object buckets are streams like any other. A folder
holds two files for each stream: ``NAME.json`` (its configuration and state) and ``NAME.snapshot``
(opaque; whatever NATS sent). Streams in memory cannot be taken; they are named.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty import BootyError, RunError

from booty_provider_nats.api import ApiError, JetStream, accepted, ask
from booty_provider_nats.session import as_consumer
from booty_provider_nats.shapes import COPIES

if TYPE_CHECKING:
    from booty import Instance
    from nats.aio.client import Client

__all__ = ["load", "save"]

CHUNK: Final = 128 * 1024
CHUNK_SECONDS: Final = 10.0


async def save(instance: Instance, out: str) -> list[str]:
    """Write every stream on disk to a folder, which must be new or empty.

    Returns:
        One line for each stream.

    Raises:
        RunError: the folder holds something, or a stream cannot be taken.
    """
    folder = _empty(Path(out))
    async with as_consumer(instance) as connection:
        jetstream = JetStream(connection)
        configs = [stream["config"] async for stream in jetstream.streams()]
        return [await _save_one(connection, config, folder) for config in configs]


def _empty(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        raise _cannot(f'cannot write to "{folder}": {error.strerror}', str(folder)) from error
    if not empty:
        raise _cannot(f'cannot write a backup to "{folder}": it is not empty', str(folder))
    return folder


async def _save_one(connection: Client, config: dict[str, Any], folder: Path) -> str:
    name = str(config["name"])
    if config["storage"] == "memory":
        return f"{name}: in memory, left out"
    try:
        with (folder / f"{name}.snapshot").open("wb") as file:
            head = await _receive(connection, name, file)
    except (ApiError, OSError, TimeoutError) as error:
        raise _cannot(f'cannot take a snapshot of "{name}": {error}', name) from error
    (folder / f"{name}.json").write_text(json.dumps(head, indent=1) + "\n")
    return f"{name}: {head['state']['messages']} messages"


async def _receive(connection: Client, name: str, file: Any) -> dict[str, Any]:
    inbox = connection.new_inbox()
    chunks = await connection.subscribe(inbox)
    try:
        body = {"deliver_subject": inbox, "no_consumers": False, "chunk_size": CHUNK}
        head = await JetStream(connection).call(f"STREAM.SNAPSHOT.{name}", body)
        while data := await _chunk(chunks):
            file.write(data)
    finally:
        await chunks.unsubscribe()
    return {"config": head["config"], "state": head["state"]}


async def _chunk(chunks: Any) -> bytes:
    """Return the next piece, acknowledged so that the server sends on; empty = the end."""
    message = await chunks.next_msg(timeout=CHUNK_SECONDS)
    status = (message.headers or {}).get("Status", "")
    if status not in ("", "204"):
        raise ApiError(int(status), 0, (message.headers or {}).get("Description", "cut off"))
    if message.data and message.reply:
        await message.respond(b"")
    found: bytes = message.data
    return found


async def load(instance: Instance, source: str) -> list[str]:
    """Put every stream of a backup back; one that holds messages already is left alone.

    Returns:
        One line for each stream.

    Raises:
        RunError: the folder holds no backup, or NATS refuses it.
    """
    files = _files(source)
    async with as_consumer(instance) as connection:
        lines = [await _load_one(connection, file, instance.replicas) for file in files]
    await _declared_again(instance)
    return lines


def _files(source: str) -> list[Path]:
    files = sorted(Path(source).glob("*.json"))
    if not files:
        raise _cannot(f'cannot find a backup in "{source}"', source)
    return files


def _head(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


async def _declared_again(instance: Instance) -> None:
    # consumers that booty.toml declares, and the backup did not know, went with the empty stream
    from booty import Service

    from booty_provider_nats.making import make_all

    await make_all(Service(name=instance.service, instances=(instance,)))


async def _load_one(connection: Client, file: Path, servers: int) -> str:
    name, jetstream = file.stem, JetStream(connection)
    try:
        head = _head(file)
        known = await jetstream.info(f"STREAM.INFO.{name}")
        if known and known["state"]["messages"]:
            return f"{name}: holds {known['state']['messages']} messages already, left alone"
        if known:  # made empty by bootstrap, as it is declared now
            await jetstream.call(f"STREAM.DELETE.{name}")
        copies = known["config"]["num_replicas"] if known else min(COPIES, servers)
        head["config"]["num_replicas"] = copies
        await _send(connection, head, file.with_suffix(".snapshot"))
    except (ApiError, BootyError, OSError, ValueError) as error:
        raise _cannot(f'cannot restore "{name}": {error}', name) from error
    return f"{name}: {head['state']['messages']} messages"


async def _send(connection: Client, head: dict[str, Any], snapshot: Path) -> None:
    name = head["config"]["name"]
    answer = await JetStream(connection).call(f"STREAM.RESTORE.{name}", head)
    subject = str(answer["deliver_subject"])
    with snapshot.open("rb") as file:
        while data := file.read(min(CHUNK, connection.max_payload)):
            await _piece(connection, subject, data)
    await _piece(connection, subject, b"")


async def _piece(connection: Client, subject: str, data: bytes) -> None:
    accepted(await ask(connection, subject, raw=data, patience=CHUNK_SECONDS))


def _cannot(message: str, subject: str) -> RunError:
    return RunError(message, reference="nats-backup", subject=subject, hint="name another folder")
