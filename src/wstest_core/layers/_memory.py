"""A channel layer for tests: in memory, fast, and safe with threads.

It does what the in-memory layers of Channels and fast-channels do, with two
differences that a test notices. A message costs the same however many
channels and members there are; theirs walk over all of them on every receive
and start a task for each member on every group send. And any thread may send:
the receiver's event loop is woken, which theirs leave asleep.

A receiver is parked on a future of its own loop that only this module ends,
and a thread ends it through that loop. So whether a message can still come is
seen where quiescence looks: nothing waits outside the process.
"""

import asyncio
import re
import time
from copy import deepcopy
from itertools import count
from threading import Lock
from typing import ClassVar, Final, cast

from wstest_core.layers._mailbox import ChannelFull, LayerMessage, Mailbox, Waiter, end
from wstest_core.layers._names import (
    CHANNEL,
    GROUP,
    Capacities,
    compiled,
    require_valid,
)

__all__ = ["MemoryLayer", "group_members"]

_serial: Final = count(1)


class MemoryLayer:
    """A channel layer within one process, with groups and flush.

    Takes what the in-memory layers of Channels and fast-channels take, and
    promises what they promise: a channel over its capacity raises
    `ChannelFull` for `send` and is passed over by `group_send`; messages are
    copied; one that has waited for longer than `expiry` seconds is dropped,
    and its channel leaves its groups. An adapter derives from it and names
    the framework's own exception in `full_error`.

    All methods may be called from any thread. Those who `receive` run on
    asyncio, each on a loop of its own choice.

    Example:
        >>> import asyncio
        >>> async def tell(layer):
        ...     await layer.group_add("room", "ann")
        ...     await layer.group_send("room", {"type": "news"})
        ...     return await layer.receive("ann")
        >>> asyncio.run(tell(MemoryLayer()))
        {'type': 'news'}
    """

    __module__ = "wstest_core.layers"

    extensions: ClassVar[list[str]] = ["groups", "flush"]
    full_error: ClassVar[type[Exception]] = ChannelFull
    MAX_NAME_LENGTH: int = 100

    def __init__(
        self,
        expiry: float = 60,
        group_expiry: float = 86400,
        capacity: int = 100,
        channel_capacity: Capacities | None = None,
    ) -> None:
        self.expiry = expiry
        self.group_expiry = group_expiry
        self.capacity = capacity
        self.channel_capacity: list[tuple[re.Pattern[str], int]] = compiled(
            channel_capacity or ()
        )
        self.channels: dict[str, Mailbox] = {}
        self.groups: dict[str, dict[str, float]] = {}
        self._lock = Lock()

    # --- the interface of a channel layer

    async def send(self, channel: str, message: LayerMessage) -> None:
        """Put a message on a channel. See `put`."""
        self.put(channel, message)

    async def receive(self, channel: str) -> LayerMessage:
        """Take the next message of a channel. Cancelling it loses none."""
        self.require_valid_channel_name(channel)
        loop = asyncio.get_running_loop()
        with self._lock:
            self._drop_expired(channel, time.time())
        while True:
            waiter: Waiter = loop.create_future()
            mailbox, message = self._take(channel, waiter)
            if mailbox is None:
                return message
            try:
                await waiter
            except BaseException:
                self._leave(channel, mailbox, waiter)
                raise

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a channel that nobody has used before."""
        return f"{prefix}.inmemory!{next(_serial):012}"

    async def group_add(self, group: str, channel: str) -> None:
        """Let a channel have what is sent to a group. See `join`."""
        self.join(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; harmless if it is not in it."""
        self.require_valid_channel_name(channel)
        self.require_valid_group_name(group)
        with self._lock:
            self._discard(group, channel)

    async def group_send(self, group: str, message: LayerMessage) -> None:
        """Put a message on each channel of a group. See `put_to_group`."""
        self.put_to_group(group, message)

    async def flush(self) -> None:
        """Forget all messages and groups. Those who wait go on waiting."""
        with self._lock:
            self.groups.clear()
            for channel, mailbox in list(self.channels.items()):
                mailbox.letters.clear()
                self._tidy(channel, mailbox)

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    # --- the same without waiting, and looking

    def put(self, channel: str, message: LayerMessage) -> None:
        """Put a copy of a message on a channel, from any thread.

        Raises:
            ChannelFull: the framework's, when it is over its capacity.
            AssertionError: when the message is not a dict, as other layers do.
        """
        _check(message)
        self.require_valid_channel_name(channel)
        if not self._deliver(channel, deepcopy(message)):
            raise self.full_error(channel)

    def put_to_group(self, group: str, message: LayerMessage) -> None:
        """Put a copy of a message on each channel of a group that is not full."""
        _check(message)
        for channel in self.members(group):
            self._deliver(channel, deepcopy(message))

    def join(self, group: str, channel: str) -> None:
        """Let a channel have what is sent to a group, from any thread."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self.groups.setdefault(group, {})[channel] = time.time()

    def members(self, group: str) -> list[str]:
        """Return the channels in a group, in the order in which they came."""
        self.require_valid_group_name(group)
        now = time.time()
        oldest = int(now) - self.group_expiry
        with self._lock:
            for channel, joined in list(self.groups.get(group, {}).items()):
                if joined < oldest:
                    self._discard(group, channel)
                self._drop_expired(channel, now)
            return list(self.groups.get(group, ()))

    def pending(self, channel: str) -> list[LayerMessage]:
        """Return copies of the messages that wait on a channel, and take none."""
        with self._lock:
            mailbox = self.channels.get(channel)
            letters = list(mailbox.letters) if mailbox else []
        return [deepcopy(message) for _, message in letters]

    def contents(self) -> dict[str, list[LayerMessage]]:
        """Return copies of all messages that wait, by channel, and take none."""
        with self._lock:
            waiting = [name for name, box in self.channels.items() if box.letters]
        return {name: self.pending(name) for name in waiting}

    def take(self, channel: str) -> LayerMessage | None:
        """Take the next message of a channel, without waiting; None if none is."""
        with self._lock:
            self._drop_expired(channel, time.time())
            mailbox = self.channels.get(channel)
            if mailbox is None or not mailbox.letters:
                return None
            _, message = mailbox.letters.popleft()
            self._tidy(channel, mailbox)
            return message

    def get_capacity(self, channel: str) -> int:
        """How many messages may wait on a channel: the first pattern decides."""
        for pattern, capacity in self.channel_capacity:
            if pattern.match(channel):
                return capacity
        return self.capacity

    def require_valid_channel_name(self, name: object, receive: bool = False) -> bool:
        """Return True, or raise TypeError for a name that no layer accepts."""
        if receive and "!" in str(name) and not str(name).endswith("!"):
            raise TypeError(f"a channel to receive from must end at the !, not {name}")
        limit = self.MAX_NAME_LENGTH
        return require_valid("Channel", name, CHANNEL, shorter_than=limit)

    def require_valid_group_name(self, name: object) -> bool:
        """Return True, or raise TypeError for a name that no layer accepts."""
        limit = self.MAX_NAME_LENGTH
        return require_valid("Group", name, GROUP, shorter_than=limit)

    # --- inner workings; where it says so, the lock must be held

    def _deliver(self, channel: str, message: LayerMessage) -> bool:
        now = time.time()
        with self._lock:
            mailbox = self._mailbox(channel)
            if mailbox.full():
                self._drop_expired(channel, now)
                mailbox = self._mailbox(channel)
                if mailbox.full():
                    return False
            mailbox.letters.append((now + self.expiry, message))
        self._wake(mailbox)
        return True

    def _take(
        self, channel: str, waiter: Waiter
    ) -> tuple[Mailbox | None, LayerMessage]:
        """Take a message, or get in line at the mailbox that is returned."""
        with self._lock:
            mailbox = self._mailbox(channel)
            if not mailbox.letters:
                mailbox.waiting.append(waiter)
                return mailbox, None
            _, message = mailbox.letters.popleft()
            self._tidy(channel, mailbox)
            return None, message

    def _leave(self, channel: str, mailbox: Mailbox, waiter: Waiter) -> None:
        with self._lock:
            if waiter in mailbox.waiting:
                mailbox.waiting.remove(waiter)
            self._tidy(channel, mailbox)
        # It may have been woken for a message that it takes no more.
        self._wake(mailbox)

    def _wake(self, mailbox: Mailbox) -> None:
        """Wake one who waits, if there is something to take."""
        while True:
            with self._lock:
                if not mailbox.letters or not mailbox.waiting:
                    return
                waiter = mailbox.waiting.popleft()
            if end(waiter):
                return

    def _mailbox(self, channel: str) -> Mailbox:  # with the lock
        mailbox = self.channels.get(channel)
        if mailbox is None:
            mailbox = self.channels[channel] = Mailbox(self.get_capacity(channel))
        return mailbox

    def _tidy(self, channel: str, mailbox: Mailbox) -> None:  # with the lock
        unused = not mailbox.letters and not mailbox.waiting
        if unused and self.channels.get(channel) is mailbox:
            del self.channels[channel]

    def _discard(self, group: str, channel: str) -> None:  # with the lock
        members = self.groups.get(group, {})
        members.pop(channel, None)
        if not members:
            self.groups.pop(group, None)

    def _drop_expired(self, channel: str, now: float) -> None:  # with the lock
        mailbox = self.channels.get(channel)
        if mailbox is None or not mailbox.has_expired(now):
            return
        while mailbox.has_expired(now):
            mailbox.letters.popleft()
        self._tidy(channel, mailbox)
        for group in list(self.groups):
            self._discard(group, channel)


def group_members(layer: object, group: str) -> list[str]:
    """Return the channels in a group of an in-memory layer.

    Raises:
        TypeError: for a layer that keeps its groups elsewhere.
    """
    if isinstance(layer, MemoryLayer):
        return layer.members(group)
    groups = getattr(layer, "__dict__", {}).get("groups")
    if isinstance(groups, dict):
        return list(cast("dict[str, dict[str, float]]", groups).get(group, ()))
    raise TypeError(
        f"{type(layer).__qualname__} does not keep its groups in memory, so who is in "
        "one cannot be seen; give the test a MemoryLayer"
    )


def _check(message: LayerMessage) -> None:
    # Not TypeError: an application may be tested for what its own layer raises.
    if not isinstance(message, dict):
        raise AssertionError(f"a message is a dict, not {message!r}")
    if "__asgi_channel__" in message:
        raise AssertionError("the key '__asgi_channel__' is the layers' own")
