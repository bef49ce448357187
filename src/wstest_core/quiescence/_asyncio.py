"""The proof of quiescence on asyncio.

An asyncio loop does one thing at a time, and says so: when it has nothing to
run it calls its selector with a timeout other than zero, to sleep until a
descriptor or a timer wakes it. That call is the moment of truth. If then

- a poll that does not wait finds no descriptor ready,
- no other thread could call into the loop (`_threads`),
- no descriptor but the loop's own wake-up pipe is registered, and
- nothing has become ready while we looked,

then the loop can only be woken by its own next timer. Nothing that anybody
waits for can happen before that timer is due. A wait whose horizon lies
before it is over: it is told so, and with that the loop has something to run
again. Everything else goes on waiting, and the loop sleeps as it would have.

The order of the questions matters. A thread hands its result over before it
counts as finished, so threads are asked about first, and the poll and the
queue of ready callbacks come last: what a finished thread left is seen there.

Waits are released one at a time, the one with the earliest horizon first, as
if time had passed without anything happening. What the released one does next
may be just what the others wait for. A timeout that the test put around its
own wait is a timer too, but as it can do nothing except end that wait, nothing
that it does can arrive there: it counts for the other waits only.

The selector's `select` is replaced on the instance, for as long as something
is attached. No timer is created for a deadline: the time we let the loop
sleep is cut to the next one. A deadline is a guard, so what was due before it
is let happen first, even if the loop is late. Loops without such a selector
(uvloop, Windows' proactor) get a timer per wait, and no proof.
"""

import asyncio
import itertools
import math
import time
from asyncio import AbstractEventLoop, Future, Task
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context
from functools import partial
from heapq import heappop, heappush
from types import MethodType, coroutine
from typing import TypeAlias, final

from wstest_core import settings
from wstest_core.events import Silence
from wstest_core.quiescence import (
    _jobs,
    _signals,
    _sockets,
    _tasks,
    _threads,
    _timers,
)
from wstest_core.quiescence._clock import LoopClock
from wstest_core.quiescence._failures import Failures

__all__ = ["AsyncioBell", "AsyncioWatch"]

_Events: TypeAlias = list[tuple[object, int]]
_Select: TypeAlias = Callable[[float | None], _Events]

_PROVED = Silence("proved")
_NO_REST = "the event loop did not come to rest"
_FIRST_LOOK, _LAST_LOOK = 0.0005, 0.05  # seconds between looks at other threads
# How long beyond a deadline a loop may be busy: so many seconds, and so many turns,
# for a machine may stand still for that long.
_OVERDUE, _OVERDUE_TURNS = 0.1, 20
_order = itertools.count()


@final
class AsyncioBell:
    """A bell on futures, one for each who waits."""

    __slots__ = ("_loop", "_waiting", "_watch")

    def __init__(self, watch: "AsyncioWatch", loop: AbstractEventLoop) -> None:
        self._watch = watch
        self._loop = loop
        self._waiting: Future[Silence | None] | list[Future[Silence | None]] | None
        self._waiting = None

    def ring(self) -> None:
        waiting = self._waiting
        if waiting is None:
            return
        self._waiting = None
        if isinstance(waiting, list):
            for future in waiting:
                if not future.done():
                    future.set_result(None)
        elif not waiting.done():
            waiting.set_result(None)

    def wait(self) -> Awaitable[object]:
        return self.listen()

    def wait_until(
        self, *, deadline: float, horizon: float
    ) -> Awaitable[Silence | None]:
        return self._watch.wait(self.listen(), deadline=deadline, horizon=horizon)

    def listen(self) -> "Future[Silence | None]":
        """Return a future that the next ring ends."""
        future: Future[Silence | None] = self._loop.create_future()
        waiting = self._waiting
        if waiting is None or (isinstance(waiting, Future) and waiting.done()):
            self._waiting = future
        elif isinstance(waiting, list):
            waiting[:] = [other for other in waiting if not other.done()]
            waiting.append(future)
        else:
            self._waiting = [waiting, future]
        return future


@final
class AsyncioRunning:
    """A task that was spawned."""

    __slots__ = ("_failures", "_since", "_task")

    def __init__(self, task: Task[None], failures: Failures, since: int) -> None:
        self._task = task
        self._failures = failures
        self._since = since

    def cancel(self) -> None:
        self._task.cancel()

    def doing(self) -> str:
        return _tasks.doing(self._task)

    def failures(self) -> str | None:
        return self._failures.told(self._since)


