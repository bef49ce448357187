"""Time that jumps over waits."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import final

from wstest_core import quiescence

__all__ = ["VirtualClock", "virtual_clock"]


@final
class VirtualClock:
    """The clock of the event loop while it is virtual."""

    __module__ = "wstest_core.clock"
    __slots__ = ("_begin", "_watch")

    def __init__(self, watch: quiescence.Watch) -> None:
        self._watch = watch
        self._begin = watch.now()

    @property
    def elapsed(self) -> float:
        """Seconds of the loop's time since the clock became virtual."""
        return self._watch.now() - self._begin


@contextmanager
def virtual_clock() -> Generator[VirtualClock]:
    """Let the running loop's time jump to its next timer instead of sleeping.

    It jumps only when nothing else is outstanding: no thread at work and no
    socket that may answer. Timeouts count virtual time then: an application
    that sends a heartbeat every 30 seconds breaks an "expect nothing within
    60 seconds" at once. Use it inside the test, in the loop that it is for.

    On trio the clock is chosen when a run starts, so there this needs a run
    with a `trio.testing.MockClock`.

    Raises:
        RuntimeError: if this loop's time cannot be driven (uvloop; trio
            without a mock clock), or outside an event loop.

    >>> import asyncio
    >>> async def test():
    ...     with virtual_clock() as clock:
    ...         await asyncio.sleep(3600)
    ...         assert clock.elapsed >= 3600
    >>> asyncio.run(test())
    """
    watch = _watch()
    watch.attach()
    try:
        watch.virtual_clock(run=True)
        try:
            yield VirtualClock(watch)
        finally:
            watch.virtual_clock(run=False)
    finally:
        watch.detach()


def _watch() -> quiescence.Watch:
    try:
        return quiescence.watch()
    except RuntimeError:
        raise RuntimeError(
            "no event loop is running here: use virtual_clock() inside an async test; "
            "for a plain one, let time jump with @pytest.mark.wstest("
            "virtual_clock=True), or --wstest-virtual-clock for a whole run"
        ) from None
