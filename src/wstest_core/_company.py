"""The clients that are connected in one event loop.

Clients often leave one after another, with nothing said between. What an
application tells the others about one that leaves, such as "ann has left",
reaches them when no test can read it any more. So it does not count as unread.
It does as soon as anybody connects, sends or receives again.

Clients without a name of their own are told apart by a number, from the second
that is there at once.
"""

from heapq import heappop, heappush
from typing import final
from weakref import WeakKeyDictionary

from wstest_core.quiescence import Watch

__all__ = ["Company", "company_in"]


@final
class Company:
    """Who is there, and whether they are leaving."""

    __slots__ = ("__weakref__", "_free", "_numbers", "leaving_since")

    def __init__(self) -> None:
        # When its clients began to leave, by the loop's clock; None: nobody does.
        self.leaving_since: float | None = None
        self._numbers = 0  # that were given out, or are free again
        self._free: list[int] = []

    def take_number(self) -> int:
        """Return the lowest number, 1 or more, that no nameless client has."""
        if self._free:
            return heappop(self._free)
        self._numbers += 1
        return self._numbers

    def give_back(self, number: int) -> None:
        """Let another client have a number."""
        heappush(self._free, number)


_of_loops: WeakKeyDictionary[Watch, Company] = WeakKeyDictionary()


def company_in(watch: Watch) -> Company:
    """Return that of a loop, always the same."""
    found = _of_loops.get(watch)
    if found is None:
        found = _of_loops[watch] = Company()
    return found
