"""Clients that leave one after another, with nothing said between.

What an application tells the others about one that leaves, such as "ann has
left", reaches them when no test can read it any more. So it does not count as
unread. It does as soon as anybody connects or sends something again.
"""

from typing import final
from weakref import WeakKeyDictionary

from wstest_core.quiescence import Watch

__all__ = ["Farewell", "farewell_in"]


@final
class Farewell:
    """When the clients of a loop began to leave, by the loop's clock."""

    __slots__ = ("__weakref__", "began")

    def __init__(self) -> None:
        self.began: float | None = None  # None: nobody is leaving


_of_loops: WeakKeyDictionary[Watch, Farewell] = WeakKeyDictionary()


def farewell_in(watch: Watch) -> Farewell:
    """Return that of a loop, always the same."""
    found = _of_loops.get(watch)
    if found is None:
        found = _of_loops[watch] = Farewell()
    return found
