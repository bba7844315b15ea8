"""What a driver declares that it can do, in the words of the conformance suite."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Capability"]


class Capability(StrEnum):
    """A thing that not every driver, or not every engine behind it, can do.

    A driver declares its own; a call that needs another one raises
    :class:`~booty.clients.errors.UnimplementedError`, and the conformance suite skips the cases
    that need it, with the word as the reason.
    """

    LIST = "list"
    """Listing by prefix, page and delimiter."""
    LONG_PARTS = "long-parts"
    """A part of a key between slashes may have more than 255 bytes."""
    RANGE = "range"
    """Reads by offset and length; seek."""
    ATTRS = "attrs"
    """The five content headers are stored."""
    METADATA = "metadata"
    """A free map of text to text goes with an object or message."""
    MD5 = "md5"
    """The driver checks an MD5 that is given."""
    COPY = "copy"
    """Copies inside one bucket."""
    CONDITIONAL = "conditional"
    """Writes only if nothing is there (``if_not_exist``)."""
    IF_MATCH = "if-match"
    """Writes only over the version that was seen (``if_match``)."""
    WHOLE = "whole"
    """Of several writers at once one wins, with its bytes and its attributes."""
    PRESIGN = "presign"
    """Signed URLs."""
    PRESIGN_NO_TYPE = "presign-no-type"
    """Signed URLs for a PUT that must not have a content type."""
    MULTIPART = "multipart"
    """Large uploads in parts."""
    SERVER = "server"
    """There is a server that can be restarted."""
    HOOKS = "hooks"
    """Calls before an operation see the native request."""
    NATIVE = "native"
    """The native client can be had."""
    FANOUT = "fanout"
    """Several subscriptions on one topic."""
    NACK = "nack"
    """A message can be given back."""
    BATCH = "batch"
    """Sends or acknowledges several messages at once."""
    REDELIVERY = "redelivery"
    """Messages that nobody acknowledged come again after a time."""
    DEDUPE = "dedupe"
    """A message id is stored once within a window."""
    DURABLE = "durable"
    """State outlives the process or server."""
    REPLICATED = "replicated"
    """State is kept by several servers."""
    DELAY = "delay"
    """A message can be given back for later."""
    ORDERING = "ordering"
    """The order of one sender, or of one key, is kept."""
    DEAD_LETTER = "dead-letter"
    """Messages that fail too often are set aside."""
    EXTEND = "extend"
    """The time to acknowledge can be prolonged."""
