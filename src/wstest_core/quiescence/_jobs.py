"""Counts the work that thread pools have accepted and not finished.

A pool's idle worker and one that has just been handed a job look alike from
outside, so jobs are counted where they are made and where they end: in the
work item of `concurrent.futures.thread`. A job ends only after the callbacks
of its future have run, so whatever it hands to an event loop is there to be
seen before the job disappears from here. The work item is replaced by a
counting one only while some loop is being watched.
"""

import concurrent.futures.thread as pools
import threading
from collections.abc import Collection
from concurrent.futures import Future
from typing import Any, TypeAlias

__all__ = ["at_work", "install", "uninstall"]

# The standard library's work item has no types.
_Untyped: TypeAlias = Any

_lock = threading.Lock()
_installed = 0
_plain: _Untyped = getattr(pools, "_WorkItem", None)
# work item -> (its future, the thread that runs it, None while it is queued)
_open: dict[object, tuple[Future[object], int | None]] = {}


def install() -> None:
    """Start counting. Counted itself: as many `uninstall` calls end it."""
    global _installed
    with _lock:
        _installed += 1
        if _installed == 1 and _counting is not None:
            vars(pools)["_WorkItem"] = _counting


def uninstall() -> None:
    """Stop counting; after the last one the module is as it was found."""
    global _installed
    with _lock:
        _installed -= 1
        if _installed == 0 and _counting is not None:
            vars(pools)["_WorkItem"] = _plain
            _open.clear()


def at_work(harmless: Collection[int]) -> bool:
    """Whether a job is queued, or runs in a thread that is not `harmless`.

    True where this Python does not let us count.
    """
    if _counting is None:
        return True
    return any(
        thread not in harmless and not future.cancelled()
        for future, thread in list(_open.values())
    )


def _make_counting(plain: _Untyped) -> type[object]:
    class CountedWorkItem(plain):
        def __init__(
            self, future: Future[object], *args: _Untyped, **kwargs: _Untyped
        ) -> None:
            super().__init__(future, *args, **kwargs)
            _open[self] = (future, None)

        def run(self, *args: _Untyped) -> None:
            if self in _open:
                _open[self] = (_open[self][0], threading.get_ident())
            try:
                super().run(*args)
            finally:
                _open.pop(self, None)

    return CountedWorkItem


_counting = None if _plain is None else _make_counting(_plain)
