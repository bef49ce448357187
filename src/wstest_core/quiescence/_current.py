"""Finds the watch of the event loop that runs now."""

import asyncio
import sys
from asyncio import AbstractEventLoop

from wstest_core.quiescence._asyncio import AsyncioWatch
from wstest_core.quiescence._interface import Watch

__all__ = ["watch"]

_watches: dict[AbstractEventLoop, AsyncioWatch] = {}


def watch() -> Watch:
    """Return the watch of the running event loop, always the same.

    Raises:
        RuntimeError: if no event loop runs in this thread.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        from wstest_core.quiescence._trio import trio_watch

        return trio_watch()
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no event loop is running here: call this from an async test, "
            "or use SyncWebsocketCommunicator in a plain one"
        ) from None
    return _asyncio_watch(loop)


def _asyncio_watch(loop: AbstractEventLoop) -> AsyncioWatch:
    found = _watches.get(loop)
    if found is None:
        _forget_closed()
        found = _watches[loop] = AsyncioWatch(loop)
    return found


def _forget_closed() -> None:
    # Another thread may be doing the same.
    for loop in list(_watches):
        if loop.is_closed() and (known := _watches.pop(loop, None)) is not None:
            known.abandon()
