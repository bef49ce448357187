"""The events of a client that its application has not been given yet."""

from dataclasses import dataclass
from itertools import count
from typing import Final, Literal, TypeAlias, final

from wstest_core.events import Frame

__all__ = ["KINDS", "Kind", "Waiting", "WaitingEvents"]

Kind: TypeAlias = Literal[
    "websocket.connect", "websocket.receive", "websocket.disconnect"
]
KINDS: Final[tuple[Kind, ...]] = (
    "websocket.connect",
    "websocket.receive",
    "websocket.disconnect",
)


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    """An event; `order` is its number on its path, if it has one."""

    kind: Kind
    path: str
    frame: Frame | None
    code: int
    order: int | None


@final
class WaitingEvents:
    """Gives events back as they were put in, and numbered ones by their number.

    Numbers count from 0 on each path, and begin again after a disconnect.
    """

    def __init__(self) -> None:
        self._events: list[Waiting] = []
        self._numbers: dict[str, set[int]] = {}  # by path, all that were given out
        self._taken: dict[str, int] = {}  # by path, how many numbers

    def put(
        self,
        kind: Kind,
        path: str,
        frame: Frame | None,
        *,
        code: int,
        order: int | None,
    ) -> None:
        if order is not None:
            self._numbers.setdefault(path, set()).add(order)
        self._events.append(Waiting(kind, path, frame, code, order))

    def next_number(self, path: str) -> int:
        """Return the lowest number of a path that no event has had."""
        used = self._numbers.get(path, set[int]())
        return next(each for each in count() if each not in used)

    def has(self, kind: Kind) -> bool:
        return any(each.kind == kind for each in self._events)

    def take(self, kind: Kind) -> list[Waiting]:
        """Take the next event of a kind, with all numbered ones it lets pass.

        It is empty where the next one has to wait for a lower number.
        """
        first = next(each for each in self._events if each.kind == kind)
        if first.order is None:
            self._events.remove(first)
            return [first]
        return self._take_in_order(first.path)

    def _take_in_order(self, path: str) -> list[Waiting]:
        taken: list[Waiting] = []
        while True:
            number = self._taken.get(path, 0)
            found = [e for e in self._events if e.path == path and e.order == number]
            if not found:
                return taken
            self._events.remove(found[0])
            taken.append(found[0])
            self._taken[path] = number + 1
            if found[0].kind == "websocket.disconnect":
                del self._taken[path], self._numbers[path]
                return taken
