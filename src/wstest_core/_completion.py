"""Turns a consumer's completion messages on while somebody tests it."""

from typing import Final

__all__ = ["has_switch", "turn_off", "turn_on"]

_SWITCH: Final = "send_completion"
_MISSING: Final = object()
# consumer class -> (how many communicators want it, what was there before)
_wanted: dict[type[object], tuple[int, object]] = {}


def has_switch(consumer: object) -> bool:
    """Whether a consumer class can be told to send completion messages."""
    if not isinstance(consumer, type):
        return False
    return any(
        _SWITCH in vars(ancestor)
        or _SWITCH in vars(ancestor).get("__annotations__", {})
        for ancestor in consumer.__mro__
    )


def turn_on(consumer: type[object]) -> None:
    """Make a consumer class send completion messages. Counted."""
    count, before = _wanted.get(consumer, (0, vars(consumer).get(_SWITCH, _MISSING)))
    _wanted[consumer] = (count + 1, before)
    if count == 0:
        setattr(consumer, _SWITCH, True)


def turn_off(consumer: type[object]) -> None:
    """Undo one `turn_on`; after the last the class is as it was found."""
    count, before = _wanted[consumer]
    if count > 1:
        _wanted[consumer] = (count - 1, before)
        return
    del _wanted[consumer]
    if before is _MISSING:
        delattr(consumer, _SWITCH)
    else:
        setattr(consumer, _SWITCH, before)
