"""Which secrets a stack needs, and the references under which everybody finds his own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from booty.model.instance import Consumer
from booty.model.reference import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from booty.model.component import SecretNeed
    from booty.plan.links import Use
    from booty.plan.roles import Cast, Member

__all__ = ["CA_FILE", "USER", "Credentials", "certificates"]

USER = "user"
"""The consumer that every service has: people, and whatever runs outside of the stack."""
CERTIFICATE_PARTS = ("key", "cert", "ca")
CA_FILE = "ca.pem"
"""In the config folder of an instance with a certificate: what others trust it by."""


@define(kw_only=True)
class Credentials:
    """Collects the secrets that are asked for, and hands out references to them.

    Attributes:
        numbers: current rotation number by secret name.
        uses: who uses whom.
        environ: variables of the shell that plans; their values go nowhere.
        needs: what was asked for, by name: entries of ``Plan.secrets``.
    """

    numbers: Mapping[str, int]
    uses: Iterable[Use]
    environ: Mapping[str, str] = Factory(dict)
    needs: dict[str, dict[str, Any]] = Factory(dict)

    def ask(self, name: str, kind: str, forms: Iterable[str] = (), **more: Any) -> Secret:
        """Ask for a secret; asking twice adds forms."""
        number = self.numbers.get(name, 1)
        entry = self.needs.setdefault(
            name, {"name": name, "number": number, "kind": kind, "forms": [], **more}
        )
        entry["forms"] = sorted({*entry["forms"], *forms})
        return Secret(name, number)

    def user_secret(self, name: str, form: str = "") -> Secret:
        """Ask for a secret that a user stored (``secret://name``)."""
        found = self.ask(f"user/{name}", "user", (form,) if form else ())
        return found.as_form(form) if form else found

    def variable(self, name: str, default: str | None = None) -> str:
        """Return a variable of the shell that plans, as a reference; unset or empty: its default.

        The default stands in the file, so it is no secret. A variable that is not there and has no
        default is asked for all the same: whoever fills in the values says what is missing.
        """
        if default is not None and not self.environ.get(name):
            return default
        return str(self.ask(f"env/{name}", "env"))

    def consumers(self, service: str) -> list[str]:
        """Return who uses a service, sorted, ``user`` included."""
        return sorted({USER} | {use.consumer for use in self.uses if use.service == service})

    def of_consumer(self, cast: Cast, consumer: str) -> dict[str, str]:
        """Return what one consumer was given by a service, by ``name`` and ``name:form``."""
        found: dict[str, str] = {}
        for need in self._needs(cast):
            if need.per == "consumer":
                found.update(self._given(need, f"{cast.name}.{consumer}.{need.name}", cast))
        return found

    def consumer(self, cast: Cast, name: str) -> Consumer:
        """Return a consumer of a service as hooks see it."""
        interfaces = {
            u.interface for u in self.uses if (u.service, u.consumer) == (cast.name, name)
        }
        return Consumer(
            name=name,
            secrets=self.of_consumer(cast, name),
            interfaces=tuple(sorted(interfaces - {""})),
        )

    def of_instance(self, cast: Cast, member: Member, instance: str) -> dict[str, str]:
        """Return the secrets of a service and of one instance."""
        found: dict[str, str] = {}
        for need in member.component.secrets:
            if need.per != "consumer" and _wanted(need, member):
                name = f"{cast.name}.{need.name}"
                own = name if need.per == "service" else f"{instance}/{need.name}"
                found.update(self._given(need, own, cast))
        return found

    def _needs(self, cast: Cast) -> list[SecretNeed]:
        needs = {
            need.name: need
            for member in cast.members
            for need in member.component.secrets
            if _wanted(need, member)
        }
        return list(needs.values())

    def _given(self, need: SecretNeed, name: str, cast: Cast) -> dict[str, str]:
        if need.kind == "certificate":
            hosts = sorted({"127.0.0.1", "localhost", cast.spec.bind} - {"0.0.0.0"})  # noqa: S104 - taken out
            parts = (*CERTIFICATE_PARTS, *need.forms)
            secret = self.ask(name, need.kind, parts, hosts=hosts)
            return {f"{need.name}:{part}": str(secret.as_form(part)) for part in parts}
        secret = self.ask(name, need.kind, need.forms)
        forms = {f"{need.name}:{form}": str(secret.as_form(form)) for form in need.forms}
        return {need.name: str(secret), **forms}

    def listed(self) -> tuple[dict[str, Any], ...]:
        """Return everything asked for, by name."""
        return tuple(self.needs[name] for name in sorted(self.needs))


def certificates(member: Member) -> list[SecretNeed]:
    """Return what a member's own certificates are declared as; none where its setting is off."""
    needs = [need for need in member.component.secrets if need.per != "consumer"]
    return [need for need in needs if need.kind == "certificate" and _wanted(need, member)]


def _wanted(need: SecretNeed, member: Member) -> bool:
    return not need.when or bool(getattr(member.settings, need.when, False))
