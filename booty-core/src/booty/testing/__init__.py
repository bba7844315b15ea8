"""For those who write providers: the contract that every provider keeps, as tests to inherit.

.. code-block:: python

    from booty.testing import ProviderContract


    class TestMine(ProviderContract):
        provider = "mine"

That is a whole test file. Needs pytest (``pip install booty-core[testing]``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.testing.contract import ProviderContract

__all__ = ["ProviderContract"]


def __getattr__(name: str) -> Any:
    """Load the contract when it is asked for: the plugin must stay light."""
    if name != "ProviderContract":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from booty.testing.contract import ProviderContract

    return ProviderContract
