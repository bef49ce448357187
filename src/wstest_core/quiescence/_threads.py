"""Tells whether another thread could still feed an event loop.

Any thread can, through `call_soon_threadsafe`. So every thread that is alive
counts as a source of answers, except those whose state shows that they wait
for work, for this very loop, or serve the test runner. A thread that waits
can only be woken by another one, which is judged by itself.

Where a thread stands is read from its innermost frame. That alone proves
little, for it may have been woken and not run yet. So each rule also asks the
thing that would have been changed to wake it: the queue, the future, the list
of idle workers. And since all this takes a moment, in which a thread may have
done something and gone to rest again, nothing may have moved at the end of it.
"""

import concurrent.futures.thread as pools
import gc
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from queue import Queue
from traceback import walk_stack
from types import FrameType
from typing import TypeAlias, final

from wstest_core import settings
from wstest_core._alone import alone
from wstest_core.quiescence import _jobs, _servers
from wstest_core.quiescence._places import Place, Spot, place, users_frame
from wstest_core.quiescence._tasks import waits_for_outside

__all__ = ["Obstacle", "outstanding", "parked"]

_Rule: TypeAlias = Callable[[threading.Thread, FrameType], bool]

_parked: set[int] = set()


@final
@dataclass(frozen=True, slots=True)
class Obstacle:
    """A thread that may still have something, and where it stood."""

    name: str
    spot: Spot

    def __str__(self) -> str:
        return f"{self.name} is alive, {self.spot}"


@contextmanager
def parked() -> Generator[None]:
    """Promise that the calling thread waits for a loop within this block."""
    ident = threading.get_ident()
    _parked.add(ident)
    try:
        yield
    finally:
        _parked.discard(ident)


def outstanding(loop: object) -> Obstacle | str | None:
    """Say which thread may still have something for `loop`; None if none has.

    Call it from the thread that runs `loop`.
    """
    with alone:  # as undisturbed() does, which costs more
        # On Python 3.11 a collection may begin while the interpreter has its list
        # of threads locked, or in the midst of reading a frame. What it runs lets
        # other threads go on: they wait for that lock for ever, or there is a crash.
        collecting = gc.isenabled()
        try:
            gc.disable()
            return _look(loop)
        finally:
            if collecting:
                gc.enable()


def _look(loop: object) -> Obstacle | str | None:
    frames = _current_frames()
    if frames is None:
        return "this Python does not show its threads"
    if not frames:
        return None
    if not _ONE_AT_A_TIME:
        return "in this Python threads run at the same time"
    tick = _jobs.tick()
    at_rest = dict(frames)
    obstacle = _sort_out(at_rest, loop)
    if obstacle is not None:
        return obstacle
    if _jobs.at_work({threading.get_ident(), *frames, *_parked}):
        return "a job of a thread pool is not finished"
    if _have_moved(frames, at_rest) or _jobs.tick() != tick + 1:
        return "another thread has just been at work"
    return None


def _sort_out(frames: dict[int, FrameType], loop: object) -> Obstacle | None:
    """Say which thread is an obstacle; leave in `frames` those that must stand."""
    threads = {thread.ident: thread for thread in threading.enumerate()}
    for ident, frame in list(frames.items()):
        thread = threads.get(ident)
        if ident in _parked or _is_trusted(thread, frame, loop):
            del frames[ident]
        elif thread is None or not _stands_idle(thread, frame):
            name = "a thread" if thread is None else f"thread {thread.name!r}"
            stack = reversed([each for each, _ in walk_stack(frame)])
            at = users_frame(stack) or frame
            return Obstacle(name, Spot(at.f_code, at.f_lineno))
    return None


def _have_moved(
    before: Mapping[int, FrameType], at_rest: Mapping[int, FrameType]
) -> bool:
    now = _current_frames() or {}
    return not now.keys() <= before.keys() or any(
        now.get(ident) is not frame for ident, frame in at_rest.items()
    )


def _current_frames() -> Mapping[int, FrameType] | None:
    """Return where the other threads stand."""
    look: Callable[[], dict[int, FrameType]] | None
    look = getattr(sys, "_current_frames", None)
    if look is None:
        return None
    frames: dict[int, FrameType] = look()
    # Our own would refer to itself by these, and keep all that called us alive.
    frames.pop(threading.get_ident(), None)
    return frames


def _is_trusted(
    thread: threading.Thread | None, frame: FrameType, loop: object
) -> bool:
    """Whether a thread does nothing to the loop, wherever it stands."""
    if thread is None:  # nothing is known of it, but where it stands
        return _is_service(frame)
    if place(frame) in _SQLITE_WORKERS:
        # It works for one who waits, and nobody else in this loop could.
        return isinstance(loop, AbstractEventLoop) and not waits_for_outside(loop)
    if _is_anyio_worker(thread) and getattr(thread, "loop", None) is loop:
        # Its list of idle workers is changed in the loop's thread only.
        return thread in getattr(thread, "idle_workers", ())
    return _serves_the_test_run(thread, frame)


def _stands_idle(thread: threading.Thread, frame: FrameType) -> bool:
    """Whether a thread does nothing as long as it stands where it stands."""
    return any(rule(thread, frame) for rule in _RULES)


