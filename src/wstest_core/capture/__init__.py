"""What an application broadcasts, recorded where it asks for it."""

from wstest_core.capture._events import CapturedEvent, capture_broadcast_events
from wstest_core.capture._layers import CapturedMessage, capture_broadcasts
from wstest_core.capture._topics import (
    CapturedTopicBroadcast,
    capture_topic_broadcasts,
)

__all__ = [
    "CapturedEvent",
    "CapturedMessage",
    "CapturedTopicBroadcast",
    "capture_broadcast_events",
    "capture_broadcasts",
    "capture_topic_broadcasts",
]
