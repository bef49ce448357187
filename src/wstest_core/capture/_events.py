"""The events that a consumer class broadcasts."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from wstest_core.capture._classes import recording, require_classmethod
from wstest_core.capture._spy import Passed, passed

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
    require_classmethod(
        consumer, BROADCAST, "capture_broadcast_events takes a consumer class"
    )
    with recording(consumer, BROADCAST, _event, suppress=suppress) as captured:
        yield captured


def _event(*args: Passed, **kwargs: Passed) -> CapturedEvent:
    event = passed(args, kwargs, 0, "event")
    return CapturedEvent(event, passed(args, kwargs, 1, "groups"))
