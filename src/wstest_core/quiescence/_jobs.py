"""Counts the work that thread pools have accepted and not finished.

A pool's idle worker and one that has just been handed a job look alike from
outside, so jobs are counted where they are made and where they end: in the
work item of `concurrent.futures.thread`. A job ends only after the callbacks
of its future have run, so whatever it hands to an event loop is there to be
seen before the job disappears from here.

The counting begins when the first loop is watched, and goes on: a job that is
handed in before the next loop is watched must be known then.
"""

import concurrent.futures.thread as pools
import itertools
import threading
from collections.abc import Collection
from concurrent.futures import Future
from typing import Protocol

__all__ = ["at_work", "begin", "tick"]


class _Item(Protocol):
    """What we know of the standard library's work item."""

    def __init__(
        self, future: Future[object], *args: object, **kwargs: object
    ) -> None: ...
    def run(self, *args: object) -> None: ...


_plain: type[_Item] | None = getattr(pools, "_WorkItem", None)
# work item -> (its future, the thread that runs it, None while it is queued)
_open: dict[object, tuple[Future[object], int | None]] = {}
_ticks = itertools.count()


def begin() -> None:
    """Count from now on. Doing it again changes nothing."""
    if _counting is not None:
        setattr(pools, "_WorkItem", _counting)  # noqa: B010


def at_work(harmless: Collection[int]) -> bool:
    """Whether a job is queued, or runs in a thread that is not `harmless`.

    True where this Python does not let us count.
    """
    if _counting is None:
        return True
    for item, (future, thread) in list(_open.items()):
        if thread is None and future.done():
            _open.pop(item, None)  # cancelled, or its pool broke: it never runs
        elif thread not in harmless:
            return True
    return False


def tick() -> int:
    """Count on, as the end of each job does.

    If two ticks give successive numbers, no job has ended between them.
    """
    return next(_ticks)


def _count(plain: type[_Item]) -> type[_Item]:
    def create(
        self: _Item, future: Future[object], *args: object, **kwargs: object
    ) -> None:
        plain.__init__(self, future, *args, **kwargs)
        _open[self] = (future, None)

    def run(self: _Item, *args: object) -> None:
        if self in _open:
            _open[self] = (_open[self][0], threading.get_ident())
        try:
            plain.run(self, *args)
        finally:
            tick()
            _open.pop(self, None)

    return type("CountedWorkItem", (plain,), {"__init__": create, "run": run})


_counting = None if _plain is None else _count(_plain)
