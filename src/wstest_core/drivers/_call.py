"""One call of an application, in a task of its own beside the test.

However an application is run, this is the same: it starts in a context, is
waited for, is ended though it may not want to, says where it stands, and what
it raises is a crash or is none. What it is given and what it sends is the
business of whoever calls it.
"""

from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Final, cast, final

from anyio import CancelScope

from wstest_core import quiescence
from wstest_core.drivers._application import Run
from wstest_core.errors import hidden
from wstest_core.events import Silence

__all__ = ["AT_ONCE", "NO_REST", "Call"]

__tracebackhide__ = hidden

AT_ONCE: Final = float("-inf")  # a horizon: nothing happens unless time passes
NO_REST: Final = Silence("expired", "the application did not come to rest")
_BREATH: Final = 1024  # events after which a sending application pauses
_TOO_LATE: Final = 20  # rings after a deadline of one that never pauses for breath
_INSISTENCE: Final = 3  # times an application is cancelled that does not want to end


@final
class Call:
    """A call of an application: how it goes, and how it ended.

    It belongs to the event loop that runs when it is made; in `virtual` time,
    that lasts until `stop_clock`. Whoever changes what `until` may wait for
    rings the bell.

    Raises:
        RuntimeError: if this loop's time cannot be driven.
    """

    __slots__ = (
        "_running",
        "_sent",
        "_virtual",
        "bell",
        "done",
        "exception",
        "stopped",
        "watch",
    )

    def __init__(self, *, virtual: bool = False) -> None:
        self.watch = quiescence.watch()
        self.bell = self.watch.bell()
        self.done = False
        self.exception: BaseException | None = None  # its crash
        self.stopped = False  # we have cancelled it
        self._sent = 0
        self._virtual = virtual
        if virtual:
            self._start_clock()

    def start(
        self,
        application: Run,
        *arguments: object,
        ended: Callable[[], None],
        context: Context | None = None,
    ) -> None:
        """Call an application in a context, by default an empty one.

        `ended` is called at its end, before anybody is told of it.
        """
        run = partial(self._run, application, arguments, ended)
        self._running = self.watch.spawn(run, context=context)

    async def until(
        self, over: Callable[[], bool], timeout: float, *, horizon: float | None = None
    ) -> Silence | None:
        """Wait until `over()`, or return how it is known that it does not get so."""
        watch = self.watch
        watch.attach()
        try:
            deadline = watch.now() + timeout
            horizon = deadline if horizon is None else horizon
            late = 0
            while not over():
                silence = await self.bell.wait_until(deadline=deadline, horizon=horizon)
                if silence is None and watch.now() > deadline:
                    late += 1
                    # Once is no more than a machine that stood still.
                    silence = NO_REST if late == _TOO_LATE else None
                if silence is not None and not over():
                    return silence
        finally:
            watch.detach()
        return None

    async def until_done(self, timeout: float) -> Silence | None:
        """Wait for its end, in the same way."""
        return await self.until(lambda: self.done, timeout)

    async def end(self, timeout: float) -> bool:
        """Make it end, even if the caller is being cancelled; return whether it has."""
        with CancelScope(shield=True):
            for _ in range(_INSISTENCE):
                if self.done:
                    break
                self.cancel()
                await self.until_done(timeout)
        return self.done

    def cancel(self) -> None:
        """Ask it to end."""
        if not self.done:
            self.stopped = True
            self._running.cancel()

    def is_breathless(self) -> bool:
        """Count an event that it sends; return whether it has to pause for others."""
        self._sent += 1
        return self._sent % _BREATH == 0

    # --- looking

    def doing(self) -> str:
        """Say what it is doing: "waiting in f() at a.py:3"."""
        return self._running.doing()

    def standing(self) -> str:
        """Say where it stands: "is waiting in f() at a.py:3", "has returned"."""
        error = self.exception
        if error is None:
            if not self.done:
                return f"is {self.doing()}"
            return "was stopped" if self.stopped else "has returned"
        if _apart_from(error, self.watch.cancelled) is None:
            return (
                "was cancelled, by itself or because the event loop that it was "
                "connected in has ended"
            )
        return f"raised {error!r}"

    def failures(self) -> str | None:
        """Say in a sentence what failed beside it."""
        return self._running.failures()

    # --- the clock

    def stop_clock(self) -> None:
        """Let time pass as it did before."""
        if self._virtual:
            self._virtual = False
            self.watch.virtual_clock(run=False)
            self.watch.detach()

    def _start_clock(self) -> None:
        self.watch.attach()
        try:
            self.watch.virtual_clock(run=True)
        except RuntimeError:
            self.watch.detach()
            raise

    # --- what runs beside the test

    async def _run(
        self,
        application: Run,
        arguments: tuple[object, ...],
        ended: Callable[[], None],
    ) -> None:
        cancelled = self.watch.cancelled
        try:
            await application(*arguments)
        except BaseException as error:
            self.exception = _apart_from(error, cancelled) if self.stopped else error
            if isinstance(error, (cancelled, KeyboardInterrupt, SystemExit)):
                raise
        finally:
            self.done = True
            ended()
            self.bell.ring()


def _apart_from(
    error: BaseException, cancelled: type[BaseException]
) -> BaseException | None:
    """Return what is left of an error without cancellations.

    Who is cancelled with tasks of its own raises a group of them (trio).
    """
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return group.split(cancelled)[1]
    return None if isinstance(error, cancelled) else error
