"""Tells what a callback protocol could wake.

A task that waits in a queue or for an event looks as if only another task
could wake it. But the protocol of a socket may hold that queue, and feed it
from `data_received`. So the objects that a protocol can get at are followed:
what it refers to, what its functions and those it was given close over, and
the globals that these name. Classes, modules, loops and tasks are not
entered; a task that could be woken is found by the future it waits for.
"""

import gc
import weakref
from asyncio import AbstractEventLoop, Task
from collections.abc import Iterable, Iterator, Mapping
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
)
from typing import TypeVar, cast

__all__ = ["reached"]

T = TypeVar("T")

_FAR = 20_000  # objects; who leads to more of them may lead everywhere
_OPAQUE = (
    type,
    ModuleType,
    AbstractEventLoop,
    Task,
    FrameType,
    CodeType,
    CoroutineType,
    GeneratorType,
    AsyncGeneratorType,
)


def reached(protocols: Iterable[object], awaited: Mapping[int, T]) -> T | None:
    """Return what stands for an object that a protocol can get at, or None.

    `awaited` is keyed by the `id` of such objects. Where there is too much
    to follow, the first that there is.
    """
    if not awaited:
        return None
    ahead = list(protocols)
    for protocol in protocols:
        ahead.extend(_methods(protocol))
    seen: set[int] = set()
    while ahead:
        found = ahead.pop()
        if id(found) in awaited:
            return awaited[id(found)]
        if id(found) in seen or isinstance(found, _OPAQUE):
            continue
        seen.add(id(found))
        if len(seen) > _FAR:
            return next(iter(awaited.values()))
        ahead.extend(_next(found))
    return None


def _methods(protocol: object) -> Iterator[object]:
    for kind in type(protocol).__mro__:
        yield from (one for one in vars(kind).values() if callable(one))


def _next(found: object) -> Iterable[object]:
    if isinstance(found, weakref.ref):
        return (cast("weakref.ref[object]", found)(),)
    if isinstance(found, FunctionType):
        return _within(found)
    return gc.get_referents(found) if gc.is_tracked(found) else ()


def _within(function: FunctionType) -> Iterator[object]:
    yield function.__closure__
    yield function.__defaults__
    yield function.__kwdefaults__
    for name in function.__code__.co_names:
        yield function.__globals__.get(name)
