"""Making a bundle: everything that a stack needs, gathered where there is a network."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from attrs import evolve, frozen

from booty import __version__, fetch, paths
from booty.config import files
from booty.errors import BootyError, BootyErrors, ConfigError, FetchError, raise_all
from booty.fetch import bundle, integrity
from booty.fetch.parcel import gathering, pack
from booty.model.platform import Platform
from booty.model.source import Module, OnPath, Release, Wheel
from booty.stack import fetching

if TYPE_CHECKING:
    from booty.fetch import Lock, Tell
    from booty.fetch.wheelhouse import House
    from booty.model.plan import Artifact, ArtifactWish
    from booty.stack.fetching import Wanted
    from booty.stack.place import Place

__all__ = ["Made", "make"]

FILES: Final = (Release, Wheel)
"""Sources whose programs are one file that booty.lock vouches for."""


@frozen(kw_only=True)
class Made:
    """A bundle that was made.

    Attributes:
        digest: its sha256.
        size: its bytes.
        platforms: for which it is.
        artifacts: its programs, one for each platform.
        lock: booty.lock as it lies in it.
    """

    digest: str
    size: int
    platforms: tuple[str, ...]
    artifacts: tuple[Artifact, ...]
    lock: Lock


def make(
    place: Place,
    out: Path,
    tell: Tell,
    *,
    platforms: Sequence[str] = (),
    pythons: Sequence[str] = (),
    wheels: bool = True,
) -> Made:
    """Gather what a stack needs and write it to a tar; booty.lock gets what it lacked.

    Programs are downloaded again as their publishers have them, for each platform, judged and
    unpacked as for use: what is in the bundle is known to work as far as that can be seen here.

    Args:
        place: the stack.
        out: the file; one that is there is replaced.
        tell: told of progress.
        platforms: ``os-arch`` each; this machine's if empty.
        pythons: versions of Python on the other machines, ``3.12``; this one if empty.
        wheels: whether booty itself is to be in it.

    Raises:
        ConfigError: no such platform, or the file is wrong.
        FetchError, BootyErrors: something cannot be had for a platform; no file is written.
    """
    chosen = sorted({_platform(one) for one in platforms} or {Platform.current()})
    versions = sorted({_python(one) for one in pythons}) or [_here()]
    asked = fetching.wanted(place)
    _refuse_own(asked)
    written = _written(place)
    with gathering(out.absolute()) as gathered:
        artifacts, lock = _programs(asked, chosen, gathered, tell)
        if asked.kept is not asked.lock:
            lock = fetching.keeping(lock, asked.wishes, asked.spec)
        houses = _wheels(asked, chosen, versions, gathered, tell) if wheels else []
        names = tuple(str(one) for one in chosen)
        content: dict[str, Path | bytes] = {
            bundle.HEAD: _json(_head(asked, names, artifacts)),
            "sbom.cdx.json": _bill(asked, artifacts, houses),
            f"{bundle.STACK}/booty.lock": lock.text().encode(),
            **{f"{bundle.STACK}/{name}": file for name, file in written.items()},
            **_installer(houses),
        }
        digest = pack(out.absolute(), _files(gathered, content))
    lock.write(place.lock)
    return Made(
        digest=digest,
        size=out.stat().st_size,
        platforms=names,
        artifacts=tuple(artifacts),
        lock=lock,
    )


def _platform(text: str) -> Platform:
    os, _, arch = text.partition("-")
    if os not in {"linux", "darwin"} or not arch:
        raise ConfigError(
            f'cannot bundle for "{text}": a platform is linux or darwin, a dash, and a processor',
            reference="no-platform",
            subject=text,
            hint=f"--platform linux-amd64; this machine is {Platform.current()}",
        )
    return Platform(os, arch)


def _refuse_own(asked: Wanted) -> None:
    raise_all(
        [
            _cannot(wish.key, 'binary = "…" is a program of this machine', "leave out binary")
            for wish in asked.wishes
            if wish.binary
        ]
    )


def _programs(
    asked: Wanted, chosen: Sequence[Platform], gathered: Path, tell: Tell
) -> tuple[list[Artifact], Lock]:
    wishes = [_carried(wish) for wish in asked.wishes if not _installed(wish)]
    found: list[Artifact] = []
    faults: list[BootyError] = []
    lock = asked.lock
    for platform in chosen:
        store = fetch.Store(gathered / "store" / str(platform))
        built = [one for wish in wishes if (one := _built(asked, wish, platform, lock))]
        keys = {one.key for one in built}
        try:
            got, lock = fetch.ensure(
                [wish for wish in wishes if wish.key not in keys],
                platform=platform,
                lock=lock,
                store=store,
                mirrors=asked.spec.mirrors,
                access=asked.access,
                tell=tell,
                keep=gathered,
            )
        except (BootyError, BootyErrors) as error:
            told = error.faults if isinstance(error, BootyErrors) else (error,)
            faults += [_for(platform, one) for one in told]
            continue
        made = [one for one in got.values() if not bundle.kept(gathered, one.digest)]
        for one in [*(_stored(store, one) for one in made), *built]:
            lock = _pack(one, gathered, lock.adding(one))
        found += sorted([*got.values(), *built], key=lambda one: one.key)
    raise_all(faults)
    return found, lock


def _built(asked: Wanted, wish: ArtifactWish, platform: Platform, lock: Lock) -> Artifact | None:
    # what took minutes to build is taken from the store; what was downloaded is downloaded again
    if platform == Platform.current():
        own = asked.known[wish.component.owner].call("fetch", wish=wish)
        if own is not None:
            found: Artifact = own
            return found
    held = fetch.stored(wish, platform=platform, lock=lock, store=fetch.Store(paths.store()))
    kinds = {one.name: one for one in wish.component.sources}
    return held if held and not isinstance(kinds.get(held.source), FILES) else None


def _stored(store: fetch.Store, artifact: Artifact) -> Artifact:
    # the next bundle takes it from there, and the next start
    place = store.root / artifact.path

    def fill(into: Path) -> str:
        ours = shutil.ignore_patterns(integrity.ENTRY)
        shutil.copytree(place, into, symlinks=True, dirs_exist_ok=True, ignore=ours)
        return artifact.executable

    return fetch.Store(paths.store()).install(artifact, fill)


def _pack(artifact: Artifact, gathered: Path, lock: Lock) -> Lock:
    from booty.fetch import assembled

    folder = gathered / "packed"
    folder.mkdir(exist_ok=True)
    file = folder / f"{artifact.program}-{artifact.version}-{artifact.platform}.tar"
    digest = assembled.pack(fetch.Store(paths.store()), artifact, file)
    bundle.keep(gathered, file, digest)
    return lock.packing(artifact, digest)


def _installed(wish: ArtifactWish) -> bool:
    # a provider's own Python program comes with the provider's wheel
    return any(isinstance(one, Module) for one in wish.component.sources)


def _carried(wish: ArtifactWish) -> ArtifactWish:
    # what this machine happens to have is nothing to give away
    sources = tuple(one for one in wish.component.sources if not isinstance(one, OnPath))
    return evolve(wish, component=evolve(wish.component, sources=sources))


def _for(platform: Platform, error: BootyError) -> BootyError:
    if error.reference != "no-source":
        return error
    return FetchError(
        f"{error.message} ({platform})",
        reference=error.reference,
        subject=error.subject,
        hint=f"bundle for other platforms alone, or use a version that {platform} has",
    )


def _cannot(what: str, why: str, hint: str) -> FetchError:
    return FetchError(
        f'cannot bundle "{what}": {why}', reference="not-bundled", subject=what, hint=hint
    )


def _head(asked: Wanted, platforms: Sequence[str], artifacts: Sequence[Artifact]) -> dict[str, Any]:
    programs = [
        {
            "key": one.key, "platform": one.platform, "source": one.source, "url": one.url,
            "sha256": one.digest, "size": one.size, "trust": one.trust,
        }
        for one in artifacts
    ]  # fmt: skip
    return {
        "format": bundle.FORMAT,
        "kind": bundle.KIND,
        "booty": __version__,
        "stack": asked.spec.name,
        "platforms": list(platforms),
        "programs": programs,
    }


def _files(
    gathered: Path, content: Mapping[str, Path | bytes]
) -> Iterator[tuple[str, Path | bytes]]:
    yield from content.items()  # what people look at first, the large files behind it
    for pattern in (f"{bundle.PROGRAMS}/*/*", f"{bundle.WHEELS}/*.whl"):
        for file in sorted(gathered.glob(pattern)):
            yield file.relative_to(gathered).as_posix(), file


def _json(data: Any) -> bytes:
    return json.dumps(data, indent=1, ensure_ascii=False).encode()


def _python(text: str) -> str:
    if not re.fullmatch(r"3\.\d+", text):
        raise ConfigError(
            f'cannot bundle for Python "{text}": it is no version such as 3.12',
            reference="no-python",
            subject=text,
            hint=f"--python {_here()}",
        )
    return text


def _here() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _wheels(
    asked: Wanted, chosen: Sequence[Platform], pythons: Sequence[str], gathered: Path, tell: Tell
) -> list[House]:
    from booty.fetch import wheelhouse

    into = gathered / bundle.WHEELS
    into.mkdir()
    return wheelhouse.gather(_roots(asked), chosen, pythons, into, tell)


def _installer(houses: Sequence[House]) -> dict[str, bytes]:
    if not houses:
        return {}
    lists = {f"{bundle.WHEELS}/{one.name}.txt": one.requirements().encode() for one in houses}
    return {"install.sh": Path(bundle.__file__).with_name("install.sh").read_bytes(), **lists}


def _roots(asked: Wanted) -> list[str]:
    own = [one.distribution for one in asked.known.values()]
    sources = [one for wish in asked.wishes for one in wish.component.sources]
    modules = [one.distribution for one in sources if isinstance(one, Module)]
    found = {"booty-core", *own, *modules} - {""}
    with suppress(metadata.PackageNotFoundError):  # an embedded core has no command
        found.add(metadata.distribution("booty").name)
    return sorted(found)


def _bill(asked: Wanted, artifacts: Sequence[Artifact], houses: Sequence[House]) -> bytes:
    from booty.fetch import sbom

    wheels = [wheel for house in houses for wheel in house.wheels.values()]
    return sbom.render(asked.spec.name, artifacts, wheels)


def _written(place: Place) -> dict[str, Path]:
    # what a person wrote and shares: booty.toml and what it includes, no booty.local.toml, no
    # env-file, no value of a secret
    faults: list[BootyError] = []
    read = [one for one in files.sources(place.file, faults) if one[0].name != files.LOCAL_NAME]
    for file, data in read:
        if not file.is_relative_to(place.root):
            faults.append(_outside(file))
        elif any(urlsplit(url).username for url in _mirrors(data)):
            faults.append(_secret(file))
    raise_all(faults)
    return {file.relative_to(place.root).as_posix(): file for file, _ in sorted(read)}


def _mirrors(data: Mapping[str, Any]) -> list[str]:
    return [str(url) for url in data.get("stack", {}).get("mirrors", {}).values()]


def _secret(file: Path) -> FetchError:
    hint = "write that mirror to config.toml in your config folder, or its user to ~/.netrc"
    return _cannot(file.name, "the address of a mirror in it has a user in it", hint)


def _outside(file: Path) -> FetchError:
    return _cannot(str(file), "it lies outside of the stack's folder", "include it from within")
