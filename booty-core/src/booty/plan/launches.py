"""Instances, and how each is started: what ``configure`` says with the user's keys laid over it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from booty import defaults
from booty.errors import BootyError, ConfigError, ProviderError
from booty.model.instance import Dirs, Instance, Launch, Link, Peer
from booty.model.reference import literal_only, place
from booty.plan.reader import Reader
from booty.plan.roles import BUILT_IN, Cast, Member, instance_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.model.plan import Artifact, Machine
    from booty.model.stack import StackSpec
    from booty.plan.addresses import Addresses

__all__ = ["Launches", "Started", "artifact_key"]

DIRS = Dirs(**{name: place(name) for name in ("data", "config", "logs", "run", "root")})
EXTERNAL = Launch(argv=())


def artifact_key(member: Member) -> str:
    """Return the key under which a member's program is known: ``nats@2.15.0``."""
    return f"{member.component.id}@{member.version}" if member.version else member.component.id


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
    """

    stack: StackSpec
    addresses: Addresses
    artifacts: Mapping[str, Artifact]
    machine: Machine
    faults: list[BootyError]

    def all(self) -> list[Started]:
        """Return every instance of the stack, by service, role and number."""
        found: list[Started] = []
        for cast in self.addresses.casts.values():
            for member in cast.members:
                found.extend(self._of_member(cast, member))
        return found

    def _of_member(self, cast: Cast, member: Member) -> Iterator[Started]:
        for index in range(member.replicas):
            name = instance_name(cast.name, member.role.name, index)
            reader = Reader(
                stack=self.stack,
                service=cast.name,
                instance=name,
                index=index,
                addresses=self.addresses,
                faults=self.faults,
            )
            instance = self._instance(cast, member, name, index, reader)
            launch = self._launch(cast, member, instance, reader)
            yield Started(cast=cast, member=member, instance=instance, launch=launch, reader=reader)

    def _instance(
        self, cast: Cast, member: Member, name: str, index: int, reader: Reader
    ) -> Instance:
        credentials = self.addresses.credentials
        key = artifact_key(member)
        artifact = self.artifacts.get(key)
        path = f"services.{cast.name}"
        return Instance(
            name=name,
            service=cast.name,
            stack=self.stack.name,
            role=member.role.name,
            index=index,
            replicas=member.replicas,
            component=member.component.id,
            version=member.version,
            program=place(f"program:{key}") if artifact else "",
            program_args=artifact.args if artifact else (),
            dirs=DIRS,
            endpoints=self.addresses.endpoints.get(name, {}),
            settings=member.settings,
            config=self._config(cast, member, reader),
            resources=cast.resources,
            secrets=credentials.of_instance(cast, member, name),
            peers=self._peers(cast),
            links=self._links(cast),
            consumers=tuple(
                credentials.consumer(cast, one) for one in credentials.consumers(cast.name)
            ),
            spec=self._spec(cast, reader, path),
        )

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
            endpoints={name: self.addresses.endpoints.get(name, {}) for name in other.instances()},
            secrets=self.addresses.credentials.of_consumer(other, cast.name),
        )

    def _spec(self, cast: Cast, reader: Reader, path: str) -> dict[str, Any]:
        if cast.spec.run is not None:
            run = reader.value(cast.spec.run, f"{path}.run")
            if not literal_only(run):
                self.faults.append(_secret_in_argv(path))
            return {"run": run}
        if cast.spec.url:
            return {"url": self.addresses.url(cast.name, cast.name), "offers": cast.spec.offers}
        return {}

    def _launch(self, cast: Cast, member: Member, instance: Instance, reader: Reader) -> Launch:
        if member.component.id == "external":
            return EXTERNAL
        try:
            said = cast.provider.call("configure", instance=instance)
        except BootyError as error:
            self.faults.append(error)
            return EXTERNAL
        launch = said or defaults.configure(instance)
        if not literal_only(list(launch.argv)) and cast.spec.run is None:
            self.faults.append(_provider_secret(cast, instance))
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
            **{name: str(credentials.variable(name, "")) for name in spec.pass_env},
            **{name: reader.text(text, f"{path}.{name}") for name, text in written.items()},
            **{
                name: str(credentials.user_secret(text.removeprefix("secret://")))
                for name, text in spec.secrets.items()
            },
        }

    def _from_files(self, cast: Cast) -> dict[str, str]:
        found = {}
        for file in cast.spec.env_file:
            mark = hashlib.sha256(file.encode()).hexdigest()[:12]
            for name in self.machine.names.get(file, ()):
                secret = self.addresses.credentials.ask(
                    f"env-file/{mark}/{name}", "env-file", path=file, variable=name
                )
                found[name] = str(secret)
        return found


def _has(table: Any, keys: list[str]) -> bool:
    for key in keys:
        if not hasattr(table, "items") or key not in table:
            return False
        table = table[key]
    return True


def _secret_in_argv(path: str) -> ConfigError:
    return ConfigError(
        f'cannot put a secret into "{path}.run": every user of the machine sees arguments',
        reference="secret-in-argv",
        subject=f"{path}.run",
        hint='give it as a variable: env = { URL = "${services.X.url}" }',
    )


def _provider_secret(cast: Cast, instance: Instance) -> ProviderError:
    return ProviderError(
        f'cannot start "{instance.name}": its provider puts a secret into an argument',
        reference="provider-secret",
        subject=cast.provider.name,
        hint="this is a fault of the provider; it must use a variable or a file",
    )
