"""The events that a consumer class broadcasts."""

import inspect
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any, Final, final

from wstest_core.capture._spy import (
    ABSENT,
    Ear,
    Method,
    Passed,
    Spy,
    check_call,
    listening,
    passed,
    spy_in,
    stand_in_for,
)

__all__ = ["CapturedEvent", "capture_broadcast_events"]

BROADCAST: Final = "broadcast_event"


@final
@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One call of `broadcast_event`: its event and its groups, as passed.

    `groups` is None where none were passed.
    """

    __module__ = "wstest_core.capture"

    event: Passed
    groups: Passed = None


@contextmanager
def capture_broadcast_events(
    consumer: type, suppress: bool = True
) -> Generator[list[CapturedEvent], None, None]:
    """Record the calls of a class's `broadcast_event` within a block.

    `consumer` is any class with such a classmethod, async or not. With
    `suppress` the events are recorded and go nowhere. Calls through a
    subclass are recorded too; a subclass that defines the method anew is
    recorded where its method calls `super()`.

    Raises:
        TypeError: when `consumer` is not such a class.

    Example:
        >>> class Chat:
        ...     @classmethod
        ...     def broadcast_event(cls, event, groups=None): ...
        >>> with capture_broadcast_events(Chat) as captured:
        ...     Chat.broadcast_event("joined", groups=["room"])
        >>> captured
        [CapturedEvent(event='joined', groups=['room'])]
    """
    _check_consumer(consumer)
    captured: list[CapturedEvent] = []
    with listening(consumer, BROADCAST, _class_spy, Ear(captured, suppress)):
        yield captured


def _class_spy(consumer: Any, name: str, replaced: object) -> Spy[CapturedEvent]:
    spy = Spy[CapturedEvent](consumer, name, replaced)

    def listen(subject: type, *args: Passed, **kwargs: Passed) -> Method | None:
        call = _bound(replaced, consumer, subject)
        check_call(call, args, kwargs)
        event = passed(args, kwargs, 0, "event")
        record = CapturedEvent(event, passed(args, kwargs, 1, "groups"))
        if spy.hear(record):
            return partial(call, *args, **kwargs)
        if replaced is ABSENT:
            _tell_ancestors(consumer, subject, record)
        return None

    stand_in = stand_in_for(spy, getattr(consumer, name), listen, nullcontext)
    spy.stand_in = classmethod(stand_in)
    return spy


def _bound(replaced: Any, consumer: type, subject: type) -> Method:
    """The real method, bound to the class through which it was called."""
    found = next(_inherited(consumer, subject)) if replaced is ABSENT else replaced
    bind: Method | None = getattr(found, "__get__", None)
    bound: Method = bind(None, subject) if bind else found
    return bound


def _inherited(consumer: type, subject: type) -> Iterator[Any]:
    """What `super()` finds in `consumer`, and what that would find, and so on."""
    mro = subject.__mro__
    for ancestor in mro[mro.index(consumer) + 1 :]:
        if BROADCAST in vars(ancestor):
            yield vars(ancestor)[BROADCAST]


def _tell_ancestors(consumer: type, subject: type, record: CapturedEvent) -> None:
    # They would have heard of the call, had it not been suppressed here.
    for found in _inherited(consumer, subject):
        spy: Spy[CapturedEvent] | None = spy_in(found)
        if spy is not None:
            spy.hear(record)
        if spy is None or spy.replaced is not ABSENT:
            return


def _check_consumer(consumer: object) -> None:
    if not isinstance(consumer, type):
        raise TypeError(
            f"capture_broadcast_events takes a consumer class, not {consumer!r}"
        )
    found = inspect.getattr_static(consumer, BROADCAST, None)
    if isinstance(found, FunctionType) or not callable(getattr(consumer, BROADCAST, 0)):
        raise TypeError(
            f"{consumer.__qualname__} has no classmethod 'broadcast_event', so there "
            "is nothing to capture; capture_broadcasts(layer) works for any consumer"
        )
