"""Tells whether another thread could still feed an event loop.

Any thread can, through `call_soon_threadsafe`. So every thread that is alive
counts as a source of answers, except those whose state shows that they wait
for work, for this very loop, or serve the test runner. A thread that waits
can only be woken by another one, which is judged by itself.

Where a thread stands is read from its innermost frame. That alone proves
little, for it may have been woken and not run yet. So each rule also asks the
thing that would have been changed to wake it: the queue, the future, the list
of idle workers.
"""

import concurrent.futures.thread as pools
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from types import FrameType
from typing import TypeAlias

from wstest_core import settings
from wstest_core.quiescence import _jobs
from wstest_core.quiescence._places import Place, place, spot

__all__ = ["outstanding", "parked"]

_Rule: TypeAlias = Callable[[threading.Thread, FrameType, object], bool]

_parked: set[int] = set()


@contextmanager
def parked() -> Generator[None]:
    """Promise that the calling thread waits for a loop within this block."""
    ident = threading.get_ident()
    _parked.add(ident)
    try:
        yield
    finally:
        _parked.discard(ident)


def outstanding(loop: object) -> str | None:
    """Say which thread may still have something for `loop`; None if none has.

    Call it from the thread that runs `loop`.
    """
    frames = _current_frames()
    if frames is None:
        return "this Python does not show its threads"
    if len(frames) == 1:
        return None
    threads = {thread.ident: thread for thread in threading.enumerate()}
    harmless = {threading.get_ident()}
    for ident, frame in frames.items():
        if ident in harmless or ident in _parked:
            continue
        thread = threads.get(ident)
        if thread is None or not _is_harmless(thread, frame, loop):
            name = "a thread" if thread is None else f"thread {thread.name!r}"
            return f"{name} is alive, {spot(frame)}"
        harmless.add(ident)
    if _jobs.at_work(harmless | _parked):
        return "a job of a thread pool is not finished"
    return None


def _current_frames() -> Mapping[int, FrameType] | None:
    look: Callable[[], Mapping[int, FrameType]] | None
    look = getattr(sys, "_current_frames", None)
    return None if look is None else look()


def _is_harmless(thread: threading.Thread, frame: FrameType, loop: object) -> bool:
    return any(rule(thread, frame, loop) for rule in _RULES)


def _idle_pool_worker(thread: threading.Thread, frame: FrameType, loop: object) -> bool:
    # Jobs that were queued before the counting began are still in its queue.
    queues = getattr(pools, "_threads_queues", {})
    queue = queues.get(thread)
    return (
        place(frame) == ("concurrent.futures.thread", "_worker")
        and queue is not None
        and queue.qsize() == 0
    )


def _idle_anyio_worker(
    thread: threading.Thread, frame: FrameType, loop: object
) -> bool:
    # Its list of idle workers is changed in the loop's thread only.
    kind = type(thread)
    if (kind.__module__, kind.__name__) != _ANYIO_WORKER:
        return False
    served: AbstractEventLoop | None = getattr(thread, "loop", None)
    if served is not loop:
        return served is not None and served.is_closed()
    return thread in getattr(thread, "idle_workers", ())


def _idle_trio_worker(thread: threading.Thread, frame: FrameType, loop: object) -> bool:
    if place(frame) != _TRIO_WORKER:
        return False
    worker = frame.f_locals.get("self")
    idle = getattr(getattr(worker, "_thread_cache", None), "_idle_workers", ())
    return worker in idle


def _waits_in_async_to_sync(
    thread: threading.Thread, frame: FrameType, loop: object
) -> bool:
    caller = _caller_of_condition_wait(frame)
    if caller is None or place(caller) != _ASYNC_TO_SYNC:
        return False
    executor = caller.f_locals.get("self")
    work = getattr(executor, "_work_items", None)
    return work is not None and not work and not getattr(executor, "_broken", True)


def _waits_for_future(thread: threading.Thread, frame: FrameType, loop: object) -> bool:
    caller = _caller_of_condition_wait(frame)
    if caller is None or place(caller) != ("concurrent.futures._base", "Future.result"):
        return False
    future = caller.f_locals.get("self")
    return caller.f_locals.get("timeout") is None and not _is_done(future)


def _is_done(future: object) -> bool:
    done: Callable[[], bool] | None = getattr(future, "done", None)
    return done is None or done()


def _joins_this_thread(
    thread: threading.Thread, frame: FrameType, loop: object
) -> bool:
    if place(frame) not in _JOINS or frame.f_locals.get("timeout") not in (None, -1):
        return False
    return frame.f_locals.get("self") is threading.current_thread()


def _serves_the_test_run(
    thread: threading.Thread, frame: FrameType, loop: object
) -> bool:
    if getattr(thread, "is_pydev_daemon_thread", False):
        return True
    name = thread.name
    patterns = (*_SERVICE_THREADS, *settings.current.harmless_threads)
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return True
    home: str = frame.f_globals.get("__name__", "")
    return home.split(".")[0] in _SERVICE_MODULES


def _caller_of_condition_wait(frame: FrameType) -> FrameType | None:
    if place(frame) != ("threading", "Condition.wait"):
        return None
    # Waiting with a timeout ends by itself.
    return frame.f_back if frame.f_locals.get("timeout") is None else None


_ANYIO_WORKER = ("anyio._backends._asyncio", "WorkerThread")
_TRIO_WORKER: Place = ("trio._core._thread_cache", "WorkerThread._work")
_ASYNC_TO_SYNC: Place = (
    "asgiref.current_thread_executor",
    "CurrentThreadExecutor.run_until_future",
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
    _idle_trio_worker,
    _joins_this_thread,
    _serves_the_test_run,
)
