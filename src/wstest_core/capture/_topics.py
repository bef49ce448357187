"""The events that a topic publishes."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from wstest_core.capture._classes import recording, require_classmethod
from wstest_core.capture._spy import Passed, passed

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
    require_classmethod(
        topic_class, BROADCAST, "capture_topic_broadcasts takes a topic class"
    )
    with recording(topic_class, BROADCAST, _broadcast, suppress=suppress) as captured:
        yield captured


def _broadcast(*args: Passed, **kwargs: Passed) -> CapturedTopicBroadcast:
    topic, event = passed(args, kwargs, 0, "topic"), passed(args, kwargs, 1, "event")
    return CapturedTopicBroadcast(topic, event, kwargs.get("seq"))
