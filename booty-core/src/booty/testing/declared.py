"""The part of the contract that looks at what a provider declares; nothing is started."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from booty import providers
from booty.errors import BootyError
from booty.model import reserved
from booty.model.source import Release, Source, Wheel
from booty.testing.sources import misdeclared
from booty.testing.verdict import loaded, refuse, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from booty.model.component import Component

__all__ = ["Declared"]

HEAVY: Final = frozenset(
    ("aiobotocore", "anyio", "asyncio", "asyncmy", "boto3", "botocore", "cattrs", "cryptography",
     "grpc", "httpx", "hvac", "keyring", "nats", "requests", "rich", "yaml")
)  # fmt: skip
"""Libraries that importing a provider must not import."""
PLATFORMS: Final = ("linux-amd64", "linux-arm64", "darwin-arm64")
"""Platforms that every downloaded program must name a digest for, or a sums file."""
LISTING: Final = (
    "import sys, json, importlib; importlib.import_module(sys.argv[1]);"
    "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
)


class Declared:
    """Facts: the package, sources, versions, probes, settings, changes."""

    provider: ClassVar[str] = ""

    def _components(self) -> Iterable[Component]:
        return loaded(self.provider).components.values()

    def test_provider_loads(self) -> None:
        """One entry point, an importable module, a known API number, known hooks, possible facts.

        Ids begin with the provider's name, links and resources use no key of core's, ports and
        probes fit each other: what is refused here is refused at every use.
        """
        faults: list[str] = []
        try:
            providers.load(self.provider)
        except BootyError as error:
            faults = words(error)
        refuse(faults, "docs/how-to/write-a-provider.md, sections 1 and 2")

    def test_import_is_light(self) -> None:
        """Importing the module loads no client library and no event loop."""
        module = loaded(self.provider).module.__name__
        done = subprocess.run(
            [sys.executable, "-c", LISTING, module], capture_output=True, text=True, check=True
        )
        heavy = sorted(HEAVY & set(json.loads(done.stdout.splitlines()[-1])))
        refuse(
            (f'importing "{module}" imports "{name}"' for name in heavy),
            "import it inside the function that uses it, and for types under TYPE_CHECKING:"
            " every command that plans imports the provider",
        )

    def test_versions_are_exact(self) -> None:
        """A component with sources names the versions it was tested with, none of them a range."""
        refuse(_inexact(self._components()), 'write each version you tested: versions=("1.2.3",)')

    def test_sources_are_safe(self) -> None:
        """What is downloaded, and the sums it is checked with, come over HTTPS."""
        insecure = (
            f'component "{one.id}": source "{source.name}" is "{url}"'
            for one, source in _sources(self._components())
            if isinstance(source, Release)
            for url in (source.url, source.sums, source.signature.url if source.signature else "")
            if url and not url.startswith("https://")
        )
        refuse(insecure, "begin it with https://; users point elsewhere with [stack] mirrors")

    def test_sources_are_vouched_for(self) -> None:
        """Each downloaded version has a recorded digest or the publisher's sums, per platform."""
        refuse(
            _unvouched(self._components()),
            'name the publisher\'s sums (sums="https://…"), or record digests={"1.2.3/linux-amd64":'
            ' "<sha256>"}; what nothing vouches for is not run',
        )

    def test_sources_can_be_asked(self) -> None:
        """What a source declares fits together: versions of a module, packages, patterns."""
        impossible = (
            f'component "{one.id}": source "{source.name}": {why}'
            for one, source in _sources(self._components())
            for why in misdeclared(source, source.versions or one.versions)
        )
        refuse(impossible, "docs/reference/nouns.md says what each field of a source takes")

    def test_readiness_is_declared(self) -> None:
        """A service says how its readiness is seen."""
        silent = (
            f'component "{one.id}" has no "ready"'
            for one in self._components()
            if one.kind == "service" and one.ready is None
        )
        refuse(silent, 'say what only a working server does: ready=Probe(http="main/healthz")')

    def test_settings_have_defaults(self) -> None:
        """Whoever writes no settings gets a server all the same."""
        bare = (
            f'component "{one.id}": the setting "{field.name}" has no default'
            for one in self._components()
            if one.settings is not None
            for field in attrs.fields(one.settings)
            if field.default is attrs.NOTHING
        )
        refuse(bare, "give every field of the settings class a default")

    def test_changes_are_classed(self) -> None:
        """Change classes are given for paths that exist, or they would never hold."""
        strange = (
            f'component "{one.id}": changes names "{path}", and nothing is called so'
            for one in self._components()
            for path in one.changes
            if not _exists(path, one)
        )
        refuse(
            strange,
            f"paths begin with {', '.join(sorted(reserved.CHANGE_PATHS))}; settings.KEY in"
            " kebab-case, ports.NAME",
        )

    def test_client_commands_can_be_found(self) -> None:
        """Client commands are named as ``module:click_group`` and are there."""
        missing = (
            f'component "{one.id}": client commands "{target}": {why}'
            for one in self._components()
            for target in one.clients.values()
            if (why := _not_found(target))
        )
        refuse(missing, 'write "package.module:name" of a click.Group')


def _sources(components: Iterable[Component]) -> Iterator[tuple[Component, Source]]:
    for one in components:
        for source in one.sources:
            yield one, source


def _inexact(components: Iterable[Component]) -> Iterator[str]:
    for one in components:
        if one.sources and not one.versions:
            yield f'component "{one.id}" has sources and no versions'
        for version in one.versions:
            if set(version) & set("<>=*, ") or not version:
                yield f'component "{one.id}": "{version}" is no exact version'


def _unvouched(components: Iterable[Component]) -> Iterator[str]:
    for one, source in _sources(components):
        have: set[str] = set()
        wanted: set[str] = set()
        if isinstance(source, Release) and not (source.sums or source.signature):
            wanted = {f"{v}/{p}" for v in source.versions or one.versions for p in PLATFORMS}
            have = set(source.digests)
        elif isinstance(source, Wheel):
            own = [source.releases.get(v, v) for v in source.versions or one.versions]
            wanted = {f"{v}/{p}" for v in own for p in PLATFORMS}
            have = set(source.digests)
        for key in sorted(wanted - have):
            yield f'component "{one.id}": nothing vouches for "{key}" from source "{source.name}"'


def _exists(path: str, one: Component) -> bool:
    head, _, rest = path.partition(".")
    names = {
        "settings": {field.name.replace("_", "-") for field in attrs.fields(one.settings or _None)},
        "ports": {port.name for port in one.ports},
        "links": {want.link for want in one.wants},
    }
    known = head in reserved.CHANGE_PATHS
    return known and (not rest or head not in names or rest.partition(".")[0] in names[head])


@attrs.frozen
class _None:
    """Settings of a component that has none."""


def _not_found(target: str) -> str:
    module, colon, name = target.partition(":")
    if not colon or not name:
        return 'it has no ":"'
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        return str(error)
    return "" if callable(found) else "it cannot be called"
