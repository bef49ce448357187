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
from typing import Protocol

__all__ = ["at_work", "install", "uninstall"]


class _Item(Protocol):
    """What we know of the standard library's work item."""

    def __init__(
        self, future: Future[object], *args: object, **kwargs: object
    ) -> None: ...
    def run(self, *args: object) -> None: ...


_lock = threading.Lock()
_installed = 0
_plain: type[_Item] | None = getattr(pools, "_WorkItem", None)
# work item -> (its future, the thread that runs it, None while it is queued)
_open: dict[object, tuple[Future[object], int | None]] = {}


def install() -> None:
    """Start counting. Counted itself: as many `uninstall` calls end it."""
    global _installed
    with _lock:
        _installed += 1
        if _installed == 1:
            _use(_counting)


def uninstall() -> None:
    """Stop counting; after the last one the module is as it was found."""
    global _installed
    with _lock:
        _installed -= 1
        if _installed == 0:
            _use(_plain)
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


def _use(kind: type[_Item] | None) -> None:
    if kind is not None:
        setattr(pools, "_WorkItem", kind)  # noqa: B010


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
            _open.pop(self, None)

    return type("CountedWorkItem", (plain,), {"__init__": create, "run": run})


_counting = None if _plain is None else _count(_plain)
