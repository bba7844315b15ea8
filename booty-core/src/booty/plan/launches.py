"""Instances, and how each is started: what ``configure`` says with the user's keys laid over it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from booty import defaults
from booty.config import template
from booty.errors import BootyError, BootyErrors, ConfigError, FetchError
from booty.model.instance import Dirs, File, Instance, Launch, Link, Peer
from booty.model.reference import literal_only, place
from booty.plan.checks import launch_faults, secret_in_argv
from booty.plan.credentials import CA_FILE, certificates
from booty.plan.links import entries, named, texts
from booty.plan.reader import Reader
from booty.plan.roles import BUILT_IN, Cast, Member, instance_name, typed_settings
from booty.plan.sourced import binary_of, id_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from booty.model.plan import Artifact, Machine
    from booty.model.stack import ServiceSpec, StackSpec
    from booty.plan.addresses import Addresses

__all__ = ["Launches", "Started", "artifact_key"]

DIRS = Dirs(**{name: place(name) for name in ("data", "config", "logs", "run", "root")})
EXTERNAL = Launch(argv=())


def artifact_key(member: Member, service: ServiceSpec) -> str:
    """Return the key under which a member's program is known: ``nats@2.15.0``.

    A program of the user's own has a key of its own, so that it is never taken for a fetched one.
    """
    own, binary = id_of(service) or member.component.id, binary_of(service)
    if binary and not member.role.apart:
        return f"{own}@yours-{hashlib.sha256(binary.encode()).hexdigest()[:8]}"
    return f"{own}@{member.version}" if member.version else own


@define(kw_only=True)
class Started:
    """One instance with its launch and what made it."""

    cast: Cast
    member: Member
    instance: Instance
    launch: Launch
    reader: Reader


@define(kw_only=True)
class Launches:
    """Makes every instance and its launch.

    Attributes:
        stack: the file as read.
        addresses: where everything is.
        artifacts: programs by key.
        machine: what the machine offers.
        faults: what goes wrong is added here.
        unsure: services that something is wrong with already: these, and who leans on them, are
            looked through for further faults and not launched.
    """

    stack: StackSpec
    addresses: Addresses
    artifacts: Mapping[str, Artifact]
    machine: Machine
    faults: list[BootyError]
    unsure: Collection[str] = ()

    def all(self) -> list[Started]:
        """Return every instance of the stack that is sound, by service, role and number."""
        self._render_externals()
        found: list[Started] = []
        for cast in self.addresses.casts.values():
            if self._leans(cast):
                self._look_through(cast)
                continue
            for member in cast.members:
                found.extend(self._of_member(cast, member))
        return found

    def _leans(self, cast: Cast) -> bool:
        if not self.unsure:
            return False
        linked = {value for value in cast.spec.extra.values() if isinstance(value, str)}
        return not ({cast.name} | linked | named(cast.spec)).isdisjoint(self.unsure)

    def _look_through(self, cast: Cast) -> None:
        reader = self._reader(cast, cast.instances()[0], 0)
        for path, text in texts(cast.spec):
            reader.text(text, path)
        for member in cast.members:
            self._config(cast, member, reader)
            self._env(cast, member, reader)

    def _render_externals(self) -> None:
        for cast in self.addresses.casts.values():
            if cast.spec.url and not cast.spec.url.startswith("secret://"):
                reader = self._reader(cast, cast.instances()[0], 0)
                url = reader.text(cast.spec.url, f"services.{cast.name}.url")
                self.addresses.externals[cast.name] = url

    def _reader(self, cast: Cast, instance: str, index: int) -> Reader:
        return Reader(
            stack=self.stack,
            service=cast.name,
            instance=instance,
            index=index,
            addresses=self.addresses,
            faults=self.faults,
            unsure=self.unsure,
        )

    def _of_member(self, cast: Cast, member: Member) -> Iterator[Started]:
        for index in range(member.replicas):
            name = instance_name(cast.name, member.role.name, index)
            reader = evolve(self._reader(cast, name, index), program=self._program(cast, member))
            instance = self._instance(cast, member, name, index, reader)
            launch = self._launch(cast, member, instance, reader)
            yield Started(cast=cast, member=member, instance=instance, launch=launch, reader=reader)

    def _program(self, cast: Cast, member: Member) -> str:
        key = artifact_key(member, cast.spec)
        return place(f"program:{key}") if member.is_fetched and key in self.artifacts else ""

    def _instance(
        self, cast: Cast, member: Member, name: str, index: int, reader: Reader
    ) -> Instance:
        credentials = self.addresses.credentials
        key = artifact_key(member, cast.spec)
        artifact = self.artifacts.get(key)
        if artifact is None and member.is_fetched:
            self.faults.append(_not_fetched(key, cast.name))
        path = f"services.{cast.name}"
        return Instance(
            name=name,
            service=cast.name,
            stack=self.stack.name,
            role=member.role.name,
            index=index,
            replicas=member.replicas,
            component=member.component.id,
            version=member.version or (artifact.version if artifact else ""),
            program=place(f"program:{key}") if artifact else "",
            program_args=artifact.args if artifact else (),
            dirs=DIRS,
            endpoints=self.addresses.endpoints.get(name, {}),
            settings=self._settings(cast, member, reader),
            config=self._config(cast, member, reader),
            resources=self._resources(cast, reader),
            secrets=credentials.of_instance(cast, member, name),
            peers=self._peers(cast),
            links=self._links(cast),
            consumers=tuple(
                credentials.consumer(cast, one) for one in credentials.consumers(cast.name)
            ),
            spec=self._spec(cast, reader, path),
        )

    def _settings(self, cast: Cast, member: Member, reader: Reader) -> Any:
        if not _templated(member.given):
            return member.settings
        given = reader.value(member.given, f"services.{cast.name}.settings")
        try:
            return typed_settings(cast.name, member.component, given)
        except BootyErrors as error:
            self.faults.extend(error.faults)
        except BootyError as error:
            self.faults.append(error)
        return member.settings

    def _resources(self, cast: Cast, reader: Reader) -> dict[str, Mapping[str, Any]]:
        found = dict(cast.resources)
        for resource in {
            one.key: one for m in cast.members for one in m.component.resources
        }.values():
            given = cast.spec.extra.get(resource.key)
            if _templated(given):
                path = f"services.{cast.name}.{resource.key}"
                found[resource.key] = entries(
                    resource, reader.value(given, path), path, self.faults
                )
        return found

    def _config(self, cast: Cast, member: Member, reader: Reader) -> dict[str, Any]:
        own = cast.spec.roles.get(member.role.name)
        given = {**cast.spec.config, **(own.config if own else {})}
        path = f"services.{cast.name}.config"
        for key in member.component.owned_config:
            if _has(given, key.split(".")):
                self.faults.append(
                    ConfigError(
                        f'cannot set "{key}" in {path}: it belongs to booty',
                        reference="owned-config",
                        subject=f"{path}.{key}",
                        hint="use ports, bind, replicas or settings instead",
                    )
                )
        rendered: dict[str, Any] = reader.value(given, path)
        return rendered

    def _peers(self, cast: Cast) -> tuple[Peer, ...]:
        return tuple(
            Peer(
                name=(name := instance_name(cast.name, member.role.name, index)),
                role=member.role.name,
                index=index,
                endpoints=self.addresses.endpoints.get(name, {}),
            )
            for member in cast.members
            for index in range(member.replicas)
        )

    def _links(self, cast: Cast) -> dict[str, Link]:
        return {key: self._link(cast, key, name) for key, name in sorted(cast.links.items())}

    def _link(self, cast: Cast, key: str, service: str) -> Link:
        other = self.addresses.casts[service]
        wants = {want.link: want for one in cast.members for want in one.component.wants}
        return Link(
            key=key,
            service=service,
            component=other.main.component.id,
            interface=wants[key].interface,
            url=self.addresses.url(service, cast.name, wants[key].interface) or "",
            ca=self.addresses.ca(service) or "",
            endpoints={name: self.addresses.endpoints.get(name, {}) for name in other.instances()},
            secrets=self.addresses.credentials.of_consumer(other, cast.name),
        )

    def _spec(self, cast: Cast, reader: Reader, path: str) -> dict[str, Any]:
        asked = cast.spec.run
        if asked is None and id_of(cast.spec):
            asked = ("${program}",)
        if asked is not None:
            run = reader.value(asked, f"{path}.run")
            if not literal_only(run) or _reads_shell(asked):
                self.faults.append(secret_in_argv(f"{path}.run"))
            return {"run": run}
        if cast.spec.url:
            return {"url": self.addresses.url(cast.name, cast.name), "offers": cast.spec.offers}
        return {}

    def _launch(self, cast: Cast, member: Member, instance: Instance, reader: Reader) -> Launch:
        if member.component.id == "external":
            # never started; but its probe may be a command, with a folder and an environment
            return self._laid_over(cast, member, EXTERNAL, reader)
        try:
            said = cast.provider.call("configure", instance=instance)
        except BootyErrors as error:
            self.faults.extend(error.faults)
            return EXTERNAL
        except BootyError as error:
            self.faults.append(error)
            return EXTERNAL
        launch = said or defaults.configure(instance)
        if member.component.id not in BUILT_IN:
            self.faults.extend(launch_faults(cast.provider.name, instance.name, launch))
        launch = evolve(launch, files={**_trusted(member, instance), **launch.files})
        return self._laid_over(cast, member, launch, reader)

    def _laid_over(self, cast: Cast, member: Member, launch: Launch, reader: Reader) -> Launch:
        spec, own = cast.spec, cast.spec.roles.get(member.role.name)
        built_in = member.component.id in BUILT_IN
        limits = {**launch.limits, **spec.limits, **(own.limits if own else {})}
        return evolve(
            launch,
            env={**launch.env, **self._env(cast, member, reader)},
            cwd=self._cwd(spec.cwd, launch.cwd, reader, built_in=built_in),
            umask=launch.umask if spec.umask == "022" else spec.umask,
            limits=limits,
        )

    def _cwd(self, asked: str, said: str, reader: Reader, *, built_in: bool) -> str:
        if asked:
            path = reader.text(asked, f"services.{reader.service}.cwd")
            return path if path.startswith(("/", "@{booty:")) else f"{place('root')}/{path}"
        return said or place("root" if built_in else "data")

    def _env(self, cast: Cast, member: Member, reader: Reader) -> dict[str, str]:
        credentials, spec = self.addresses.credentials, cast.spec
        own = spec.roles.get(member.role.name)
        path = f"services.{cast.name}.env"
        written = {**spec.env, **(own.env if own else {})}
        return {
            **self._from_files(cast),
            **{
                name: credentials.variable(name)
                for name in spec.pass_env
                if name in self.machine.env
            },
            **{name: reader.text(text, f"{path}.{name}") for name, text in written.items()},
            **{
                name: str(credentials.user_secret(text.removeprefix("secret://")))
                for name, text in spec.secrets.items()
            },
        }

    def _from_files(self, cast: Cast) -> dict[str, str]:
        found = {}
        for file in cast.spec.env_file:
            if file not in self.machine.names:
                self.faults.append(_no_env_file(file, cast.name))
            mark = hashlib.sha256(file.encode()).hexdigest()[:12]
            for name in self.machine.names.get(file, ()):
                secret = self.addresses.credentials.ask(
                    f"env-file/{mark}/{name}", "env-file", path=file, variable=name
                )
                found[name] = str(secret)
        return found


def _trusted(member: Member, instance: Instance) -> dict[str, File]:
    # read by those who use the service, see Addresses.ca
    return {
        f"{place('config')}/{CA_FILE}": File(content=instance.secrets[f"{need.name}:ca"])
        for need in certificates(member)
    }


def _has(table: Any, keys: list[str]) -> bool:
    for key in keys:
        if not hasattr(table, "items") or key not in table:
            return False
        table = table[key]
    return True


def _templated(value: Any) -> bool:
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, (list, tuple)):
        return any(_templated(item) for item in value)
    return hasattr(value, "values") and any(_templated(item) for item in value.values())


def _reads_shell(run: str | tuple[str, ...]) -> bool:
    # whether such a variable is set now does not matter: its value has no place in arguments
    words = (run,) if isinstance(run, str) else run
    return any(name.startswith("env.") for word in words for name in template.names(word))


def _not_fetched(key: str, service: str) -> FetchError:
    return FetchError(
        f'cannot plan "{service}": its program {key} has not been got',
        reference="artifact-missing",
        subject=key,
        hint=f"booty fetch {service}",
    )


def _no_env_file(file: str, service: str) -> ConfigError:
    return ConfigError(
        f'cannot use the env-file "{file}" of {service}: it has not been read',
        reference="env-file-unreadable",
        subject=f"services.{service}.env-file",
        hint="check the path; it starts at the folder of booty.toml",
    )
