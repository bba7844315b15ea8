"""Every publisher's layout, served by loopback: only the host differs from the real thing."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import importlib.util
import io
import lzma
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import Factory, frozen
from booty import ArtifactWish, Component, Platform, Release, Signature
from booty.errors import FetchError
from booty.fetch import Lock, Store, ensure
from booty.model.plan import Artifact
from booty.paths import store as users_store
from conftest_fetch import HERE, SCRIPT, Publisher, tar, zipped
from signing import by_minisign, by_openpgp, minisign, openpgp

VERSION = "1.2.3"
GH = "https://github.com"
DOWNLOAD = "releases/download/v{version}"
SPELLING = {"amd64": "x86_64", "arm64": "aarch64"}
HAS_OPENPGP = importlib.util.find_spec("pysequoia") is not None

Pack = Callable[[str, bytes], bytes]
Sums = Callable[[str, bytes], bytes]


def packed(mode: str) -> Pack:
    """Return what packs a tar in a compression."""

    def pack(member: str, data: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=f"w:{mode}") as archive:
            info = tarfile.TarInfo(member)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
        return out.getvalue()

    return pack


def zstandard(member: str, data: bytes) -> bytes:
    """Return a tar.zst; skips where nothing reads one."""
    for name in ("compression.zstd", "backports.zstd"):
        if importlib.util.find_spec(name.partition(".")[0]) and importlib.util.find_spec(name):
            plain = packed("")(member, data)
            return bytes(importlib.import_module(name).compress(plain))
    pytest.skip("neither Python 3.14 nor backports.zstd is here")


def tgz(member: str, data: bytes) -> bytes:
    """Return a tar.gz with one file."""
    return tar({member: data, f"{member.rpartition('/')[0] or 'doc'}/README.md": b"read me"})


def zipfile(member: str, data: bytes) -> bytes:
    """Return a zip with one program and a license."""
    return zipped({member: data, "LICENSE.txt": b"free"})


def bare(_: str, data: bytes) -> bytes:
    """Return the program itself."""
    return data


def alone(compress: Callable[[bytes], bytes]) -> Pack:
    """Return what packs the program by itself."""
    return lambda _, data: compress(data)


def gnu(name: str, data: bytes) -> bytes:
    """Return a sums file of many assets."""
    lines = [f"{'0' * 64}  other-{name}", f"{hashlib.sha256(data).hexdigest()}  {name}"]
    return ("\n".join(lines) + "\n").encode()


def starred(name: str, data: bytes) -> bytes:
    """Return a sums file of binary mode, with folders before the names."""
    return f"{hashlib.sha256(data).hexdigest()} *./dist/{name}\n".encode()


def bsd(name: str, data: bytes) -> bytes:
    """Return a sums file as BSD's tools write it."""
    return f"SHA256 ({name}) = {hashlib.sha256(data).hexdigest()}\n".encode()


def sha512(name: str, data: bytes) -> bytes:
    """Return a sums file of sha512."""
    return f"{hashlib.sha512(data).hexdigest()}  {name}\n".encode()


def one_hash(_: str, data: bytes) -> bytes:
    """Return a hash by itself, without an end of line."""
    return hashlib.sha256(data).hexdigest().encode()


def clear(name: str, data: bytes) -> bytes:
    """Return sums with the publisher's signature around them."""
    return openpgp().clear(gnu(name, data))


@frozen(kw_only=True)
class Shape:
    """How a publisher publishes.

    Attributes:
        url: template of the asset.
        member: of the program in it.
        pack: makes the asset.
        sums: template of the sums file.
        sum: makes the sums file.
        signature: what the provider declares.
        trust: what stands in the lock.
        os: spelling.
        arch: spelling.
        named: what the asset is called in sums and signature.
    """

    url: str
    member: str
    pack: Pack
    sums: str = ""
    sum: Sums = gnu
    signature: Signature | None = None
    trust: str = "publisher's sums file"
    os: Mapping[str, str] = Factory(dict)
    arch: Mapping[str, str] = Factory(dict)
    named: str = ""


