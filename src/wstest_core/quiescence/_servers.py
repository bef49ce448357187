"""Tells whether a live server, in a thread of this process, serves nobody.

While nobody is connected to it, such a server can only be woken by somebody
who connects, by another thread, or by a timer of its loop. So it does nothing
to the loop of a test if its own loop is parked in its selector and

- nothing is ready to run there (another thread that wants something of it is
  seen there, and in its own right),
- it listens to nothing but its wake-up pipe and its listening sockets, and
  nobody stands at the door of one: not a connection that is open, not a
  connection pool, not a subprocess, and
- no timer is set but the one that its main task sleeps on: servers look now
  and then whether they should exit. A timer of the application may well end
  in a broadcast.

A server that starts or ends does not listen, and one that was told to exit
will end soon: neither is at rest. What cannot be seen from here is another
process that has not connected yet.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector, SelectorKey
from threading import get_ident
from types import FrameType

from wstest_core.quiescence._places import Place, place

__all__ = ["runs_server", "serves_nobody"]

# thread -> whether its server has been told to exit
_servers: dict[int, Callable[[], bool]] = {}


@contextmanager
def runs_server(should_exit: Callable[[], bool]) -> Generator[None]:
    """Promise that the calling thread only runs a server within this block.

    That is an event loop whose main task keeps the server alive until
    `should_exit()` and does nothing else.
    """
    ident = get_ident()
    _servers[ident] = should_exit
    try:
        yield
    finally:
        del _servers[ident]


def serves_nobody(ident: int | None, frame: FrameType) -> bool:
    """Whether the thread that stands at `frame` is a server's, and at rest."""
    should_exit = None if ident is None else _servers.get(ident)
    if should_exit is None or should_exit():
        return False
    frames = list(_outwards(frame))
    if [place(each) for each in frames[1:3]] != _PARKED or not _selects(frame):
        return False
    loop: AbstractEventLoop = frames[1].f_locals["self"]
    try:
        return _only_listens(loop) and _is_at_rest(loop, _main_task(frames))
    except (OSError, RuntimeError, ValueError):
        return False  # it has moved on while it was looked at


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _selects(frame: FrameType) -> bool:
    return (place(frame)[0], frame.f_code.co_name) == ("selectors", "select")


def _main_task(frames: Iterable[FrameType]) -> object:
    """Return the task that the loop was started for."""
    for frame in frames:
        if place(frame) == _STARTED:
            return frame.f_locals.get("future")
    return None


def _is_at_rest(loop: AbstractEventLoop, main: object) -> bool:
    timers: list[TimerHandle] | None = getattr(loop, "_scheduled", None)
    if timers is None or getattr(loop, "_ready", True):
        return False
    return all(_wakes(timer, main) for timer in list(timers))


def _wakes(timer: TimerHandle, main: object) -> bool:
    """Whether a timer does nothing but end the sleep of the main task."""
    waited: object = getattr(main, "_fut_waiter", None)
    arguments: tuple[object, ...] = getattr(timer, "_args", None) or (None,)
    return timer.cancelled() or (waited is not None and arguments[0] is waited)


def _only_listens(loop: AbstractEventLoop) -> bool:
    selector = getattr(loop, "_selector", None)
    pipe = getattr(loop, "_ssock", None)
    if selector is None or pipe is None:
        return False
    keys: dict[int, SelectorKey] = dict(selector.get_map())
    own = keys.pop(pipe.fileno(), None)
    if own is None or not keys:
        return False
    return all(_listens(key, loop) for key in keys.values()) and not _is_called(keys)


def _listens(key: SelectorKey, loop: AbstractEventLoop) -> bool:
    reader, writer = key.data
    callback = getattr(reader, "_callback", None)
    accepts = getattr(callback, "__name__", "") == "_accept_connection"
    return writer is None and accepts and getattr(callback, "__self__", None) is loop


def _is_called(listening: Iterable[int]) -> bool:
    """Whether somebody has connected who was not let in yet."""
    with DefaultSelector() as door:
        for number in listening:
            door.register(number, EVENT_READ)
        return bool(door.select(0))


_PARKED: list[Place] = [
    ("asyncio.base_events", "BaseEventLoop._run_once"),
    ("asyncio.base_events", "BaseEventLoop.run_forever"),
]
_STARTED: Place = ("asyncio.base_events", "BaseEventLoop.run_until_complete")
