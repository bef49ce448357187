"""A channel layer for tests: in memory, fast, and safe with threads."""

from wstest_core.layers._mailbox import ChannelFull, Mailbox
from wstest_core.layers._memory import MemoryLayer, group_members

__all__ = ["ChannelFull", "Mailbox", "MemoryLayer", "group_members"]
