"""The events of a client that its application has not been given yet."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final, Literal, TypeAlias, TypeGuard, cast, final

from wstest_core.events import Frame

__all__ = ["Kind", "Waiting", "WaitingEvents", "event_of", "is_kind"]

Kind: TypeAlias = Literal[
    "websocket.connect", "websocket.receive", "websocket.disconnect"
]
KINDS: Final[tuple[Kind, ...]] = (
    "websocket.connect",
    "websocket.receive",
    "websocket.disconnect",
)
_FRAME: Final = ("text", "bytes")
# What a test gives: JSON, and whatever it gives by mistake.
Given: TypeAlias = Any


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    """An event; `order` is its number on its path, if it has one."""

    kind: Kind
    path: str
    query: str
    frame: Frame | None
    code: int
    order: int | None


def is_kind(name: str) -> TypeGuard[Kind]:
    """Whether a name is that of an event, and not of a channel.

    Raises:
        ValueError: for one that begins like an event.
    """
    if name.startswith("websocket.") and name not in KINDS:
        raise ValueError(f"{name!r} is no event of a client: it sends {_listed(KINDS)}")
    return name in KINDS


def event_of(kind: Kind, content: Given, **given: Given) -> Waiting:
    """Make an event of what `WSClient.send` was given.

    As in Channels 1, `content` may say all, but where a frame is given, too, it
    is that one.

    Raises:
        ValueError: if it cannot be one; TypeError likewise.
    """
    found: dict[str, Given] = {**given, "code": 1000, "order": None}
    _require_known(kind, content, found)
    found |= content
    found |= {name: given[name] for name in _FRAME if given[name] is not None}
    path, mark, query = found.pop("path").partition("?")
    frame = _frame(*map(found.pop, _FRAME))
    if (frame is None) == (kind == "websocket.receive"):
        raise ValueError(f"{kind} takes {'a' if frame is None else 'no'} frame")
    for name in ("code", "order"):
        _require_number(name, found[name])
    return Waiting(kind, path, mark + query, frame, **found)


@final
class WaitingEvents:
    """Gives events back as they were put in, and numbered ones by their number.

    Numbers count from 0, which is the connecting, and anew for each connection
    of a path. One that comes too early is held until it is released.
    """

    def __init__(self) -> None:
        self._queue: list[Waiting] = []
        self._held: list[Waiting] = []
        self._numbers: dict[str, set[int]] = {}  # by path, all that were given out
        self._next: dict[str, int] = {}  # by path, the number that may pass

    def put(self, event: Waiting, *, numbered: bool = False) -> None:
        """Let an event wait; `numbered` gives it the lowest number that is free.

        Raises:
            ValueError: if its number has been given out already.
        """
        given = self._numbers.setdefault(event.path, set())
        free = next(each for each in count() if each not in given)
        if numbered and event.order is None:
            event = replace(event, order=free)
        if event.order in given:
            raise ValueError(
                f"{event.path!r} has had an event with order {event.order}: the next "
                f"is {free}"
            )
        if event.order is not None:
            given.add(event.order)
        self._queue.append(event)

    def has(self, kind: Kind) -> bool:
        return any(each.kind == kind for each in self._queue)

    def take(self, kind: Kind) -> Iterator[Waiting]:
        """Take the next event of a kind that may pass, with all it lets pass.

        There is none where each has to wait for a lower number: the next is
        held then.
        """
        of_kind = [each for each in self._queue if each.kind == kind]
        taken = next(filter(self._may_pass, of_kind), of_kind[0])
        self._queue.remove(taken)
        if taken.order is None:
            yield self._passing(taken)
        else:
            self._held.append(taken)
        while due := self._due(taken.path):
            self._held.remove(due)
            yield self._passing(due)

    def forget(self, path: str) -> None:
        """Begin anew on a path whose connection has ended: nothing is held."""
        self._held = [each for each in self._held if each.path != path]
        self._next.pop(path, None)
        self._numbers[path] = self._numbers_in(path)

    def _passing(self, event: Waiting) -> Waiting:
        if event.kind == "websocket.connect":
            self._next[event.path] = 1
            self._numbers[event.path] = {0, *self._numbers_in(event.path)}
        elif event.order is not None:
            self._next[event.path] = event.order + 1
        return event

    def _may_pass(self, event: Waiting) -> bool:
        return event.order in (None, self._next.get(event.path, 0))

    def _due(self, path: str) -> Waiting | None:
        held = [each for each in self._held if each.path == path]
        return next(filter(self._may_pass, held), None)

    def _numbers_in(self, path: str) -> set[int]:
        waiting = [e for e in (*self._queue, *self._held) if e.path == path]
        return {each.order for each in waiting if each.order is not None}


def _require_known(kind: Kind, content: Given, known: dict[str, Given]) -> None:
    if not isinstance(content, dict):
        raise TypeError(
            f"content is a dict, not {content!r}: a path is given as path={content!r}"
        )
    names = cast("dict[str, Given]", content)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"{kind} takes no {_listed(unknown)}: content may have {_listed(known)}"
        )


def _frame(text: Given, binary: Given) -> Frame | None:
    if binary is not None and not isinstance(binary, bytes):
        raise TypeError(f"bytes={binary!r} is no binary frame: give text=, or bytes")
    if text is None:
        return binary
    if binary is not None:
        raise ValueError("a frame has text or bytes, not both")
    if isinstance(text, bytes):
        raise TypeError(f"text={text!r} is a binary frame: give bytes=")
    return text if isinstance(text, str) else json.dumps(text)


def _require_number(name: str, number: Given) -> None:
    if number is None and name == "order":
        return
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"{name} is a number from 0, not {number!r}")


def _listed(names: Given) -> str:
    return ", ".join(map(repr, names))
