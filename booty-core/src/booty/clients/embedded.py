"""The schemes of core, for a program that runs alone: ``mem://`` and ``file://``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.clients.drivers import Driver, Opener
from booty.clients.location import Location, Parameter
from booty.clients.pubsub import local

if TYPE_CHECKING:
    from booty.clients.bucket.driver import BucketDriver
    from booty.clients.pubsub.driver import SubscriptionDriver, TopicDriver

__all__ = ["FILE", "MEM"]


def _memory_bucket(location: Location) -> BucketDriver:
    from booty.clients.memory.bucket import open_bucket

    return open_bucket(location)


def _file_bucket(location: Location) -> BucketDriver:
    from booty.clients.file.bucket import open_bucket

    return open_bucket(location)


def _mem_topic(location: Location) -> TopicDriver:
    from booty.clients.pubsub import mem

    return mem.topic(location)


def _mem_subscription(location: Location) -> SubscriptionDriver:
    from booty.clients.pubsub import mem

    return mem.subscription(location)


def _file_topic(location: Location) -> TopicDriver:
    from booty.clients.pubsub import file

    return file.topic(location)


def _file_subscription(location: Location) -> SubscriptionDriver:
    from booty.clients.pubsub import file

    return file.subscription(location)


MEM: Final = Driver(
    bucket=Opener(open=_memory_bucket),
    topic=Opener(open=_mem_topic, parameters=local.topic_parameters(create=True)),
    subscription=Opener(
        open=_mem_subscription, parameters=local.subscription_parameters(create=True)
    ),
)
FILE: Final = Driver(
    bucket=Opener(
        open=_file_bucket,
        parameters=(
            Parameter(name="create", kind="flag", default=False, about="Make the folder."),
            Parameter(
                name="durable",
                kind="flag",
                default=True,
                about="A write ends when its bytes are on the disk.",
            ),
            Parameter(name="base_url", about="Where the program serves the folder: signs URLs."),
            Parameter(name="secret_file", about="Has the secret that URLs are signed with."),
        ),
    ),
    topic=Opener(
        open=_file_topic,
        parameters=(*local.topic_parameters(create=False), local.ROOM, local.SYNC),
    ),
    subscription=Opener(
        open=_file_subscription,
        parameters=(*local.subscription_parameters(create=False), local.SYNC),
    ),
)
