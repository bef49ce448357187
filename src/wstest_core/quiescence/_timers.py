"""Reads the timers of an asyncio loop."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Iterable

__all__ = ["guarded_task", "next_timer"]


def next_timer(loop: AbstractEventLoop) -> TimerHandle | None:
    """Return the timer of `loop` that is due first, cancelled ones left out."""
    scheduled: list[TimerHandle] | None = getattr(loop, "_scheduled", None)
    if not scheduled:
        return None
    if not scheduled[0].cancelled():
        return scheduled[0]
    alive = (timer for timer in scheduled if not timer.cancelled())
    return min(alive, key=TimerHandle.when, default=None)


def guarded_task(timer: TimerHandle) -> object:
    """Return the task that a timer cancels, if that is all that it does.

    That is the timer of an `asyncio.timeout`, or of an anyio scope with no
    other task in it.
    """
    scope: object = getattr(getattr(timer, "_callback", None), "__self__", None)
    kind = type(scope)
    match kind.__module__, kind.__name__:
        case "asyncio.timeouts", "Timeout":
            return getattr(scope, "_task", None)
        case "anyio._backends._asyncio", "CancelScope":
            task: object = getattr(scope, "_host_task", None)
            return task if _is_alone(scope, task) else None
        case _:
            return None


def _is_alone(scope: object, task: object) -> bool:
    tasks: Iterable[object] = getattr(scope, "_tasks", ())
    children: Iterable[object] = getattr(scope, "_child_scopes", ())
    return all(one is task for one in tasks) and all(
        _is_alone(child, task) for child in children
    )
