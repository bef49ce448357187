"""Counts the work that thread pools have accepted and not finished.

A pool's idle worker and one that has just been handed a job look alike from
outside, so jobs are counted where they are made and where they end: in the
work item of `concurrent.futures.thread`. A job ends only after the callbacks
of its future have run, so whatever it hands to an event loop is there to be
seen before the job disappears from here. The class is touched only while some
loop is being watched.
"""

import concurrent.futures.thread as pools
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TypeAlias

__all__ = ["at_work", "install", "uninstall"]

_Method: TypeAlias = Callable[..., None]

_lock = threading.Lock()
_installed = 0
_originals: dict[str, _Method] = {}
# work item -> (its future, the thread that runs it, None while it is queued)
_open: dict[object, tuple[Future[object], int | None]] = {}


def install() -> None:
    """Start counting. Counted itself: as many `uninstall` calls end it."""
    global _installed
    with _lock:
        _installed += 1
        item = _work_item()
        if _installed == 1 and item is not None:
            _replace(item)


def uninstall() -> None:
    """Stop counting; after the last one the class is as it was found."""
    global _installed
    with _lock:
        _installed -= 1
        item = _work_item()
        if _installed == 0 and item is not None:
            for name, original in _originals.items():
                setattr(item, name, original)
            _open.clear()


def at_work(harmless: Collection[int]) -> bool:
    """Whether a job is queued, or runs in a thread that is not `harmless`.

    True where this Python does not let us count.
    """
    if _work_item() is None:
        return True
    return any(
        thread not in harmless and not future.cancelled()
        for future, thread in list(_open.values())
    )


def _work_item() -> type[object] | None:
    return getattr(pools, "_WorkItem", None)


def _replace(item: type[object]) -> None:
    create: _Method = item.__dict__["__init__"]
    run: _Method = item.__dict__["run"]

    def counted_init(
        self: object, future: Future[object], *args: object, **kwargs: object
    ) -> None:
        create(self, future, *args, **kwargs)
        _open[self] = (future, None)

    def counted_run(self: object, *args: object) -> None:
        if self in _open:
            _open[self] = (_open[self][0], threading.get_ident())
        try:
            run(self, *args)
        finally:
            _open.pop(self, None)

    _originals.update(__init__=create, run=run)
    for name, method in (("__init__", counted_init), ("run", counted_run)):
        setattr(item, name, method)
