"""The user's own program out of a source: what the table says, what is planned of it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from booty import plan
from booty.model.plan import ArtifactWish
from booty.model.source import GoInstall, OnPath, Release, Signature, Wheel

RELEASE = """
[services.main]
use = "program"
version = "{version}"
source = {{ release = {{ url = "https://a.example/v{{version}}/main-{{os}}-{{arch}}.tgz"{more} }} }}
"""
DIGEST = "0" * 64
V1 = 'version = "1.0"\n'
SIGNED = 'source = { release = { url = "https://a", sums = "https://b", signature = { '


def wish(world: Any, text: str) -> ArtifactWish:
    """Return the only program that a file asks for."""
    (found,) = plan.resolve(world.spec(text), world.providers, {})
    assert isinstance(found, ArtifactWish)
    return found


def release(version: str = "1.0.0", more: str = "") -> str:
    """Return a service out of a release."""
    return RELEASE.format(version=version, more=f", {more}" if more else "")


def test_what_a_provider_can_say_of_a_release(world: Any) -> None:
    """Every field of the source is a key."""
    more = (
        'member = "main-{version}/bin/main", archive = "tar.gz", sums = "https://a.example/S", '
        f'digests = {{ "1.0.0/linux-amd64" = "{DIGEST}" }}, sha256 = "{DIGEST}", '
        'named = "main.tgz", '
        'signature = { scheme = "minisign", keys = ["RWQ"], url = "https://a.example/s" }, '
        'os = { darwin = "macos" }, arch = { amd64 = "x86_64" }'
    )
    asked = wish(world, release(more=more))

    assert asked.component.sources == (
        Release(
            url="https://a.example/v{version}/main-{os}-{arch}.tgz",
            member="main-{version}/bin/main",
            archive="tar.gz",
            sums="https://a.example/S",
            signature=Signature(scheme="minisign", keys=("RWQ",), url="https://a.example/s"),
            named="main.tgz",
            digests={"1.0.0/linux-amd64": DIGEST},
            sha256=DIGEST,
            os={"darwin": "macos"},
            arch={"amd64": "x86_64"},
        ),
    )
    assert (asked.component.program, asked.version) == ("main", "1.0.0")


def test_what_a_provider_can_say_of_a_wheel(world: Any) -> None:
    """Every field of the source is a key."""
    asked = wish(
        world,
        '[services.s]\nuse = "program"\nversion = "1.0"\n[services.s.source.wheel]\n'
        'distribution = "tool-bin"\nmember = "tool_bin/tool"\nreleases = { "1.0" = "1.0.1" }\n'
        'python = "3.11"\nplatforms = { linux-amd64 = ["manylinux2014_x86_64"] }\n'
        f'digests = {{ "1.0.1/linux-amd64" = "{DIGEST}" }}\n',
    )

    assert asked.component.sources == (
        Wheel(
            distribution="tool-bin",
            member="tool_bin/tool",
            releases={"1.0": "1.0.1"},
            python="3.11",
            platforms={"linux-amd64": ("manylinux2014_x86_64",)},
            digests={"1.0.1/linux-amd64": DIGEST},
        ),
    )
    assert asked.component.program == "tool"


def test_what_a_provider_can_say_of_a_module(world: Any) -> None:
    """Every field of the source is a key."""
    asked = wish(
        world,
        '[services.s]\nuse = "program"\nversion = "1.0"\n[services.s.source.go]\n'
        'module = "example.org/tool/v2"\npackages = ["example.org/tool/v2/cmd/main"]\n'
        'tag = "r{version}"\nreleases = { "1.0" = "v0.0.0-1-a" }\n'
        'requires = { "a.org/b" = "v1.0.0" }\nreplaces = { "a.org/c" = "a.org/c v1.0.0" }\n'
        'excludes = ["a.org/d v1.0.0"]\ntags = ["x"]\nldflags = ["-s"]\ncgo = true\n'
        'needs = "1.26"\ntoolchain = "go1.26.1"\nsums = { "a.org/b v1.0.0" = "h1:x=" }\n'
        'deadline = "60s"\n',
    )

    assert asked.component.sources == (
        GoInstall(
            module="example.org/tool/v2",
            packages=("example.org/tool/v2/cmd/main",),
            tag="r{version}",
            releases={"1.0": "v0.0.0-1-a"},
            requires={"a.org/b": "v1.0.0"},
            replaces={"a.org/c": "a.org/c v1.0.0"},
            excludes=("a.org/d v1.0.0",),
            tags=("x",),
            ldflags=("-s",),
            cgo=True,
            needs="1.26",
            toolchain="go1.26.1",
            sums={"a.org/b v1.0.0": "h1:x="},
            deadline=60.0,
        ),
    )
    assert asked.component.program == "main"
    root = '[services.s]\nuse = "program"\nversion = "1.0"\n'
    root += 'source = { go = { module = "example.org/tool/v2" } }\n'
    assert wish(world, root).component.program == "tool"


def test_a_file_of_ones_own(world: Any) -> None:
    """A path starts at the folder of booty.toml; the file is not run to ask for its version."""
    asked = wish(world, '[services.s]\nuse = "program"\nsource = { path = "main" }\n')

    assert asked.binary == f"{world.root}/./main"
    assert asked.component.sources == (OnPath(name="path", binary="main", version_args=()),)


def test_an_address_with_a_digest(world: Any) -> None:
    """One file, vouched for by its digest."""
    text = '[services.s]\nuse = "program"\nsource = { url = "https://a/b.zip", %s }\n'
    asked = wish(world, text % f'sha256 = "{DIGEST}", member = "b/c"')
    plain = wish(world, text % f'sha256 = "{DIGEST}"')
    other = wish(world, text % f'sha256 = "{"1" * 64}"')

    assert asked.component.sources == (
        Release(name="url", url="https://a/b.zip", member="b/c", sha256=DIGEST),
    )
    assert plain.component.sources[0] == Release(
        name="url", url="https://a/b.zip", member="s", sha256=DIGEST
    )
    assert plain.key != other.key


def test_older_on_newer(world: Any) -> None:
    """An older program is not started on newer data, unless the file says that it can."""
    world.saved_with(data={"main.0": {"version": "1.1.0"}})
    fault = world.fault(release())
    assert (fault.reference, fault.status) == ("older-program", 10)

    text = release().replace("source = { ", "source = { older-on-newer = true, ")
    assert world.plan(text).instances


def test_the_program_is_what_is_run(world: Any) -> None:
    """Without run it is the program alone; in run, in a probe and in a line, ``${program}``."""
    alone = world.plan(release())
    key = next(iter(alone.artifacts))
    path = f"@{{booty:program:{key}}}"
    assert alone.instances[0].launch.argv == (path,)
    assert alone.instances[0].instance.version == "1.0.0"

    more = release() + 'run = ["${program}", "serve"]\nready = { exec = ["${program}", "ready"] }\n'
    assert world.plan(more).instances[0].launch.argv == (path, "serve")
    line = world.plan(release() + 'run = "${program} serve | tee log"\n')
    assert line.instances[0].launch.argv == ("/bin/sh", "-c", f"{path} serve | tee log")


def test_two_services_share_a_program(world: Any) -> None:
    """Server and migration out of one source are one program, locked and fetched once."""
    both = release(more='member = "x/main"')
    both += both.replace("[services.main]", "[services.migrate]") + 'kind = "task"\n'
    asked = wish(world, both)

    assert asked.key.startswith("program/main.")
    assert asked.key.endswith("@1.0.0")


def test_a_new_version_is_the_same_program(world: Any) -> None:
    """Another version, or a digest for it, makes no other program; another address does."""
    keys = [
        wish(world, text).component_id
        for text in (
            release(),
            release("1.1.0", f'digests = {{ "1.1.0/linux-amd64" = "{DIGEST}" }}'),
            release().replace("a.example", "b.example"),
        )
    ]

    assert keys[0] == keys[1] != keys[2]


def test_tools_are_not_planned(world: Any) -> None:
    """A program with a source that is switched off is a tool: locked, never started."""
    spec = world.spec(release() + "enabled = false\n")

    assert plan.resolve(spec, world.providers, {}) == ()
    assert [one.enabled for one in plan.tools(spec).values()] == [True]
    without = evolve(spec.services["main"], source="")
    assert plan.tools(evolve(spec, services={"main": without})) == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('source = "release"\n', "must be a table"),
        ('source = { path = "a", url = "https://a" }\n', "exactly one of"),
        ('source = { release = { url = "https://a" } }\n', "one exact version"),
        ('version = ">=1"\nsource = { release = { url = "https://a" } }\n', "one exact version"),
        ('version = "1/2"\nsource = { release = { url = "https://a" } }\n', "one exact version"),
        ('version = "1.0"\nsource = { release = { sums = "https://a" } }\n', 'without "url"'),
        ('source = { release = { urll = "https://a" } }\n', 'did you mean "url"'),
        ('source = { path = "a", member = "b" }\n', 'nothing without "url"'),
        (V1 + 'source = { release = { url = "https://a/{arhc}" } }\n', "{version} {os} {arch}"),
        (V1 + 'source = { release = { url = "https://a/{" } }\n', "is no template"),
        (V1 + 'source = { go = { module = "a.org/b", tag = "{os}" } }\n', "over {version}"),
        (V1 + SIGNED + 'scheme = "pgp", keys = ["k"] } } }\n', "none of minisign, openpgp"),
        (V1 + SIGNED + 'scheme = "openpgp", keys = [] } } }\n', "names no key"),
        ('binary = "b"\nsource = { path = "a" }\n', "source says already"),
        ('run = ["main"]\nsource = { path = "a" }\n', '"${program}"'),
    ],
)
def test_wrong_sources(world: Any, line: str, told: str) -> None:
    """What makes no sense is told with what does."""
    found = world.faults(f'[services.main]\nuse = "program"\n{line}')

    assert any(told in f"{one.message} {one.hint}" for one in found), found


def test_a_table_is_for_programs(world: Any) -> None:
    """A component has its own sources: one of them is named."""
    fault = world.fault('[services.bus]\nuse = "bus"\nsource = { path = "a" }\n')

    assert "the name of one of its sources" in fault.message


def test_nothing_is_fetched(world: Any) -> None:
    """``${program}`` where nothing is fetched names nothing."""
    fault = world.fault('[services.m]\nuse = "program"\nrun = ["${program}"]\n')

    assert fault.reference == "reference-to-nothing"
