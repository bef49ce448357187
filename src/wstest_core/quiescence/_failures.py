"""Finds what failed in an asyncio loop, and whose error nobody has taken.

Of a task that failed asyncio tells when nobody refers to it any more: it calls
the loop's exception handler, in front of which stands one of ours. Of a task
that the application still holds it tells nothing yet, so those are looked for
when a failure is put in words. No error is taken by that: asyncio tells of each
as it would have. Only texts are kept, for an error keeps alive whatever it has
passed through.
"""

import asyncio
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from traceback import walk_tb
from typing import Any, TypeAlias, TypeGuard, final

from wstest_core.errors import WebSocketTestError
from wstest_core.quiescence._places import Spot, users_frame

__all__ = ["Failures"]

# What asyncio tells of an error: any names and values.
_Context: TypeAlias = dict[str, Any]
_Handler: TypeAlias = Callable[[AbstractEventLoop, _Context], object]

_SHOWN = 3
_LONGEST = 500  # characters of an error
_TRIES = 10


@final
class _Ear:
    """Stands in front of a loop's handler, and leaves all to it."""

    __slots__ = ("found", "listener")

    def __init__(self, found: _Handler | None, listener: "Failures") -> None:
        self.found = found
        self.listener: Failures | None = listener  # None: that listens no more

    def __call__(self, loop: AbstractEventLoop, context: _Context) -> None:
        if self.listener is not None:
            self.listener.hear(context.get("exception"))
        if self.found is None:
            loop.default_exception_handler(context)
        else:
            self.found(loop, context)


@final
class Failures:
    """What has failed in one loop."""

    __slots__ = ("_count", "_ear", "_last", "_loop")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._count = 0
        self._last: tuple[str, ...] = ()
        self._ear: _Ear | None = None

    def attach(self) -> None:
        """Hear what the loop is told, from now on."""
        # Not an attribute put before its method: each attribute that comes or
        # goes makes the interpreter look all others of the loop up anew.
        found = self._loop.get_exception_handler()
        while isinstance(found, _Ear):  # somebody put it back when it was over
            found = found.found
        self._ear = _Ear(found, self)
        self._loop.set_exception_handler(self._ear)

    def detach(self) -> None:
        """Put back what was found, unless somebody has put theirs over ours."""
        ear, self._ear = self._ear, None
        if ear is None:
            return
        ear.listener = None
        if self._loop.get_exception_handler() is ear:
            self._loop.set_exception_handler(ear.found)

    def hear(self, error: object) -> None:
        """Note an error that the loop is told of."""
        if _counts(error):
            self._count += 1
            self._last = (*self._last, _words(error))[-_SHOWN:]

    def count(self) -> int:
        """How many were heard of so far."""
        return self._count

    def told(self, since: int) -> str | None:
        """Say what has failed after the first `since`; None if nothing has."""
        last = self._last
        heard = last[max(0, len(last) - self._count + since) :]
        failed = [*heard, *map(_words, self._held())]
        if not failed:
            return None
        shown = "; ".join(failed[-_SHOWN:])
        return f"Something has failed, and nobody has taken its error: {shown}."

    def _held(self) -> Iterator[BaseException]:
        for task in _known():
            if task.get_loop() is self._loop and getattr(task, "_log_traceback", False):
                error: BaseException | None = getattr(task, "_exception", None)
                if _counts(error):
                    yield error


def _known() -> list[Task[object]]:
    """Return the tasks that somebody refers to, those that have ended, too."""
    module, names = asyncio.tasks, ("_scheduled_tasks", "_all_tasks")
    found: Iterable[Task[object]]
    found = next((getattr(module, name) for name in names if hasattr(module, name)), ())
    for _ in range(_TRIES):
        with suppress(RuntimeError):  # another thread has begun or ended one meanwhile
            return list(found)
    return []


def _counts(error: object) -> TypeGuard[Exception]:
    # What this library raises in a test's own task tells of itself.
    return isinstance(error, Exception) and not isinstance(error, WebSocketTestError)


def _words(error: BaseException) -> str:
    passed = list(walk_tb(error.__traceback__))
    frame = users_frame(frame for frame, _ in passed)
    lines = [line for each, line in passed if each is frame]
    if frame is None:
        return _named(error)
    return f"{_named(error)} {Spot(frame.f_code, lines[-1])}"


def _named(error: BaseException) -> str:
    try:
        text = repr(error)
    except Exception as why:  # of the application: it must not hide the failure
        return f"{type(error).__name__}, whose repr() raises {type(why).__name__},"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
