"""Turns a consumer's completion messages on while somebody tests it."""

import sys
from typing import Final

__all__ = ["has_switch", "turn_off", "turn_on"]

_SWITCH: Final = "send_completion"
_MISSING: Final = object()
# consumer class -> (how many communicators want it, what was there before)
_wanted: dict[type[object], tuple[int, object]] = {}


def has_switch(consumer: object) -> bool:
    """Whether a consumer class can be told to send completion messages.

    chanx's, in a Django project, are told by its settings, which hold in tests.
    """
    if not isinstance(consumer, type) or _told_by_settings(consumer):
        return False
    return any(
        _SWITCH in vars(ancestor)
        or _SWITCH in vars(ancestor).get("__annotations__", {})
        for ancestor in consumer.__mro__
    )


def _told_by_settings(consumer: type[object]) -> bool:
    of_chanx = any(each.__module__.startswith("chanx.") for each in consumer.__mro__)
    check = sys.modules.get("chanx.core.check")
    return of_chanx and bool(getattr(check, "IS_USING_DJANGO", False))


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
