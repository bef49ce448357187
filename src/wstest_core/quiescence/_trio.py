"""The proof of quiescence on trio.

The same argument as on asyncio, read from trio's public hooks. Before each
wait for I/O trio calls `before_io_wait`. If then no task can run, no callback
is queued, no task waits for a descriptor but trio's own, no worker thread is
busy and no other thread could call in, then only the next deadline can wake
the run. A wait whose horizon lies before it is over.

Again threads are asked first: what a finished one left is seen in the queues.

Deadlines of waits are cancel scopes here, and trio tells only the next
deadline of all, with an error of some microseconds. So that a wait's own is
never taken for somebody else's that is due just before, it is set a little
later than it should be.
"""

import itertools
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from typing import final

import trio
from outcome import Value
from trio.lowlevel import Abort, RunStatistics, RunVar, Task
from trio.testing import MockClock, active_thread_count

from wstest_core.events import Silence
from wstest_core.quiescence import _jobs, _signals, _threads
from wstest_core.quiescence._places import awaited_frames, spot, users_frame

__all__ = ["trio_watch"]

_PROVED = Silence("proved")
_NO_REST = "the event loop did not come to rest"
_FIRST_LOOK, _LAST_LOOK = 0.0005, 0.05  # seconds between looks at other threads
_PRECISION = 50e-6  # seconds that a reading of the next deadline may be wrong by
_BEHIND = 4 * _PRECISION  # seconds that a wait's scope ends after its deadline
_ROUNDING = 1e-9  # seconds
_TRIES = 20
_order = itertools.count()


