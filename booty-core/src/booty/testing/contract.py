"""The contract of a provider, whole."""

from __future__ import annotations

from booty.testing.declared import Declared
from booty.testing.life import Life
from booty.testing.obeyed import Obeyed
from booty.testing.verdict import refuse

__all__ = ["ProviderContract"]


class ProviderContract(Declared, Obeyed, Life):
    """Inherit, say the provider's name, and run pytest.

    Attributes:
        provider: the provider's name.
        service: TOML lines for the one service ``it`` of the contract's stack, where the defaults
            do not do: ``use = "tidb/unistore"``, ``settings = { edition = "small" }``.
        more: further TOML tables, such as a service that ``it`` must be linked to.
        greeting: what the stand-in says to whoever connects; by default what the readiness probe
            asks for.
        real: whether the real program is run instead of the stand-in; mark such a class with
            ``pytest.mark.real``.
        log_line: what the stand-in prints; for programs whose readiness is a log line.
        patience: seconds that a stand-in may take until it is ready.
    """

    def test_no_contract_test_is_overridden(self) -> None:
        """A test of the contract may be marked xfail with a reason, never replaced in silence."""
        own = {name for base in ProviderContract.__mro__ for name in vars(base)}
        replaced = [
            f'"{name}" is replaced by a test of "{kind.__name__}"'
            for kind in type(self).__mro__
            if not issubclass(ProviderContract, kind)
            for name, value in vars(kind).items()
            if name.startswith("test_") and name in own and not _excused(value)
        ]
        refuse(
            replaced,
            "call your own test otherwise; of one that does not apply say why:"
            ' @pytest.mark.xfail(reason="…")',
        )


def _excused(test: object) -> bool:
    marks = getattr(test, "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
