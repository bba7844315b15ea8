"""The stream and the consumer behind a portable client: found, made, compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from booty import clients

from booty_provider_nats import names
from booty_provider_nats.api import ApiError, JetStream

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["ACK_SECONDS", "check_name", "consumer", "stream", "subject_of"]

_NANOSECONDS: Final = 1_000_000_000
ACK_SECONDS: Final = 30.0
DEDUPE_SECONDS: Final = 120.0
_NO_STREAM: Final = 10059


def subject_of(location: clients.Location, *, pattern: bool) -> str:
    """Return the subject of a URL.

    Raises:
        InvalidArgumentError: it is none.
    """
    found = location.path.strip("/")
    rule, words = names.PATTERN if pattern else names.SUBJECT
    if not re.fullmatch(rule, found):
        raise clients.InvalidArgumentError(
            f'cannot open "{location.shown}": "{found}" is no subject: {words}',
            reference="url-invalid",
            subject=location.shown,
            hint=f"{location.scheme}://127.0.0.1:4222/orders.new",
        )
    return found


def check_name(location: clients.Location, name: str, rule: tuple[str, str]) -> None:
    """Refuse what NATS would not take as a name.

    Raises:
        InvalidArgumentError: it would not.
    """
    pattern, words = rule
    if not re.fullmatch(pattern, name):
        raise clients.InvalidArgumentError(
            f'cannot open "{location.shown}": "{name}" is no name of a consumer: {words}',
            reference="url-value",
            subject=location.shown,
            hint="durable=billing",
        )


async def stream(connection: Client, subject: str, given: Any) -> str:
    """Return the name of the stream that keeps a subject; make it if the URL says so.

    Raises:
        NotFoundError: there is none.
        ApiError: it cannot be made.
    """
    jetstream = JetStream(connection)
    named: str = given["stream"]
    found = await jetstream.call("STREAM.NAMES", {"subject": subject})
    keeping: list[str] = found.get("streams") or []
    if keeping and named in ("", *keeping):
        return named or keeping[0]
    if not given["create"]:
        error = ApiError(404, _NO_STREAM, f'no stream keeps "{subject}"')
        raise _missing(error, f'add create=true, or a stream with subjects = ["{subject}"]')
    name = named or re.sub(r"[^A-Za-z0-9_-]+", "-", subject).strip("-") or "all"
    config: dict[str, Any] = {
        "name": name,
        "subjects": [subject],
        "storage": "file",
        "num_replicas": max(int(given["replicas"]), 1),
        "duplicate_window": int((given["dedupe_window"] or DEDUPE_SECONDS) * _NANOSECONDS),
    }
    await jetstream.call(f"STREAM.CREATE.{name}", config)
    return name


async def consumer(connection: Client, kept_in: str, subject: str, given: Any) -> dict[str, Any]:
    """Return the configuration of the durable consumer; make or change it if the URL says so.

    Raises:
        NotFoundError: there is none.
        ApiError: it cannot be made.
        FailedPreconditionError: there is one, and it is not what the URL says.
    """
    jetstream = JetStream(connection)
    name = given["durable"]
    asked = _asked(given)
    found = await jetstream.info(f"CONSUMER.INFO.{kept_in}.{name}")
    if found is None:
        if not given["create"]:
            error = ApiError(404, 10014, f'there is no consumer "{name}" of "{kept_in}"')
            raise _missing(error, "add create=true, or name one that is there: durable=…")
        config = {
            **_DEFAULTS,
            **asked,
            "durable_name": name,
            "name": name,
            "filter_subject": subject,
        }
        return await _create(jetstream, kept_in, config, "create")
    config = found["config"]
    await _suits(jetstream, kept_in, config, subject)
    differs = {key: value for key, value in asked.items() if config.get(key) != value}
    if differs and not given["create"]:
        raise _another(name, f"{', '.join(differs)} differ", "leave them out, or add create=true")
    if differs:
        config = await _create(jetstream, kept_in, {**config, **differs}, "update")
    return config


_DEFAULTS: Final[dict[str, Any]] = {
    "ack_policy": "explicit",
    "deliver_policy": "all",
    "replay_policy": "instant",
    "ack_wait": int(ACK_SECONDS * _NANOSECONDS),
    "max_deliver": -1,
    # what a subscription may hold is its own affair: max_outstanding
    "max_ack_pending": -1,
}


def _asked(given: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if given["ack_wait"] is not None:
        asked["ack_wait"] = int(given["ack_wait"] * _NANOSECONDS)
    if given["dead_letter"]:
        # we count ourselves: a server that stops delivering sets nothing aside
        asked["max_deliver"] = -1
    elif given["max_deliver"]:
        asked["max_deliver"] = given["max_deliver"]
    return asked


async def _create(
    jetstream: JetStream, kept_in: str, config: dict[str, Any], action: str
) -> dict[str, Any]:
    body = {"stream_name": kept_in, "config": config, "action": action}
    made = await jetstream.call(f"CONSUMER.CREATE.{kept_in}.{config['durable_name']}", body)
    found: dict[str, Any] = made["config"]
    return found


async def _suits(jetstream: JetStream, kept_in: str, config: dict[str, Any], subject: str) -> None:
    name = config["durable_name"]
    if config.get("ack_policy") != "explicit":
        raise _another(name, "it does not wait for each acknowledgement", 'ack = "explicit"')
    if config.get("deliver_subject"):
        raise _another(name, "it pushes", "name another durable")
    filters = config.get("filter_subjects") or [config.get("filter_subject", "")]
    if filters == [""]:  # for all that the stream keeps
        found = await jetstream.call(f"STREAM.INFO.{kept_in}")
        filters = found["config"].get("subjects") or [subject]
    if filters != [subject]:
        hint = f"subscribe to {filters[0]}, or name another durable"
        raise _another(name, f'it is for "{", ".join(filters)}"', hint)


def _missing(error: ApiError, hint: str) -> clients.NotFoundError:
    return clients.NotFoundError(str(error), hint=hint, native=error)


def _another(name: str, why: str, hint: str) -> clients.FailedPreconditionError:
    return clients.FailedPreconditionError(f'consumer "{name}" is another: {why}', hint=hint)
