"""A channel layer for tests: in memory, fast, and safe with threads."""

from wstest_core._alone import undisturbed
from wstest_core.layers._mailbox import ChannelFull, Mailbox
from wstest_core.layers._memory import MemoryLayer, group_members
from wstest_core.layers._stand_in import (
    in_place_of,
    instead,
    like,
    settings_of,
    standing_in,
)

__all__ = [
    "ChannelFull",
    "Mailbox",
    "MemoryLayer",
    "group_members",
    "in_place_of",
    "instead",
    "like",
    "settings_of",
    "standing_in",
    "undisturbed",
]
