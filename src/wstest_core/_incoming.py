"""What a client is sent, for whoever reads it.

A test may look at what comes without taking it, take one frame from among others,
and give back what it had taken, in several tasks at once. Frames that are not taken
are kept here, in their order, and come before those that the driver still has.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias, final

from wstest_core.drivers import Driver
from wstest_core.errors import hidden
from wstest_core.events import FRAME, Frame, Silence, Terminal
from wstest_core.transcript import Transcript

__all__ = ["Incoming", "Outcome"]

__tracebackhide__ = hidden

Outcome: TypeAlias = Frame | Terminal | Silence


@final
class Incoming:
    """The frames of a connection, and how it ends."""

    __slots__ = ("_driver", "_ever_kept", "_kept", "_transcript")

    def __init__(self, driver: Driver, transcript: Transcript) -> None:
        self._driver = driver
        self._transcript = transcript
        self._kept: deque[Frame] | None = None
        self._ever_kept = 0

    @property
    def kept(self) -> Sequence[Frame]:
        """The frames that were only looked at."""
        return tuple(self._kept or ())

    async def next(self, timeout: float) -> Outcome:
        """Take the next event."""
        if self._kept:
            return self._kept.popleft()
        event = await self._driver.receive(timeout=timeout)
        if not self._kept:
            return event
        # Meanwhile another reader has kept frames, which are older.
        if isinstance(event, FRAME):
            self._keep(event)
        return self._kept.popleft()

    async def peek(self, timeout: float, ignore: Callable[[Frame], bool]) -> Outcome:
        """Return the next event that is not ignored, and take nothing."""
        kept, driver = self._all_kept(), self._driver
        deadline = driver.now() + timeout
        looked_at = self._ever_kept - len(kept)
        end: Terminal | Silence | None = None
        while True:
            # Another reader may have kept some, too.
            new = min(self._ever_kept - looked_at, len(kept))
            looked_at = self._ever_kept
            for place in range(-new, 0):
                if not ignore(kept[place]):
                    return kept[place]
            if end is not None:
                return end
            event = await driver.receive(timeout=max(0.0, deadline - driver.now()))
            if isinstance(event, FRAME):
                self._keep(event)
            else:
                end = event

    async def pick(self, timeout: float, wanted: Callable[[Frame], bool]) -> Outcome:
        """Take the next event that is wanted; the others stay, in their order."""
        event = await self.peek(timeout, lambda frame: not wanted(frame))
        if isinstance(event, FRAME):
            self._all_kept().remove(event)  # the first that is equal is this one
        return event

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Have frames that were taken received again, before all others."""
        kept = self._all_kept()
        kept.extendleft(reversed(frames))
        self._ever_kept += len(kept)  # whoever looks for one looks at all again

    def _keep(self, frame: Frame) -> None:
        self._all_kept().append(frame)
        self._ever_kept += 1

    def _all_kept(self) -> deque[Frame]:
        if self._kept is None:
            self._kept = deque()
            self._transcript.unread_in(self._kept)
        return self._kept