@final
class TrioBell:
    """A bell that reschedules the tasks that wait for it."""

    __slots__ = ("_waiting", "_watch")

    def __init__(self, watch: "TrioWatch") -> None:
        self._watch = watch
        self._waiting: dict[Task, None] = {}

    def ring(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for task in waiting:
            trio.lowlevel.reschedule(task, Value(None))

    async def wait(self) -> None:
        await self.park()

    def wait_until(
        self, *, deadline: float, horizon: float
    ) -> Awaitable[Silence | None]:
        return self._watch.wait(self, deadline=deadline, horizon=horizon)

    async def park(self) -> Silence | None:
        """Wait for a ring (None) or for what `release` is given."""
        task = trio.lowlevel.current_task()
        self._waiting[task] = None

        def abort(_: object) -> Abort:
            self._waiting.pop(task, None)
            return Abort.SUCCEEDED

        silence: Silence | None = await trio.lowlevel.wait_task_rescheduled(abort)
        return silence

    def release(self, task: Task, silence: Silence) -> None:
        """Wake one task, if it still waits."""
        if task in self._waiting:
            del self._waiting[task]
            trio.lowlevel.reschedule(task, Value(silence))


@final
class TrioRunning:
    """A system task that was spawned."""

    __slots__ = ("_main", "_scope", "_task")

    def __init__(self, main: Callable[[], Coroutine[object, object, None]]) -> None:
        self._main = main
        self._scope = trio.CancelScope()
        self._task: Task | None = None

    def start(self, context: Context) -> None:
        """Spawn it."""
        self._task = trio.lowlevel.spawn_system_task(self._run, context=context)

    def cancel(self) -> None:
        self._scope.cancel()

    def doing(self) -> str:
        task = self._task
        if task is None:
            return "not started"
        frame = users_frame(awaited_frames(task.coro))
        return "waiting" if frame is None else f"waiting {spot(frame)}"

    def failures(self) -> str | None:
        return None  # a nursery raises what its tasks raise

    async def _run(self) -> None:
        with self._scope:
            await self._main()


@final
class _Waiter:
    """One wait: who waits for what, and until when it makes sense."""

    __slots__ = ("bell", "deadline", "done", "patience", "scope", "task")

    def __init__(self, bell: TrioBell, deadline: float) -> None:
        self.bell = bell
        self.deadline = deadline
        self.done = False
        self.scope = trio.CancelScope(deadline=deadline + _BEHIND)
        self.task = trio.lowlevel.current_task()
        # A mock clock stands still while a thread works: then real time counts.
        self.patience = time.monotonic() + deadline - trio.current_time()

    async def park(self) -> Silence | None:
        """Wait; `_LOOK` if only time has passed."""
        with self.scope:
            return await self.bell.park()
        return _LOOK

    def end(self, silence: Silence) -> None:
        if not self.done:
            self.bell.release(self.task, silence)


@final
class TrioWatch(trio.abc.Instrument):
    """Watches one trio run."""

    cancelled: type[BaseException] = trio.Cancelled

    def __init__(self) -> None:
        self._attached = 0
        self._token = trio.lowlevel.current_trio_token()
        # (horizon, order, waiter); those that have ended leave lazily
        self._waiters: list[tuple[float, int, _Waiter]] = []
        self._clocks = 0
        self._next_look = _FIRST_LOOK
        self._why: object = _NO_REST  # its text is made if it is told

    def attach(self) -> None:
        self._attached += 1
        if self._attached == 1:
            trio.lowlevel.add_instrument(self)

    def detach(self) -> None:
        self._attached -= 1
        if self._attached == 0:
            trio.lowlevel.remove_instrument(self)

    def now(self) -> float:
        return trio.current_time()

    def bell(self) -> TrioBell:
        return TrioBell(self)

    def spawn(
        self,
        main: Callable[[], Coroutine[object, object, None]],
        *,
        context: Context | None = None,
    ) -> TrioRunning:
        running = TrioRunning(main)
        running.start(Context() if context is None else context)
        return running

    async def pause(self) -> None:
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait(
        self, bell: TrioBell, *, deadline: float, horizon: float
    ) -> Silence | None:
        """Wait for a bell, or until it is known that it will not ring in time."""
        waiter = _Waiter(bell, deadline)
        # Not where the run is busy: it is so, too, when a look's time has come.
        self._why = _NO_REST
        heappush(self._waiters, (horizon, next(_order), waiter))
        try:
            silence = await waiter.park()
            if silence is not _LOOK:
                return silence
            if trio.current_time() >= deadline:
                return Silence("expired", str(self._why))
            # The bell may have rung as it ended: who waits asks again.
            return None
        finally:
            waiter.done = True
            self._drop_ended()

    def virtual_clock(self, *, run: bool) -> None:
        if not isinstance(trio.lowlevel.current_clock(), MockClock):
            raise RuntimeError(
                "trio chooses its clock when a run starts: give it "
                "trio.run(..., clock=trio.testing.MockClock()), or use the fixture "
                "trio_virtual_clock as anyio_backend"
            )
        self._clocks += 1 if run else -1

    @property
    def jumps(self) -> bool:
        return self._clocks > 0

    def next_event(self) -> str | None:
        return None  # trio tells when its next deadline is, and not whose

    def before_io_wait(self, timeout: float) -> None:
        """Conclude what can be concluded before trio goes to sleep."""
        if not (self._waiters or self._clocks):
            return
        if timeout <= 0:
            self._next_look = _FIRST_LOOK
            return
        busy = _busy_threads()
        statistics, now = _look()
        # Trio wakes earlier than for a deadline for `wait_all_tasks_blocked`.
        left = min(statistics.seconds_to_next_deadline, timeout)
        if statistics.tasks_runnable or statistics.run_sync_soon_queue_size:
            self._next_look = _FIRST_LOOK
        elif (why := _outside(statistics)) is not None:
            self._why = why
            if isinstance(trio.lowlevel.current_clock(), MockClock):
                self._look_again()  # else nothing ends the wait but what it is for
        elif busy is not None:
            self._why = busy
            self._look_again()
        elif left > 0:
            self._conclude(now + left)

    def _conclude(self, timer: float) -> None:
        """Conclude, where no timer is due before `timer`."""
        self._drop_ended()
        clock = trio.lowlevel.current_clock()
        horizon = self._waiters[0][0] if self._waiters else math.inf
        if self._waiters and horizon < timer - _ROUNDING:
            self._soon(self._waiters[0][2].end, _PROVED)
            if self._clocks and isinstance(clock, MockClock) and horizon > -math.inf:
                # The wait has taken its time.
                clock.jump(max(0.0, horizon - clock.current_time()))
            return
        if self._clocks and isinstance(clock, MockClock) and timer < math.inf:
            clock.jump(max(0.0, timer - clock.current_time()) + _ROUNDING)
            self._wake()

    def _look_again(self) -> None:
        """Make the run come back here soon: threads end without saying so."""
        look = self._next_look
        if isinstance(trio.lowlevel.current_clock(), MockClock):
            # Its time stands still, so no deadline can be used.
            time.sleep(look)
            self._lose_patience()
        else:
            self._drop_ended()
            scope = self._waiters[0][2].scope if self._waiters else None
            if scope is None or scope.deadline < self._waiters[0][2].deadline:
                return  # nobody waits, or a look is planned already
            scope.deadline = min(scope.deadline, trio.current_time() + look)
        self._next_look = min(2 * look, _LAST_LOOK)
        self._wake()

    def _lose_patience(self) -> None:
        now = time.monotonic()
        for _, _, waiter in self._waiters:
            if waiter.patience <= now:
                self._soon(waiter.end, Silence("expired", str(self._why)))

    def _drop_ended(self) -> None:
        while self._waiters and self._waiters[0][2].done:
            heappop(self._waiters)

    def _soon(self, end: Callable[[Silence], None], silence: Silence) -> None:
        self._token.run_sync_soon(end, silence)

    def _wake(self) -> None:
        self._token.run_sync_soon(_nothing, idempotent=True)


def trio_watch() -> TrioWatch:
    """Return the watch of the trio run that is under way."""
    try:
        return _watch.get()
    except LookupError:
        _jobs.begin()
        found = TrioWatch()
        _watch.set(found)
        return found


_watch: RunVar[TrioWatch] = RunVar("wstest_watch")
_LOOK = Silence("expired", "look again")


def _nothing() -> None:
    """Only being called wakes the run."""


def _look() -> tuple[RunStatistics, float]:
    """Return statistics and a time just before they were taken.

    Trio gives the next deadline as a distance from a time it does not tell.
    """
    tries = 0
    while True:
        before = trio.current_time()
        statistics = trio.lowlevel.current_statistics()
        tries += 1
        precise = trio.current_time() - before < _PRECISION
        # Thousands of sockets take longer to count; they forbid a proof anyway.
        if precise or tries == _TRIES or _waits_for_io(statistics.io_statistics):
            return statistics, before


def _outside(statistics: RunStatistics) -> str | None:
    """Say what beside threads and timers could wake the run; None if nothing could."""
    return _signals.handled() or _waits_for_io(statistics.io_statistics)


def _waits_for_io(statistics: object) -> str | None:
    # One task always waits for the pipe that wakes trio up.
    reading: int | None = getattr(statistics, "tasks_waiting_read", None)
    if reading is None:
        reading = getattr(statistics, "tasks_waiting", None)
    if reading is None:
        return "trio does not show its sockets on this platform"
    writing: int = getattr(statistics, "tasks_waiting_write", 0)
    if reading + writing > 1:
        return "a task waits for a socket or a pipe"
    return None


def _busy_threads() -> _threads.Obstacle | str | None:
    if active_thread_count():
        return "a worker thread is busy"
    return _threads.outstanding(trio.lowlevel.current_trio_token())
