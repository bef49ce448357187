"""Tells whether a signal could make an event loop go on.

A handler in Python runs in the main thread, whatever that waits for, and may call
into any loop. Asked about are the signals that other processes send to one of tests.
"""

import signal
from collections.abc import Callable
from typing import Final

__all__ = ["handled"]


def handled() -> str | None:
    """Say which signal has a handler in Python; None if none has."""
    for number in _SENT:
        if callable(_handler(number)):
            return f"the process listens to {number.name}"
    return None


_NAMES: Final = ("SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGHUP")
_SENT: Final[list[signal.Signals]] = [
    getattr(signal, name) for name in _NAMES if hasattr(signal, name)
]
# Without the enumeration around it, which takes most of its time.
_handler: Callable[[int], object]
_handler = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