def github(
    repository: str, asset: str, member: str, pack: Pack, sums: str, **more: object
) -> Shape:
    """Return the shape of a release on GitHub."""
    base = f"{GH}/{repository}/{DOWNLOAD}"
    more = {"sums": f"{base}/{sums}" if sums else "", **more}
    return Shape(url=f"{base}/{asset}", member=member, pack=pack, **more)  # type: ignore[arg-type]  # test data


HASHI = "https://releases.hashicorp.com/consul/{version}"
RCLONE = "https://downloads.rclone.org/v{version}"
GRAFANA = "https://dl.grafana.com/oss/release"
MINIO = "https://dl.min.io/server/minio/release/{os}-{arch}/archive"


def shapes() -> dict[str, Callable[[], Shape]]:
    """Return the shapes by publisher; keys are made when one is asked for."""
    prometheus = "prometheus-{version}.{os}-{arch}"
    return {
        "nats": lambda: github(
            "nats-io/nats-server", "nats-server-v{version}-{os}-{arch}.tar.gz",
            "nats-server-v{version}-{os}-{arch}/nats-server", tgz, "SHA256SUMS",
        ),
        "prometheus": lambda: github(
            "prometheus/prometheus", f"{prometheus}.tar.gz", f"{prometheus}/prometheus", tgz,
            "sha256sums.txt",
        ),
        "hashicorp": lambda: Shape(
            url=f"{HASHI}/consul_{{version}}_{{os}}_{{arch}}.zip", member="consul", pack=zipfile,
            sums=f"{HASHI}/consul_{{version}}_SHA256SUMS",
            signature=by_openpgp(f"{HASHI}/consul_{{version}}_SHA256SUMS.sig"),
            trust=f"publisher's sums file, signed by Publisher (openpgp {openpgp().number})",
        ),
        "rclone": lambda: Shape(
            url=f"{RCLONE}/rclone-v{{version}}-{{os}}-{{arch}}.zip",
            member="rclone-v{version}-{os}-{arch}/rclone", pack=zipfile,
            sums=f"{RCLONE}/SHA256SUMS", sum=clear, signature=by_openpgp(),
            trust=f"publisher's sums file, signed by Publisher (openpgp {openpgp().number})",
            os={"darwin": "osx"},
        ),
        "rclone, unsigned": lambda: Shape(
            url=f"{RCLONE}/rclone-v{{version}}-{{os}}-{{arch}}.zip",
            member="rclone-v{version}-{os}-{arch}/rclone", pack=zipfile,
            sums=f"{RCLONE}/SHA256SUMS", sum=clear,
        ),
        "minio": lambda: Shape(
            url=f"{MINIO}/minio.{{version}}", member="minio", pack=bare,
            signature=by_minisign(f"{MINIO}/minio.{{version}}.minisig"),
            trust=f"signed by Publisher (minisign {minisign().number})",
        ),
        "minio, sums too": lambda: Shape(
            url=f"{MINIO}/minio.{{version}}", member="minio", pack=bare,
            sums=f"{MINIO}/minio.{{version}}.sha256sum",
            signature=by_minisign(f"{MINIO}/minio.{{version}}.minisig"),
            trust="publisher's sums file, asset signed by Publisher (minisign "
            f"{minisign().number})",
        ),
        "minio on github": lambda: github(
            "minio/minio", "minio.{os}-{arch}.{version}", "minio", bare, "",
            named="minio.{version}",
            signature=by_minisign(
                f"{GH}/minio/minio/{DOWNLOAD}/minio.{{os}}-{{arch}}.{{version}}.minisig"
            ),
            trust=f"signed by Publisher (minisign {minisign().number})",
        ),
        "grafana": lambda: Shape(
            url=f"{GRAFANA}/grafana-{{version}}.{{os}}-{{arch}}.tar.gz",
            member="grafana-v{version}/bin/grafana", pack=tgz,
            sums=f"{GRAFANA}/grafana-{{version}}.{{os}}-{{arch}}.tar.gz.sha256", sum=one_hash,
        ),
        "loki": lambda: github(
            "grafana/loki", "loki-{os}-{arch}.zip", "loki-{os}-{arch}", zipfile, "SHA256SUMS",
        ),
        "tempo": lambda: github(
            "grafana/tempo", "tempo_{version}_{os}_{arch}.tar.gz", "tempo", tgz, "SHA256SUMS",
            sum=starred,
        ),
        "otelcol": lambda: github(
            "open-telemetry/opentelemetry-collector-releases",
            "otelcol_{version}_{os}_{arch}.tar.gz", "otelcol", tgz,
            "otelcol_{version}_{os}_{arch}.tar.gz.sha256",
        ),
        "victoria-metrics": lambda: github(
            "VictoriaMetrics/VictoriaMetrics", "victoria-metrics-{os}-{arch}-v{version}.tar.gz",
            "victoria-metrics-prod", tgz,
            "victoria-metrics-{os}-{arch}-v{version}_checksums.txt",
        ),
        "etcd": lambda: github(
            "etcd-io/etcd", "etcd-v{version}-{os}-{arch}.tar.gz",
            "etcd-v{version}-{os}-{arch}/etcd", tgz, "SHA256SUMS",
        ),
        "openbao": lambda: github(
            "openbao/openbao", "openbao_{version}_{os}_{arch}.tar.gz", "bao", tgz, "checksums.txt",
        ),
        "versitygw": lambda: github(
            "versity/versitygw", "versitygw_v{version}_{os}_{arch}.tar.gz",
            "versitygw_v{version}_{os}_{arch}/versitygw", tgz, "checksums.txt",
            os={"linux": "Linux", "darwin": "Darwin"}, arch=SPELLING,
        ),
        "process-compose": lambda: github(
            "F1bonacc1/process-compose", "process-compose_{os}_{arch}.tar.gz", "process-compose",
            tgz, "process-compose_checksums.txt",
        ),
        "tar.xz, sha512": lambda: github(
            "me/tool", "tool-{os}-{arch}.tar.xz", "tool", packed("xz"), "SHA512SUMS", sum=sha512,
        ),
        "tar.bz2, bsd": lambda: github(
            "me/tool", "tool-{os}-{arch}.tar.bz2", "tool", packed("bz2"), "CHECKSUM", sum=bsd,
        ),
        "tar.zst": lambda: github(
            "me/tool", "tool-{os}-{arch}.tar.zst", "tool", zstandard, "SHA256SUMS",
        ),
        "gz": lambda: github(
            "me/tool", "tool-{os}-{arch}.gz", "tool", alone(gzip.compress), "SHA256SUMS",
        ),
        "xz": lambda: github(
            "me/tool", "tool-{os}-{arch}.xz", "tool", alone(lzma.compress), "SHA256SUMS",
        ),
        "bz2": lambda: github(
            "me/tool", "tool-{os}-{arch}.bz2", "tool", alone(bz2.compress), "SHA256SUMS",
        ),
    }  # fmt: skip


