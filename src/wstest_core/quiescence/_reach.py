"""Tells what a callback protocol could wake.

A task that waits in a queue or for an event looks as if only another task
could wake it. But the protocol of a socket may hold that queue, and feed it
from `data_received`. So the objects that a protocol can get at are followed:
what it refers to, what its functions and those it was given close over, and
the globals that these name. Of the user's own code also what its functions
name in modules and classes, and the methods of its objects. Loops and tasks
are not entered; a task that could be woken is found by the future it waits
for.
"""

import gc
import sys
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

from wstest_core.quiescence._places import is_users

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
    ahead: list[object] = []
    for protocol in protocols:
        within = getattr(protocol, "_app_protocol", None)  # of TLS
        ahead += [protocol, *_methods(protocol), *_methods(within)]
    seen: set[int] = set()
    while ahead:
        found = ahead.pop()
        if id(found) in awaited:
            return awaited[id(found)]
        # Its type, and not what it says that it is: asked, it might do anything.
        if id(found) in seen or issubclass(type(found), _OPAQUE):
            continue
        seen.add(id(found))
        if len(seen) > _FAR:
            return next(iter(awaited.values()))
        ahead.extend(_next(found))
        if id(type(found)) not in seen:
            seen.add(id(type(found)))
            ahead.extend(_of_users_class(type(found)))
    return None


def _methods(protocol: object) -> Iterator[object]:
    for kind in type(protocol).__mro__:
        yield from vars(kind).values()


def _of_users_class(kind: type) -> Iterator[object]:
    for each in kind.__mro__:
        found = list(vars(each).values())
        if any(type(one) is FunctionType and _is_users(one) for one in found):
            yield from found


def _next(found: object) -> Iterable[object]:
    if issubclass(type(found), weakref.ref):
        return (cast("weakref.ref[object]", found)(),)
    if type(found) is FunctionType:
        return _within(found)
    return gc.get_referents(found) if gc.is_tracked(found) else ()


def _within(function: FunctionType) -> Iterator[object]:
    yield function.__closure__
    yield function.__defaults__
    yield function.__kwdefaults__
    names = set(_names(function.__code__))
    known = function.__globals__
    named: list[object] = [known[name] for name in names if name in known]
    yield from named
    if _is_users(function):
        named += [sys.modules[name] for name in names if name in sys.modules]
        for home in named:
            yield from _named_in(home, names)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that a function uses, with those of functions within."""
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _names(constant)


def _named_in(home: object, names: set[str]) -> Iterator[object]:
    """Yield what a module or a class holds under these names, libraries' code not."""
    homes: tuple[object, ...] = ()
    if issubclass(type(home), type):
        homes = cast("type", home).__mro__
    elif issubclass(type(home), ModuleType):
        homes = (home,)
    for each in homes:
        for name in names & vars(each).keys():
            found: object = vars(each)[name]
            if type(found) is not FunctionType or _is_users(found):
                yield found


def _is_users(function: FunctionType) -> bool:
    return is_users(function.__code__.co_filename)
