"""The part of the contract that looks at what a provider declares; nothing is started."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from booty import providers
from booty.config import keys
from booty.hookspecs import API
from booty.model.source import Release, Wheel
from booty.model.state import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.model.component import Component, Probe

__all__ = ["Declared"]

HEAVY: Final = frozenset(
    ("aiobotocore", "anyio", "asyncio", "asyncmy", "boto3", "botocore", "cattrs", "cryptography",
     "grpc", "httpx", "hvac", "keyring", "nats", "requests", "rich", "yaml")
)  # fmt: skip
"""Libraries that importing a provider must not import."""
PLATFORMS: Final = ("linux-amd64", "linux-arm64", "darwin-arm64")
"""Platforms that every downloaded program must name a digest for, or a sums file."""
KINDS: Final = ("tcp", "http", "log", "exec", "file")
LISTING: Final = (
    "import sys, json, importlib; importlib.import_module(sys.argv[1]);"
    "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
)


class Declared:
    """Facts: entry point, API number, ids, sources, ports, probes, names, settings."""

    provider: ClassVar[str] = ""

    def _components(self) -> Iterable[Component]:
        return providers.load(self.provider).components.values()

    def test_entry_point_is_declared_once(self) -> None:
        """The provider is found by its entry point, and no other distribution claims the name."""
        listed = providers.installed()[self.provider]

        assert listed.error is None

    def test_import_is_light(self) -> None:
        """Importing the module loads no client library and no event loop."""
        module = providers.installed()[self.provider].module
        done = subprocess.run(
            [sys.executable, "-c", LISTING, module], capture_output=True, text=True, check=True
        )

        assert set() == HEAVY & set(json.loads(done.stdout))

    def test_api_number_is_stated(self) -> None:
        """The module states the API number it was written for."""
        assert providers.load(self.provider).module.BOOTY_API == API

    def test_every_hook_is_known(self) -> None:
        """Loading refuses a misspelt hook or argument; at least ``components`` is there."""
        assert "components" in providers.load(self.provider).hooks

    def test_ids_belong_to_the_provider(self) -> None:
        """Every id begins with the provider's name; none is used twice."""
        declared = providers.load(self.provider).components

        assert {self.provider} == {component.owner for component in declared.values()}

    def test_names_are_not_cores_own(self) -> None:
        """Links and resources use no key that core has, now or reserved."""
        for component in self._components():
            names = {want.link for want in component.wants}
            names |= {resource.key for resource in component.resources}

            assert set() == names & set(keys.SERVICE_KEYS)

    def test_ports_are_named_once(self) -> None:
        """Port names and interface names are unique, and interfaces name declared ports."""
        for component in self._components():
            names = [port.name for port in component.ports]

            assert len(set(names)) == len(names)
            assert {offer.port for offer in component.offers} <= set(names)
            assert {metrics.port for metrics in component.metrics} <= set(names)

    def test_versions_are_exact(self) -> None:
        """A component with sources names the versions it was tested with, none of them a range."""
        for component in self._components():
            if component.sources:
                assert component.versions
            assert not [one for one in component.versions if set(one) & set("<>=*, ")]

    def test_sources_are_safe(self) -> None:
        """What is downloaded comes over HTTPS."""
        for component in self._components():
            for source in component.sources:
                if isinstance(source, Release):
                    assert source.url.startswith("https://")
                    assert source.sums.startswith(("https://", "")) or not source.sums

    def test_sources_are_vouched_for(self) -> None:
        """Each downloaded version has a recorded digest or the publisher's sums, per platform."""
        for component in self._components():
            for source in component.sources:
                if isinstance(source, Release) and not source.sums:
                    wanted = {f"{v}/{p}" for v in component.versions for p in PLATFORMS}
                    assert wanted <= set(source.digests)
                if isinstance(source, Wheel):
                    assert set(PLATFORMS) <= {key.partition("/")[2] for key in source.digests}

    def test_readiness_is_declared(self) -> None:
        """A service says how its readiness is seen, in exactly one way."""
        for component in self._components():
            if component.kind == "service":
                assert component.ready is not None
                assert _kinds(component.ready) == 1

    def test_probes_name_declared_ports(self) -> None:
        """A probe that names a port names one that is declared."""
        for component in self._components():
            names = {port.name for port in component.ports}
            for probe in filter(None, (component.ready, component.live)):
                for target in filter(None, (probe.tcp, probe.http)):
                    assert "://" in target or target.partition("/")[0] in names

    def test_settings_have_defaults(self) -> None:
        """Settings are an attrs class whose fields all have defaults."""
        for component in self._components():
            if component.settings is not None:
                fields = attrs.fields(component.settings)
                assert not [one.name for one in fields if one.default is attrs.NOTHING]

    def test_changes_are_classed(self) -> None:
        """Change classes are given for paths that exist."""
        heads = {"version", "ports", "settings", "config", "replicas", "consumers", "links"}
        heads |= {"secrets", "resources", "env"}
        for component in self._components():
            assert {path.partition(".")[0] for path in component.changes} <= heads
            assert all(isinstance(one, Change) for one in component.changes.values())

    def test_client_commands_can_be_found(self) -> None:
        """Client commands are named as ``module:click_group`` and are there."""
        from importlib import import_module

        for component in self._components():
            for target in component.clients.values():
                module, _, name = target.partition(":")
                assert callable(getattr(import_module(module), name))


def _kinds(probe: Probe) -> int:
    return sum(getattr(probe, kind) is not None for kind in KINDS) + probe.notify
