"""What is really fetched: programs of the providers, and others for kinds of sources and shapes."""

from __future__ import annotations

from typing import Final

from attrs import evolve, frozen
from booty import Component, Deb, GoInstall, Source
from booty_provider_minio import components as of_minio
from booty_provider_nats import components as of_nats

__all__ = ["PROGRAMS", "Real"]


@frozen(kw_only=True)
class Real:
    """A program from one kind of source.

    Attributes:
        component: it, with that source alone.
        versions: that may be had, newest first; a suite has one of them.
        asks: arguments that make it say what it is.
        says: what it says then, a template over ``version``.
        quick: whether it comes in seconds.
    """

    component: Component
    versions: tuple[str, ...]
    asks: tuple[str, ...] = ("--version",)
    says: str = "version {version}"
    quick: bool = True

    @property
    def name(self) -> str:
        """How a test calls it."""
        return f"{self.component.id.replace('/', '-')}-{self.component.sources[0].kind}"


def _provided(component: Component, kind: str, version: str, **more: object) -> Real:
    source = next(
        one
        for one in component.sources
        if one.kind == kind and version in (one.versions or component.versions)
    )
    alone = evolve(component, sources=(source,))
    return Real(component=alone, versions=(version,), **more)  # type: ignore[arg-type]  # fields of Real


def _own(name: str, source: Source, *versions: str, **more: object) -> Real:
    component = Component(id=name, program=name, versions=versions, sources=(source,))
    return Real(component=component, versions=versions, **more)  # type: ignore[arg-type]  # fields of Real


_NATS: Final = of_nats()[0]
_S3: Final = {one.id.rpartition("/")[2]: one for one in of_minio()}
_AWS: Final = "github.com/aws/aws-sdk-go-v2"
_REPLACED: Final = {
    "": "v1.32.8",
    "/config": "v1.28.11",
    "/credentials": "v1.17.52",
    "/feature/s3/manager": "v1.17.48",
    "/service/internal/checksum": "v1.4.8",
    "/service/s3": "v1.72.3",
    "/service/sso": "v1.24.9",
    "/service/ssooidc": "v1.28.8",
    "/service/sts": "v1.33.7",
}
_VICTORIA: Final = GoInstall(
    module="github.com/VictoriaMetrics/VictoriaMetrics",
    packages=("github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics",),
    replaces={
        "cloud.google.com/go/storage": "cloud.google.com/go/storage v1.43.0",
        **{f"{_AWS}{path}": f"{_AWS}{path} {version}" for path, version in _REPLACED.items()},
    },
    ldflags=(
        *("-s", "-w", "-X"),
        "github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version=victoria-metrics-{release}",
    ),
    needs="1.24",
)
_ALERTMANAGER: Final = GoInstall(
    module="github.com/prometheus/alertmanager",
    packages=("github.com/prometheus/alertmanager/cmd/alertmanager",),
    ldflags=("-s", "-w", "-X", "github.com/prometheus/common/version.Version={version}"),
    needs="1.24",
)
_MARIADB: Final = Deb(
    packages=("mariadb-server-core", "mariadb-client-core"),
    member="usr/sbin/mariadbd",
    also=("usr/bin/mariadb",),
)

PROGRAMS: Final = (
    _provided(_NATS, "wheel", "2.15.0", says="v{version}"),
    _provided(_S3["rclone"], "wheel", "1.75.2", asks=("version",), says="rclone v{version}"),
    _own("prometheus", Deb(packages=("prometheus",), member="usr/bin/prometheus"),
         "3.5.3", "2.53.3", "2.42.0"),
    _own("node-exporter", Deb(packages=("prometheus-node-exporter",),
         member="usr/bin/prometheus-node-exporter"), "1.11.1", "1.9.0", "1.5.0"),
    _own("alertmanager", Deb(packages=("prometheus-alertmanager",),
         member="usr/bin/prometheus-alertmanager"), "0.33.1", "0.28.1", "0.25.0"),
    _own("etcd", Deb(packages=("etcd-server",), member="usr/bin/etcd"),
         "3.5.30", "3.5.16", "3.4.23", says="etcd Version: {version}"),
    _own("mariadb", _MARIADB, "11.8.9", "11.8.6", "10.11.19", "10.11.18",
         says="Ver {version}-MariaDB"),
    _provided(_NATS, "go", "2.15.0", says="v{version}", quick=False),
    _provided(_S3["versitygw"], "go", "1.8.0", says="{version}", quick=False),
    _own("alertmanager", _ALERTMANAGER, "0.31.1", quick=False),
    _own("victoria-metrics", _VICTORIA, "1.121.0", says="victoria-metrics-v{version}", quick=False),
    _provided(_S3["minio"], "go", "2026-02-12T20-18-48Z", says="RELEASE.{version}", quick=False),
)  # fmt: skip