@final
class _Waiter:
    """One wait: what ends it, and until when it makes sense."""

    __slots__ = ("deadline", "future", "task")

    def __init__(self, future: "Future[Silence | None]", deadline: float) -> None:
        self.future = future
        self.deadline = deadline
        self.task = asyncio.current_task(future.get_loop())

    def end(self, silence: Silence) -> None:
        if not self.future.done():
            self.future.set_result(silence)


@final
class AsyncioWatch:
    """Watches one asyncio loop."""

    cancelled: type[BaseException] = asyncio.CancelledError

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._attached = 0
        _jobs.begin()
        self._selector: object = getattr(loop, "_selector", None)
        # The selector's own select; its attributes, if they may be changed;
        # and what stands there for select while anything is attached.
        self._native = self._class_select()
        self._attributes = self._changeable()
        self._mine: _Select | None = None
        self._poll: _Select | None = None  # what ours asks in turn
        # (horizon, order, waiter); those that have ended leave lazily
        self._waiters: list[tuple[float, int, _Waiter]] = []
        self._next_deadline = math.inf
        self._late_turns = 0  # since the deadline was overdue
        self._next_look = _FIRST_LOOK
        self._quiet_since: float | None = None
        self._why: object = _NO_REST  # its text is made if it is told
        self._clock = LoopClock(loop)
        self._virtual = False
        self._failures = Failures(loop)

    def attach(self) -> None:
        self._attached += 1
        if self._attached == 1:
            self._hook()
            self._failures.attach()

    def detach(self) -> None:
        self._attached -= 1
        if self._attached == 0:
            self._unhook()
            self._failures.detach()

    def abandon(self) -> None:
        """Let go of a loop that was closed while something was attached."""
        if self._attached:
            self._attached = 1
            self.detach()

    def now(self) -> float:
        return self._loop.time()

    def bell(self) -> AsyncioBell:
        return AsyncioBell(self, self._loop)

    def spawn(
        self,
        main: Callable[[], Coroutine[object, object, None]],
        *,
        context: Context | None = None,
    ) -> AsyncioRunning:
        context = Context() if context is None else context
        since = self._failures.count()
        task = self._loop.create_task(main(), context=context)
        return AsyncioRunning(task, self._failures, since)

    @coroutine
    def pause(self) -> Generator[None, None, None]:
        yield

    async def wait(
        self, future: Future[Silence | None], *, deadline: float, horizon: float
    ) -> Silence | None:
        """Wait for a future, or until it is known that nothing ends it in time."""
        if not self._is_hooked():
            return await self._wait_with_timer(future, deadline)
        self._quiet_since = None  # each wait has a grace of its own
        waiters = self._waiters
        heappush(waiters, (horizon, next(_order), _Waiter(future, deadline)))
        self._next_deadline = min(self._next_deadline, deadline)
        try:
            return await future
        finally:
            future.cancel()
            while waiters and waiters[0][2].future.done():
                heappop(waiters)

    def virtual_clock(self, *, run: bool) -> None:
        if self._mine is None:
            raise RuntimeError(
                f"the time of {type(self._loop).__name__} cannot be driven: "
                "use asyncio's own event loop to test with a virtual clock"
            )
        if run:
            self._clock.start()
        elif offset := self._clock.stop():
            self._turn_back(offset)
        self._virtual = self._clock.running

    @property
    def jumps(self) -> bool:
        return self._virtual

    def next_event(self) -> str | None:
        timer = _timers.next_timer(self._loop, asyncio.current_task(self._loop))
        return None if timer is None else _tasks.woken_by(timer, self._loop)

    def _class_select(self) -> _Select | None:
        function: Callable[..., _Events] | None
        function = getattr(type(self._selector), "select", None)
        return None if function is None else MethodType(function, self._selector)

    def _changeable(self) -> dict[str, _Select] | None:
        loop = self._loop
        hidden = not (hasattr(loop, "_ready") and hasattr(loop, "_scheduled"))
        if self._native is None or hidden:
            return None
        with suppress(AttributeError):  # it may be another object's that is shown
            attributes: dict[str, _Select]
            attributes = object.__getattribute__(self._selector, "__dict__")
            return attributes
        return None

    async def _wait_with_timer(
        self, future: Future[Silence | None], deadline: float
    ) -> Silence | None:
        why = f"{type(self._loop).__name__} does not show what it waits for"
        waiter = _Waiter(future, deadline)
        if deadline == math.inf:
            return await future
        timer = self._loop.call_at(deadline, waiter.end, Silence("expired", why))
        try:
            return await future
        finally:
            timer.cancel()

    def _turn_back(self, offset: float) -> None:
        self._waiters[:] = [
            (horizon - offset, order, waiter)
            for horizon, order, waiter in self._waiters
        ]
        for _, _, waiter in self._waiters:
            waiter.deadline -= offset
        self._next_deadline -= offset

    def _hook(self) -> None:
        attributes, native = self._attributes, self._native
        if attributes is None or native is None or self._is_hooked():
            return
        # Somebody else's, if there is one: theirs goes on being asked.
        self._poll = attributes.get("select", native)
        self._mine = attributes["select"] = partial(self._select, self._poll)

    def _is_hooked(self) -> bool:
        # Somebody whom we were over may have thrown ours away with theirs.
        return self._mine is not None and "select" in (self._attributes or ())

    def _unhook(self) -> None:
        attributes, mine = self._attributes, self._mine
        if attributes is None or mine is None or attributes.get("select") is not mine:
            return  # if somebody put theirs over ours: stay, and pass calls on
        if self._poll is None or self._poll is self._native:
            del attributes["select"]
        else:
            attributes["select"] = self._poll
        self._mine = None

    def _select(self, poll: _Select, timeout: float | None = None) -> _Events:
        if not self._waiters and not self._virtual:
            return poll(timeout)
        if timeout is None or timeout > 0:
            return self._rest(poll, timeout)
        self._next_look, self._quiet_since = _FIRST_LOOK, None
        self._why = _NO_REST
        events = poll(0)
        self._expire_if_overdue()
        return events

    def _rest(self, poll: _Select, timeout: float | None) -> _Events:
        """The loop has nothing to run: conclude what can be, or let it sleep."""
        limit, silence = self._judge()
        events = poll(0)
        if events or self._is_ready():
            self._quiet_since = None
            return events
        if silence is not None and self._conclude(silence):
            return []
        if self._loop.time() >= self._next_deadline:
            # What was due before that happens first.
            if _timers.next_due(self._loop) > self._next_deadline:
                self._expire()
            return []
        timeout = math.inf if timeout is None else timeout
        limit = min(limit, timeout, self._next_deadline - self._loop.time())
        events = poll(None if limit == math.inf else max(0, limit))
        if events or limit == timeout:
            self._quiet_since = None
        return events

    def _judge(self) -> tuple[float, Silence | None]:
        """Return how long to sleep before looking again, and what silence means."""
        obstacle = _threads.outstanding(self._loop)
        if obstacle is not None:
            self._why = obstacle
            look = self._next_look
            self._next_look = min(2 * look, _LAST_LOOK)
            return look, None
        signalled = _signals.handled()
        if signalled is not None:
            self._why = signalled
            return math.inf, None
        sockets = _sockets.look(self._loop, self._selector)
        if sockets is None:
            return math.inf, _PROVED
        self._why = sockets.why
        if not sockets.idle:
            return math.inf, None
        return self._presume(sockets.why)

    def _presume(self, why: str) -> tuple[float, Silence | None]:
        if self._quiet_since is None:
            self._quiet_since = time.monotonic()
        grace = settings.current.idle_socket_grace
        left = grace - (time.monotonic() - self._quiet_since)
        if left > 0:
            return left, None
        return math.inf, Silence("presumed", why)

    def _conclude(self, silence: Silence) -> bool:
        waiters = self._waiters
        while waiters and waiters[0][2].future.done():
            heappop(waiters)
        if waiters:
            horizon, _, first = waiters[0]
            due = _timers.next_due(self._loop, first.task)
            if horizon < due:
                heappop(waiters)
                first.end(self._until(due) if silence is _PROVED else silence)
                if self._virtual and -math.inf < horizon < math.inf:
                    self._clock.jump_to(horizon)  # the wait has taken its time
                return True
        if self._virtual and (due := _timers.next_due(self._loop)) < math.inf:
            self._clock.jump_to(due)
            return True
        return False

    def _until(self, due: float) -> Silence:
        if due == math.inf:
            return _PROVED
        left = due - self._loop.time()
        return Silence("proved", f"nothing can arrive for another {left:,.3f} s")

    def _expire_if_overdue(self) -> None:
        if self._loop.time() - _OVERDUE < self._next_deadline:
            self._late_turns = 0
            return
        self._late_turns += 1
        if self._late_turns >= _OVERDUE_TURNS:
            self._late_turns = 0
            self._expire()

    def _expire(self) -> None:
        """End the waits whose deadline has passed."""
        now = self._loop.time()
        waiting = [waiter for _, _, waiter in self._waiters if not waiter.future.done()]
        for waiter in waiting:
            if waiter.deadline <= now:
                waiter.end(Silence("expired", str(self._why)))
        later = [waiter.deadline for waiter in waiting if waiter.deadline > now]
        self._next_deadline = min(later, default=math.inf)

    def _is_ready(self) -> bool:
        return bool(getattr(self._loop, "_ready", True))
