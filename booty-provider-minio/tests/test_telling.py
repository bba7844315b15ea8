"""What server and feed are told of the bus. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

BUS = '[services.bus]\nuse = "nats"\n'
FAR = '[services.bus]\nuse = "external"\noffers = "nats/jetstream"\n'


def told(planned: Any, engine: str, bus: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the variables of the server, without the common beginning, and the feed's bus."""
    made = planned.plan(f'engine = "{engine}"\nevents = "bus"', bus)
    server, feed = (
        next(one for one in made.instances if one.instance.name == name)
        for name in ("it.0", "it.feed.0")
    )
    mark = "MINIO_NOTIFY_NATS_"
    names = {name: text for name, text in server.launch.env.items() if name.startswith(mark)}
    (file,) = feed.launch.files.values()
    return (
        {name[len(mark) :].removesuffix("_BOOTY"): text for name, text in names.items()},
        json.loads(file.content)["bus"],
    )


def test_bus_with_tls(planned: Any) -> None:
    """Server and feed speak TLS with the bus, and trust the authority that signed for it alone."""
    server, feed = told(planned, "minio", f"{BUS}settings = {{ tls = true }}")

    assert server["TLS"] == "on"
    assert server["CERT_AUTHORITY"] == feed["ca"]
    assert feed["ca"].endswith("/ca.pem")
    assert feed["servers"] == [f"tls://{server['ADDRESS']}"]
    assert "TLS_SKIP_VERIFY" not in server


def test_bus_without_tls(planned: Any) -> None:
    """Nothing is said of TLS where there is none."""
    server, feed = told(planned, "silo", BUS)

    assert not {"TLS", "CERT_AUTHORITY"} & set(server)
    assert feed["ca"] == ""


def test_bus_of_somebody_else(planned: Any) -> None:
    """A bus outside has TLS where its address says so; the system knows its authority."""
    server, feed = told(planned, "minio", f'{FAR}url = "tls://nats.example:4222"')

    assert server["TLS"] == "on"
    assert "CERT_AUTHORITY" not in server
    assert server["ADDRESS"] == "nats.example:4222"
    assert (feed["servers"], feed["ca"]) == (["tls://nats.example:4222"], "")


@pytest.mark.parametrize("engine", ["versitygw", "rclone"])
def test_engine_that_does_not_tell(planned: Any, engine: str) -> None:
    """An engine that is listed is told nothing of the bus."""
    server, feed = told(planned, engine, BUS)

    assert server == {}
    assert feed["servers"] == ["nats://127.0.0.1:4222"]
