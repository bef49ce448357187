"""Time of an asyncio loop that can be made to jump."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import final

from wstest_core.quiescence._timers import shift_timers

__all__ = ["LoopClock"]


@final
class LoopClock:
    """Adds to a loop's time. The loop's own `time` is back after the last stop."""

    __slots__ = ("_loop", "_offset", "_real", "_started")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._started = 0
        self._offset = 0.0
        self._real: Callable[[], float] = loop.time

    @property
    def running(self) -> bool:
        """Whether time may jump."""
        return self._started > 0

    def start(self) -> None:
        """Let time jump. Counted."""
        self._started += 1
        if self._started == 1:
            self._real = self._loop.time
            vars(self._loop)["time"] = self._time

    def stop(self) -> float:
        """Undo one start; return by how much the time went back with it.

        What was scheduled keeps its distance from now.
        """
        self._started -= 1
        if self._started:
            return 0.0
        offset, self._offset = self._offset, 0.0
        attributes = vars(self._loop)
        if getattr(self._real, "__self__", None) is self._loop:
            del attributes["time"]
        else:  # somebody had put theirs there before us
            attributes["time"] = self._real
        shift_timers(self._loop, -offset)
        return offset

    def jump_to(self, when: float) -> None:
        """Make it `when` now, unless it is later already."""
        self._offset += max(0.0, when - self._time())

    def _time(self) -> float:
        return self._real() + self._offset