SIGNED = {"hashicorp", "rclone"}


def shape_of(name: str) -> Shape:
    """Return a shape by its publisher's name."""
    if name in SIGNED and not HAS_OPENPGP:
        pytest.skip("no OpenPGP library is here")
    return shapes()[name]()


def source_of(shape: Shape) -> Release:
    """Return what a provider declares of it."""
    return Release(
        url=shape.url,
        member=shape.member,
        sums=shape.sums,
        signature=shape.signature,
        os=shape.os,
        arch=shape.arch,
        named=shape.named,
    )


def filled(template: str, shape: Shape, platform: Platform = HERE) -> str:
    """Fill in a template as a person would."""
    return template.format(
        version=VERSION,
        os=shape.os.get(platform.os, platform.os),
        arch=shape.arch.get(platform.arch, platform.arch),
    )


def served(publisher: Publisher, shape: Shape, program: bytes) -> bytes:
    """Put a program in the publisher's shape behind the mirror; returns the asset."""
    url = filled(shape.url, shape)
    name = filled(shape.named or url.rpartition("/")[2], shape)
    asset = shape.pack(filled(shape.member, shape), program)
    sums = shape.sum(name, asset)
    files = {url: asset}
    if shape.sums:
        files[filled(shape.sums, shape)] = sums
    if shape.signature and shape.signature.url:
        one = shape.signature
        proof = minisign().signed(asset, name) if one.over == "asset" else openpgp().detached(sums)
        files[filled(one.url, shape)] = proof
    publisher.files |= {f"/{at.removeprefix('https://')}": data for at, data in files.items()}
    return asset


