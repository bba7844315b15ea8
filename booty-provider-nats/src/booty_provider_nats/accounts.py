"""The accounts of a server and their users: final from the first version, so that data stays.

============  ================  ====================================================================
account       users             for
============  ================  ====================================================================
``SYS``       ``booty/system``  NATS's system account: state of the cluster, reload, taking a
                                member out
``BOOTY``     ``booty/health``  one stream of one message, written when somebody asks for health
``APP``       the consumers     everything else: streams, buckets and subjects of the stack's own
============  ================  ====================================================================

JetStream keeps the data of each account in a folder of the account's name, so these names never
change. No service can be called ``booty/…``: a slash is no part of a service's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty import Consumer, Instance

__all__ = ["APP", "BOOTY", "HEALTH_USER", "SYS", "SYSTEM_USER", "accounts"]

SYS: Final = "SYS"
BOOTY: Final = "BOOTY"
APP: Final = "APP"
SYSTEM_USER: Final = "booty/system"
HEALTH_USER: Final = "booty/health"


def accounts(instance: Instance) -> dict[str, Any]:
    """Return the ``accounts`` block: every password as its bcrypt form, never as it is."""
    own = instance.secrets
    return {
        SYS: {"users": [_user(SYSTEM_USER, own["system:bcrypt"])]},
        BOOTY: {"jetstream": "enabled", "users": [_user(HEALTH_USER, own["health:bcrypt"])]},
        APP: {"jetstream": "enabled", "users": [_consumer(one) for one in instance.consumers]},
    }


def _user(name: str, hashed: str) -> dict[str, Any]:
    return {"user": name, "password": hashed}


def _consumer(consumer: Consumer) -> dict[str, Any]:
    # a user's "permissions" belong here once a consumer can be given fewer than all subjects
    return _user(consumer.name, consumer.secrets["password:bcrypt"])
