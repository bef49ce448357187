"""Recording the calls of a classmethod, through whichever class they are made."""

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FunctionType
from typing import Any, TypeVar

from wstest_core.capture._spy import (
    ABSENT,
    Ear,
    Method,
    Passed,
    Spy,
    check_call,
    listening,
    spy_in,
    stand_in_for,
)

__all__ = ["recording", "require_classmethod"]

R = TypeVar("R")


@contextmanager
def recording(
    subject: type, name: str, record: Callable[..., R], *, suppress: bool
) -> Generator[list[R], None, None]:
    """Record the calls of a class's method within a block.

    `record` makes a record of the arguments of a call.
    """
    records: list[R] = []
    make = partial(_class_spy, record=record)
    with listening(subject, name, make, Ear(records, suppress)):
        yield records


def require_classmethod(subject: object, name: str, takes: str) -> None:
    """Raise TypeError for what is no class, or has no such classmethod.

    `takes` says what is taken: "capture_x takes a consumer class".
    """
    if not isinstance(subject, type):
        raise TypeError(f"{takes}, not {subject!r}")
    found = inspect.getattr_static(subject, name, None)
    if isinstance(found, FunctionType) or not callable(getattr(subject, name, 0)):
        raise TypeError(
            f"{subject.__qualname__} has no classmethod {name!r}, so there is nothing "
            "to capture; capture_broadcasts(layer) works for any application"
        )


def _class_spy(
    owner: Any, name: str, replaced: object, *, record: Callable[..., R]
) -> Spy[R]:
    spy = Spy[R](owner, name, replaced)

    def listen(subject: type, *args: Passed, **kwargs: Passed) -> Method | None:
        call = _bound(spy, subject)
        check_call(call, args, kwargs)
        made = record(*args, **kwargs)
        if spy.hear(made):
            return partial(call, *args, **kwargs)
        if replaced is ABSENT:
            _tell_ancestors(spy, subject, made)
        return None

    stand_in = stand_in_for(spy, getattr(owner, name), listen, nullcontext)
    spy.stand_in = classmethod(stand_in)
    return spy


def _bound(spy: Spy[R], subject: type) -> Method:
    """The real method, bound to the class through which it was called."""
    found: Any = spy.replaced
    if found is ABSENT:
        found = next(_inherited(spy, subject))
    bind: Method | None = getattr(found, "__get__", None)
    bound: Method = bind(None, subject) if bind else found
    return bound


def _inherited(spy: Spy[R], subject: type) -> Iterator[Any]:
    """What `super()` finds in the spy's class, and what that would find, and so on."""
    mro: tuple[object, ...] = subject.__mro__
    for ancestor in mro[mro.index(spy.subject) + 1 :]:
        if spy.name in vars(ancestor):
            yield vars(ancestor)[spy.name]


def _tell_ancestors(spy: Spy[R], subject: type, record: R) -> None:
    # They would have heard of the call, had it not been suppressed here.
    for found in _inherited(spy, subject):
        other: Spy[R] | None = spy_in(found)
        if other is not None:
            other.hear(record)
        if other is None or other.replaced is not ABSENT:
            return
