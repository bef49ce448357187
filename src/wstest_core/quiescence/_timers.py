"""Reads, and moves, the timers of an asyncio loop."""

import asyncio
import math
from asyncio import AbstractEventLoop, Task, TimerHandle
from collections.abc import Iterable
from functools import partial

__all__ = ["interrupted_by", "next_due", "next_timer", "shift_timers"]


def next_due(loop: AbstractEventLoop, waiting: object = None) -> float:
    """Return when the next timer of `loop` is due, `inf` without one."""
    timer = next_timer(loop, waiting)
    return math.inf if timer is None else timer.when()


def next_timer(loop: AbstractEventLoop, waiting: object = None) -> TimerHandle | None:
    """Return the next timer of `loop`.

    Left out are cancelled timers, and those that only end what the task
    `waiting` waits for.
    """
    scheduled: list[TimerHandle] | None = getattr(loop, "_scheduled", None)
    if not scheduled:
        return None
    if _counts(scheduled[0], waiting):
        return scheduled[0]
    return min(
        (timer for timer in scheduled if _counts(timer, waiting)),
        key=TimerHandle.when,
        default=None,
    )


def interrupted_by(timer: TimerHandle) -> Task[object] | None:
    """Return the task whose timeout a timer is, None if it is no timeout's."""
    scope = _scope(timer)
    task: Task[object] | None = getattr(scope, _TASKS.get(_kind(scope), ""), None)
    return task


def shift_timers(loop: AbstractEventLoop, seconds: float) -> None:
    """Move all timers of `loop`, and the timeouts that are kept beside them."""
    scheduled: list[TimerHandle] = getattr(loop, "_scheduled", [])
    for timer in scheduled:
        _shift(timer, "_when", seconds)
        scope = _scope(timer)
        attribute = _DEADLINES.get(_kind(scope))
        if attribute is not None and not timer.cancelled():
            _shift(scope, attribute, seconds)


def _counts(timer: TimerHandle, waiting: object) -> bool:
    if timer.cancelled():
        return False
    if waiting is None:
        return True
    return _guarded_task(timer) is not waiting and not _is_of_wait_for(timer, waiting)


def _guarded_task(timer: TimerHandle) -> object:
    """Return the task that a timer cancels, if that is all that it does.

    That is the timer of an `asyncio.timeout`, or of an anyio scope with no
    other task in it.
    """
    scope, task = _scope(timer), interrupted_by(timer)
    if _kind(scope) == _ANYIO_SCOPE and not _is_alone(scope, task):
        return None
    return task


def _is_of_wait_for(timer: TimerHandle, task: object) -> bool:
    """Whether a timer is that of an `asyncio.wait_for` around a task.

    On Python 3.11 the task gets one of its own there. Its end and the timer wake the
    same future, and before anything else the task is cancelled and waited for.
    """
    wake = getattr(timer, "_callback", None)
    if wake is None or wake is not getattr(asyncio.tasks, "_release_waiter", None):
        return False
    woken = getattr(timer, "_args", None)
    callbacks: Iterable[tuple[object, object]] = getattr(task, "_callbacks", None) or ()
    return any(
        isinstance(each, partial) and each.func is wake and each.args == woken
        for each, _ in callbacks
    )


def _scope(timer: TimerHandle) -> object:
    return getattr(getattr(timer, "_callback", None), "__self__", None)


def _kind(scope: object) -> tuple[str, str]:
    kind = type(scope)
    return kind.__module__, kind.__name__


def _shift(found: object, attribute: str, seconds: float) -> None:
    when: float | None = getattr(found, attribute, None)
    if when is not None:
        setattr(found, attribute, when + seconds)


def _is_alone(scope: object, task: object) -> bool:
    tasks: Iterable[object] = getattr(scope, "_tasks", ())
    children: Iterable[object] = getattr(scope, "_child_scopes", ())
    return all(one is task for one in tasks) and all(
        _is_alone(child, task) for child in children
    )


_TIMEOUT = ("asyncio.timeouts", "Timeout")
_ANYIO_SCOPE = ("anyio._backends._asyncio", "CancelScope")
_TASKS: dict[tuple[str, str], str] = {_TIMEOUT: "_task", _ANYIO_SCOPE: "_host_task"}
_DEADLINES: dict[tuple[str, str], str] = {_TIMEOUT: "_when", _ANYIO_SCOPE: "_deadline"}
