"""The messages of one channel, and those who wait for one."""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections import deque
from typing import Any, TypeAlias, final

__all__ = ["ChannelFull", "LayerMessage", "Mailbox", "Waiter", "end"]

# Messages on a layer: whatever an application puts into them.
LayerMessage: TypeAlias = Any
Waiter: TypeAlias = "Future[None]"


class ChannelFull(Exception):
    """A channel holds as many messages as it may."""

    __module__ = "wstest_core.layers"


@final
class Mailbox:
    """What waits on one channel: messages, or those who want one."""

    __module__ = "wstest_core.layers"
    __slots__ = ("capacity", "letters", "waiting")

    def __init__(self, capacity: int) -> None:
        self.capacity: int = capacity
        self.letters: deque[tuple[float, LayerMessage]] = deque()  # with their expiry
        self.waiting: deque[Waiter] = deque()

    def qsize(self) -> int:
        """How many messages wait."""
        return len(self.letters)

    def empty(self) -> bool:
        """Whether none does."""
        return not self.letters

    def full(self) -> bool:
        """Whether no more fit; 0 stands for any number."""
        return 0 < self.capacity <= len(self.letters)

    def has_expired(self, now: float) -> bool:
        """Whether its oldest message is too old."""
        return bool(self.letters) and self.letters[0][0] < now


def end(waiter: Waiter) -> bool:
    """Let its owner go on, in its own loop; False if it waits no more."""
    loop = waiter.get_loop()
    if loop is _running_loop():
        if waiter.done():
            return False
        waiter.set_result(None)
        return True
    try:
        loop.call_soon_threadsafe(_end_if_pending, waiter)
    except RuntimeError:  # that loop is closed
        return False
    return True


def _end_if_pending(waiter: Waiter) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _running_loop() -> AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
