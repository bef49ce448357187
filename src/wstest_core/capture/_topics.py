"""The events that a topic publishes."""

import inspect
from collections.abc import Generator
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
    stand_in_for,
)

__all__ = ["CapturedTopicBroadcast", "capture_topic_broadcasts"]

BROADCAST: Final = "broadcast"


@final
@dataclass(frozen=True, slots=True)
class CapturedTopicBroadcast:
    """One event that a topic published: its topic, event and seq, as passed."""

    __module__ = "wstest_core.capture"

    topic: Passed
    event: Passed
    seq: Passed = None


@contextmanager
def capture_topic_broadcasts(
    topic_class: type, *, suppress: bool = True
) -> Generator[list[CapturedTopicBroadcast], None, None]:
    """Record the calls of a topic class's `broadcast` within a block.

    `topic_class` is any class with such a classmethod, async or not: chanx's
    topics have it. With `suppress` the events are recorded and go nowhere.
    Calls through a subclass are recorded too.

    Raises:
        TypeError: when `topic_class` is not such a class.

    Example:
        >>> class Run:
        ...     @classmethod
        ...     def broadcast(cls, topic, event, *, seq=None): ...
        >>> with capture_topic_broadcasts(Run) as captured:
        ...     Run.broadcast("run:1", "done", seq=3)
        >>> captured
        [CapturedTopicBroadcast(topic='run:1', event='done', seq=3)]
    """
    _check_topic(topic_class)
    captured: list[CapturedTopicBroadcast] = []
    with listening(topic_class, BROADCAST, _topic_spy, Ear(captured, suppress)):
        yield captured


def _topic_spy(
    topic_class: Any, name: str, replaced: object
) -> Spy[CapturedTopicBroadcast]:
    spy = Spy[CapturedTopicBroadcast](topic_class, name, replaced)

    def listen(subject: type, *args: Passed, **kwargs: Passed) -> Method | None:
        call = _real(topic_class, subject, replaced)
        check_call(call, args, kwargs)
        topic = passed(args, kwargs, 0, "topic")
        event = passed(args, kwargs, 1, "event")
        record = CapturedTopicBroadcast(topic, event, kwargs.get("seq"))
        return partial(call, *args, **kwargs) if spy.hear(record) else None

    stand_in = stand_in_for(spy, getattr(topic_class, name), listen, nullcontext)
    spy.stand_in = classmethod(stand_in)
    return spy


def _real(topic_class: type, subject: type, replaced: Any) -> Method:
    """The method that was there, bound to the class through which it is called."""
    if replaced is ABSENT:
        mro = subject.__mro__[subject.__mro__.index(topic_class) + 1 :]
        replaced = next(
            vars(each)[BROADCAST] for each in mro if BROADCAST in vars(each)
        )
    bound: Method = replaced.__get__(None, subject)
    return bound


def _check_topic(topic_class: object) -> None:
    if not isinstance(topic_class, type):
        raise TypeError(
            f"capture_topic_broadcasts takes a topic class, not {topic_class!r}"
        )
    found = inspect.getattr_static(topic_class, BROADCAST, None)
    if isinstance(found, FunctionType) or not callable(
        getattr(topic_class, BROADCAST, 0)
    ):
        raise TypeError(
            f"{topic_class.__qualname__} has no classmethod 'broadcast', so there is "
            "nothing to capture; capture_broadcasts(layer) works for any application"
        )