def got(publisher: Publisher, shape: Shape, store: Store) -> tuple[Artifact, Lock]:
    """Fetch it by the override of all base URLs."""
    component = Component(
        id="tool", program="tool", versions=(VERSION,), sources=(source_of(shape),)
    )
    wish = ArtifactWish(key=f"tool@{VERSION}", component=component, version=VERSION)
    mirrors = {"*": publisher.url}
    found, lock = ensure([wish], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)
    return found[wish.key], lock


@pytest.mark.parametrize("name", shapes())
def test_a_publishers_shape_is_fetched_verified_and_run(
    publisher: Publisher, store: Store, name: str
) -> None:
    """The program runs, and the lock says what vouched for it and where it really comes from."""
    shape = shape_of(name)
    asset = served(publisher, shape, SCRIPT)
    artifact, lock = got(publisher, shape, store)
    program = store.root / artifact.path / artifact.executable
    done = subprocess.run([program], capture_output=True, text=True, check=True)

    assert done.stdout == "real\n"
    (locked,) = lock.of(artifact.key, str(HERE))
    assert locked.trust == shape.trust
    assert locked.url == filled(shape.url, shape)
    assert locked.digest == hashlib.sha256(asset).hexdigest()
    assert list((store.root.parent / "cache" / "downloads").iterdir()) == []


@pytest.mark.parametrize("name", shapes())
def test_a_flipped_byte_is_refused_in_every_shape(
    publisher: Publisher, store: Store, name: str
) -> None:
    """Whatever vouches for it, one wrong byte is seen, and nothing is left."""
    shape = shape_of(name)
    asset = bytearray(served(publisher, shape, SCRIPT))
    asset[len(asset) // 2] ^= 1
    publisher.files[f"/{filled(shape.url, shape).removeprefix('https://')}"] = bytes(asset)

    with pytest.raises(FetchError) as caught:
        got(publisher, shape, store)
    assert caught.value.status == 6
    assert caught.value.reference in {"digest-mismatch", "signature-mismatch"}
    assert store.list() == []
    assert list((store.root.parent / "cache" / "downloads").iterdir()) == []


def stored_nats(config: pytest.Config) -> Path | None:
    """Return a real NATS server, of the tests' own store or the user's, if there is one."""
    stores = [config.cache.mkdir("booty-store")] if config.cache else []
    pattern = f"nats-server/*/{HERE}-*/**/nats-server"
    found = [path for root in (*stores, users_store()) for path in sorted(root.glob(pattern))]
    return next((path for path in found if path.is_file()), None)


@pytest.mark.real
@pytest.mark.parametrize("name", ["nats", "hashicorp", "minio", "loki", "tar.zst"])
def test_a_real_server_in_a_publishers_shape(
    publisher: Publisher, tmp_path: Path, pytestconfig: pytest.Config, name: str
) -> None:
    """A real program of its real size, repacked, fetched, verified, asked what it is."""
    real = stored_nats(pytestconfig)
    if real is None:
        pytest.skip("no NATS server was fetched yet: tests of its provider do, or booty fetch nats")
    store = Store(tmp_path / "store")
    shape = shape_of(name)
    served(publisher, shape, real.read_bytes())
    artifact, _ = got(publisher, shape, store)
    program = store.root / artifact.path / artifact.executable
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)

    assert said.stdout.startswith("nats-server: v")
