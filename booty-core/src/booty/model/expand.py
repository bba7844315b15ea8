"""What ``expand`` answers: the roles that a service is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.model.component import Need, Probe

__all__ = ["Role"]


@frozen(kw_only=True)
class Role:
    """One kind of process within a service.

    Attributes:
        component: id of the component; of the same provider.
        name: the role's name (``pd``); empty for a service of one kind.
        replicas: how many instances.
        needs: other roles of the service that it waits for.
        settings: settings of this role, over those of the service.
        ports: names of optional ports that it opens.
        ready: how readiness is seen, over the component's own probe; ``None`` = that one.
        apart: whether ``version``, ``source`` and ``binary`` of the service are not about it: a
            program of the provider beside the one that the service is.
    """

    component: str
    name: str = ""
    replicas: int = 1
    needs: tuple[Need, ...] = ()
    settings: Mapping[str, Any] = Factory(dict)
    ports: tuple[str, ...] = ()
    ready: Probe | None = None
    apart: bool = False
