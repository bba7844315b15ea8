"""All about running an instance that is not its launch: probes, stop, restart, reload, log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import evolve

from booty.errors import ConfigError
from booty.model import codec
from booty.model.component import Probe
from booty.model.reference import literal_only, place
from booty.plan.checks import secret_in_argv
from booty.plan.order import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.instance import Endpoint
    from booty.plan.launches import Started

__all__ = ["policy"]

DEFAULT_READY = {"service": "on-failure", "task": "never", "external": "never"}

_SECURE: Final = frozenset(("https", "wss"))
"""Schemes behind which HTTP is spoken over TLS."""


def policy(one: Started) -> dict[str, Any]:
    """Return the plain data of an instance's run sheet entry, without launch and needs."""
    spec, component = one.cast.spec, one.member.component
    kind = kind_of(one.cast, one.member)
    role = spec.roles.get(one.member.role.name)
    grace = role.grace if role and role.grace is not None else spec.grace
    endpoints = one.instance.endpoints
    return {
        "kind": kind,
        "stdin": _stdin(one),
        "ready": _probe(one, spec.ready, one.member.role.ready or component.ready, "ready"),
        "live": _probe(one, spec.live, component.live, "live"),
        "ready_timeout": _or(spec.ready_timeout, component.ready_timeout),
        "stop": {
            "signal": spec.stop_signal or component.stop_signal,
            "grace": _or(grace, component.grace),
            "drain": component.drain_signal,
            "drain_timeout": component.drain_timeout,
            "after_ready": component.stop_after_ready,
        },
        "reload": {
            "signal": spec.reload.signal if spec.reload else component.reload_signal,
            "exec": _command(one, spec.reload.exec if spec.reload else (), "reload.exec"),
        },
        "exit_codes": sorted({0, *component.exit_codes, *spec.exit_codes}),
        "restart": {
            "policy": spec.restart or DEFAULT_READY[kind],
            **{key: getattr(spec.backoff, key) for key in _BACKOFF},
        },
        "critical": spec.critical,
        "secrets_as": spec.secrets_as,
        "older_on_newer": component.older_on_newer,
        "rejoins": component.rejoins,
        "log": codec.to_data(spec.log),
        "log_time": component.log_time,
        "ports": {name: endpoint.port for name, endpoint in endpoints.items()},
        "urls": _urls(one, endpoints),
        "watch": [
            _path(text) for text in one.reader.value(spec.watch, f"services.{one.cast.name}.watch")
        ],
        "labels": one.reader.value(spec.labels, f"services.{one.cast.name}.labels"),
        **_sockets(endpoints),
    }


def _sockets(endpoints: Mapping[str, Endpoint]) -> dict[str, list[dict[str, Any]]]:
    found = [
        {"name": name, "bind": one.bind, "port": one.port, "protocol": one.protocol}
        for name, one in endpoints.items()
        if one.socket
    ]
    return {"sockets": found} if found else {}


_BACKOFF = ("next", "factor", "max", "reset", "give_up")


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _stdin(one: Started) -> str:
    return _path(one.reader.text(one.cast.spec.stdin, f"services.{one.cast.name}.stdin"))


def _path(text: str) -> str:
    # relative paths start at the folder of booty.toml
    return text if text.startswith(("/", "@{booty:")) else f"@{{booty:root}}/{text}"


def _urls(one: Started, endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    if one.member.component.id == "external":
        url = str(one.instance.spec.get("url", ""))
        return {} if "@{booty:" in url else {"url": url}
    return {name: endpoint.url for name, endpoint in endpoints.items()}


def _probe(
    one: Started, asked: Probe | None, declared: Probe | None, key: str
) -> dict[str, Any] | None:
    if asked is not None:
        path = f"services.{one.cast.name}.{key}"
        given = attrs.asdict(asked, recurse=False)
        asked = Probe(**{name: _rendered(one, value, path) for name, value in given.items()})
        if asked.exec is not None:
            asked = evolve(asked, exec=tuple(_command(one, given["exec"], f"{key}.exec")))
        if asked.file is not None:
            asked = evolve(asked, file=_path(asked.file))
    probe = asked or _in_data(declared) or (_of_external(one) if key == "ready" else None)
    if probe is None:
        return None
    endpoints = one.instance.endpoints
    if key == "ready" and probe.tcp and not probe.first_bytes:
        _refuse_own_answer(one, _tcp(probe.tcp, endpoints))
    found: dict[str, Any] = codec.to_data(
        evolve(probe, tcp=_tcp(probe.tcp, endpoints), http=_http(probe.http, endpoints))
    )
    return found


def _refuse_own_answer(one: Started, target: str | None) -> None:
    for name, endpoint in one.instance.endpoints.items():
        if endpoint.socket and endpoint.address == target:
            path = f"services.{one.cast.name}.ready.tcp"
            one.reader.faults.append(
                ConfigError(
                    f'cannot wait for "{name}" in {path}: booty listens there before the program'
                    " does",
                    reference="ready-says-nothing",
                    subject=path,
                    hint=f'write ready = {{ http = "{name}/" }}, notify, or first-bytes beside it',
                )
            )


def _in_data(declared: Probe | None) -> Probe | None:
    # a provider does not know where the data of an instance will be
    if declared is None or not declared.file or declared.file.startswith("/"):
        return declared
    return evolve(declared, file=f"{place('data')}/{declared.file}")


def _command(one: Started, argv: tuple[str, ...], key: str) -> list[str]:
    path = f"services.{one.cast.name}.{key}"
    words: list[str] = one.reader.value(argv, path)
    if not literal_only(words):
        one.reader.faults.append(secret_in_argv(path))
    return words


def _rendered(one: Started, value: Any, path: str) -> Any:
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return tuple(one.reader.value(value, path))
    return one.reader.text(value, path) if isinstance(value, str) else value


def _tcp(target: str | None, endpoints: Mapping[str, Endpoint]) -> str | None:
    if target in endpoints:
        return endpoints[str(target)].address
    return f"127.0.0.1:{target}" if target and target.isdigit() else target


def _http(target: str | None, endpoints: Mapping[str, Endpoint]) -> str | None:
    if not target or "://" in target:
        return target
    name, _, path = target.partition("/")
    if name not in endpoints:
        return target
    scheme = "https" if endpoints[name].scheme in _SECURE else "http"
    return f"{scheme}://{endpoints[name].address}/{path}"


def _of_external(one: Started) -> Probe | None:
    if one.member.component.id != "external":
        return None
    url = one.cast.spec.url
    addresses = one.reader.addresses
    if url.startswith("secret://"):
        secret = addresses.credentials.user_secret(url.removeprefix("secret://"), "address")
        return Probe(tcp=str(secret))
    known = addresses.first(one.cast.name)
    return Probe(tcp=known.address) if known else None
