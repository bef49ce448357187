"""Reads where the tasks of an asyncio loop are parked.

Two questions are answered by the same walk down the chain of awaits: could a
socket wake this task (then nothing is known about when), and what is it doing
(for the text of a failure). A place that is not known to be woken only from
inside the process counts as one that a socket could wake.
"""

import asyncio
from asyncio import AbstractEventLoop, Future, Task, TimerHandle
from collections.abc import Iterable
from types import FrameType
from typing import cast

from wstest_core.quiescence._places import (
    Place,
    awaited_frames,
    place,
    spot,
    spot_of_function,
    users_frame,
)
from wstest_core.quiescence._timers import interrupted_by

__all__ = ["awaited_inside", "doing", "waits_for_outside", "woken_by"]


def waits_for_outside(loop: AbstractEventLoop) -> str | None:
    """Say which task of `loop` a socket could wake; None if there is none."""
    outside = [task for task in asyncio.all_tasks(loop) if not _parked_inside(task)]
    for task in outside:
        if (layer := _at_a_layer(task)) is not None:
            return f"a task waits {layer}"
    return f"a task may be waiting for a socket, {_at(outside[0])}" if outside else None


def awaited_inside(loop: AbstractEventLoop) -> dict[int, str]:
    """Return the ids of the futures that tasks of `loop` wait for in queues,
    locks and the like, each with the place of its task.
    """
    return {
        id(getattr(task, "_fut_waiter", None)): _at_a_layer(task) or _at(task)
        for task in asyncio.all_tasks(loop)
        if _is_fed(task)
    }


def doing(task: Task[None]) -> str:
    """Say where a task stands: "sleeping in f() at a.py:3"."""
    return f"{_words(task)} {_at(task)}"


def woken_by(timer: TimerHandle, loop: AbstractEventLoop) -> str | None:
    """Say where a timer lets `loop` go on: in a task, or in what it calls."""
    interrupted = interrupted_by(timer)
    if interrupted is not None:
        return _where(interrupted)
    callback: object = getattr(timer, "_callback", None)
    arguments: Iterable[object] = getattr(timer, "_args", None) or ()
    touched = [getattr(callback, "__self__", None), *arguments]
    futures: list[object] = [one for one in touched if isinstance(one, Future)]
    for task in asyncio.all_tasks(loop):
        if task in futures or getattr(task, "_fut_waiter", None) in futures:
            return _where(task)
    return spot_of_function(callback)


def _words(task: Task[object]) -> str:
    frames = _frames(task)
    if any(_is_layer(frame) for frame in frames):
        return "waiting for its layer on the network"
    for frame in reversed(frames):
        if place(frame) in _WORDS:
            return _WORDS[place(frame)]
    if frames and place(frames[-1]) == ("asyncio.tasks", "_wait"):
        several: Iterable[object] = frames[-1].f_locals.get("fs", ())
        tasks = [cast("Task[object]", one) for one in several if _is_pending(one)]
        return " and ".join(sorted({_words(one) for one in tasks})) or "waiting"
    return "waiting"


def _is_pending(one: object) -> bool:
    return isinstance(one, Task) and not one.done()


def _at(task: Task[object]) -> str:
    return _where(task) or "at an unknown place"


def _where(task: Task[object]) -> str | None:
    frame = users_frame(awaited_frames(task.get_coro()))
    return None if frame is None else spot(frame)


def _frames(task: Task[object]) -> list[FrameType]:
    return list(awaited_frames(task.get_coro()))


def _at_a_layer(task: Task[object]) -> str | None:
    layer = next(filter(_is_layer, _frames(task)), None)
    if layer is None:
        return None
    where = "for a channel layer on the network, where no proof is available"
    return f"{where}, {spot(layer)}"


def _is_layer(frame: FrameType) -> bool:
    """Whether a frame is of a channel layer that is reached over a network."""
    module, _ = place(frame)
    return any(f"{module}.".startswith(f"{name}.") for name in _NETWORK_LAYERS)


def _parked_inside(task: Task[object]) -> bool:
    waited: object = getattr(task, "_fut_waiter", None)
    if isinstance(waited, Task):
        return True
    children: Iterable[object] | None = getattr(waited, "_children", None)
    if children is not None:  # what asyncio.gather() awaits
        return _all_tasks(children)
    frames = _frames(task)
    if not frames or waited is None:
        return False
    return _is_inside(frames[-1])


def _is_fed(task: Task[object]) -> bool:
    frames = _frames(task)
    return bool(frames) and place(frames[-1]) in _FED


def _is_inside(frame: FrameType) -> bool:
    here = place(frame)
    if here == ("asyncio.tasks", "_wait"):
        return _all_tasks(frame.f_locals.get("fs", ()))
    if here == ("asyncio.tasks", "wait_for"):
        return _all_tasks([frame.f_locals.get("fut")])
    return here in _INSIDE


def _all_tasks(awaited: Iterable[object]) -> bool:
    # A task among them is judged by itself; a bare future could be anybody's.
    return all(
        isinstance(one, Task) or (isinstance(one, Future) and one.done())
        for one in awaited
    )


_NETWORK_LAYERS = ("channels_redis", "fast_channels.layers.redis")

# Where a task waits until somebody calls a method.
_FED: frozenset[Place] = frozenset(
    {
        ("asyncio.locks", "Condition.wait"),
        ("asyncio.locks", "Event.wait"),
        ("asyncio.locks", "Lock.acquire"),
        ("asyncio.locks", "Semaphore.acquire"),
        ("asyncio.queues", "Queue.get"),
        ("asyncio.queues", "Queue.put"),
        ("anyio._backends._asyncio", "Lock.acquire"),
        ("anyio._backends._asyncio", "Semaphore.acquire"),
        ("wstest_core.layers._memory", "MemoryLayer.receive"),
        ("wstest_core.quiescence._asyncio", "AsyncioWatch.wait"),
    }
)

_INSIDE: frozenset[Place] = _FED | {
    ("asyncio.taskgroups", "TaskGroup.__aexit__"),
    ("asyncio.taskgroups", "TaskGroup._aexit"),
    ("asyncio.tasks", "sleep"),
    ("anyio._backends._asyncio", "TaskGroup.__aexit__"),
    # anyio's pytest plugin waits there for the task that runs the test.
    ("anyio._backends._asyncio", "TestRunner._call_in_runner_task"),
    ("wstest_core._life", "Life._app_receive"),
    ("wstest_core.drivers.asgi", "AsgiDriver._app_receive"),
}

_WORDS: dict[Place, str] = {
    ("asyncio.locks", "Condition.wait"): "waiting for a condition",
    ("asyncio.locks", "Event.wait"): "waiting for an event",
    ("asyncio.locks", "Lock.acquire"): "waiting for a lock",
    ("asyncio.locks", "Semaphore.acquire"): "waiting for a semaphore",
    ("asyncio.queues", "Queue.get"): "waiting for an item of a queue",
    ("asyncio.queues", "Queue.put"): "waiting for room in a queue",
    ("asyncio.streams", "StreamReader._wait_for_data"): "reading from a socket",
    ("asyncio.tasks", "sleep"): "sleeping",
    ("asyncio.threads", "to_thread"): "waiting for a thread",
    ("asgiref.sync", "SyncToAsync.__call__"): "waiting for a thread",
    ("anyio.to_thread", "run_sync"): "waiting for a thread",
    ("wstest_core._life", "Life._app_receive"): "waiting for input",
    ("wstest_core.drivers.asgi", "AsgiDriver._app_receive"): "waiting for input",
    ("wstest_core.layers._memory", "MemoryLayer.receive"): "waiting for its layer",
}