def _idle_pool_worker(thread: threading.Thread, frame: FrameType) -> bool:
    # Jobs that were queued before the counting began are still in its queue.
    queues = getattr(pools, "_threads_queues", {})
    queue = queues.get(thread)
    return (
        place(frame) == ("concurrent.futures.thread", "_worker")
        and queue is not None
        and queue.qsize() == 0
    )


def _is_anyio_worker(thread: threading.Thread) -> bool:
    kind = type(thread)
    return (kind.__module__, kind.__name__) == _ANYIO_WORKER


def _idle_anyio_worker(thread: threading.Thread, frame: FrameType) -> bool:
    """Whether it is the worker of another loop, closed or not, and waits."""
    caller = _caller_of_condition_wait(frame)
    if caller is None or not _is_anyio_worker(thread):
        return False
    if place(caller) != ("queue", "Queue.get"):
        return False
    queue: Queue[object] | None = getattr(thread, "queue", None)
    return queue is not None and queue == caller.f_locals.get("self") and queue.empty()


def _idle_trio_worker(thread: threading.Thread, frame: FrameType) -> bool:
    if place(frame) != _TRIO_WORKER:
        return False
    worker = frame.f_locals.get("self")
    idle = getattr(getattr(worker, "_thread_cache", None), "_idle_workers", ())
    return worker in idle


def _waits_in_async_to_sync(thread: threading.Thread, frame: FrameType) -> bool:
    caller = _caller_of_condition_wait(frame)
    if caller is None or place(caller) != _ASYNC_TO_SYNC:
        return False
    executor = caller.f_locals.get("self")
    work = getattr(executor, "_work_items", None)
    return work is not None and not work and not getattr(executor, "_broken", True)


def _waits_at_an_empty_queue(thread: threading.Thread, frame: FrameType) -> bool:
    caller = _caller_of_condition_wait(frame)
    if caller is None or place(caller) != ("queue", "Queue.get"):
        return False
    queue = caller.f_locals.get("self")
    # Not `empty()`, which takes a lock that the thread may be about to have.
    size: Callable[[], int] | None = getattr(queue, "_qsize", None)
    shut = getattr(queue, "is_shutdown", False)  # Python 3.13: it was woken by that
    return size is not None and not shut and size() == 0


def _waits_for_future(thread: threading.Thread, frame: FrameType) -> bool:
    caller = _caller_of_condition_wait(frame)
    if caller is None or place(caller) != ("concurrent.futures._base", "Future.result"):
        return False
    future = caller.f_locals.get("self")
    return caller.f_locals.get("timeout") is None and not _is_done(future)


def _is_done(future: object) -> bool:
    done: Callable[[], bool] | None = getattr(future, "done", None)
    return done is None or done()


def _serves_nobody(thread: threading.Thread, frame: FrameType) -> bool:
    return _servers.serves_nobody(thread.ident, frame)


def _joins_this_thread(thread: threading.Thread, frame: FrameType) -> bool:
    if place(frame) not in _JOINS or frame.f_locals.get("timeout") not in (None, -1):
        return False
    return frame.f_locals.get("self") is threading.current_thread()


def _serves_the_test_run(thread: threading.Thread, frame: FrameType) -> bool:
    if getattr(thread, "is_pydev_daemon_thread", False):
        return True
    name = thread.name
    patterns = (*_SERVICE_THREADS, *settings.current.harmless_threads)
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return True
    return _is_service(frame)


def _is_service(frame: FrameType) -> bool:
    home: str = frame.f_globals.get("__name__", "")
    return home.split(".")[0] in _SERVICE_MODULES


def _caller_of_condition_wait(frame: FrameType) -> FrameType | None:
    if place(frame) != ("threading", "Condition.wait"):
        return None
    # Waiting with a timeout ends by itself.
    return frame.f_back if frame.f_locals.get("timeout") is None else None


# Without a global lock what is read of another thread is out of date.
_ONE_AT_A_TIME: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
_ANYIO_WORKER = ("anyio._backends._asyncio", "WorkerThread")
_TRIO_WORKER: Place = ("trio._core._thread_cache", "WorkerThread._work")
_ASYNC_TO_SYNC: Place = (
    "asgiref.current_thread_executor",
    "CurrentThreadExecutor.run_until_future",
)
_SQLITE_WORKERS: frozenset[Place] = frozenset(
    {
        ("aiosqlite.core", "_connection_worker_thread"),
        ("aiosqlite.core", "Connection.run"),
    }
)
_JOINS: frozenset[Place] = frozenset(
    {
        ("threading", "Thread.join"),
        ("threading", "Thread._wait_for_tstate_lock"),
    }
)
_SERVICE_THREADS = ("pytest_timeout *", "pydevd.*")
_SERVICE_MODULES = frozenset({"execnet", "pydevd", "_pydevd_bundle", "debugpy"})
_RULES: tuple[_Rule, ...] = (
    _idle_pool_worker,
    _idle_anyio_worker,
    _waits_in_async_to_sync,
    _waits_for_future,
    _waits_at_an_empty_queue,
    _idle_trio_worker,
    _joins_this_thread,
    _serves_nobody,
)
