"""When a collection of messages is complete.

A stop is a value: it asks a question of what was collected so far and keeps
nothing, so one stop serves any number of collections, and stops join with
`|` into one that is met when any of them is.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Protocol, TypeAlias, final

from wstest_core.constants import COMPLETE_ACTIONS, action_of

__all__ = [
    "Stop",
    "on_action",
    "on_close",
    "on_count",
    "on_match",
    "on_type",
    "when_quiet",
]


# What isinstance() takes and no type checker can spell: `Callable` too.
_Kind: TypeAlias = Any
# Only the test knows the class of its messages, and so what it may ask them.
_Message: TypeAlias = Any


class _Question(Protocol):
    def met(self, messages: Sequence[object], /) -> bool: ...


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop collecting. Made by the `on_...` functions and `|`.

    `at_end`: the end of the connection counts as reached. `quiet`: so many
    seconds without a message count as reached.

    Example:
        >>> stop = on_action("done") | on_count(10) | on_close()
        >>> str(stop)
        "action 'done' or 10 messages or the close"
        >>> stop.met([{"action": "token"}, {"action": "done"}])
        True
    """

    __module__ = "wstest_core"

    questions: tuple[_Question, ...] = ()
    at_end: bool = False
    quiet: float | None = None

    def met(self, messages: Sequence[object]) -> bool:
        """Whether the newest of `messages` completes them.

        `messages` are in the order received, completion messages included.
        To be asked after each one.
        """
        # A loop and not any(): this runs once for every message of a burst.
        for question in self.questions:  # noqa: SIM110
            if question.met(messages):
                return True
        return False

    def __or__(self, other: "Stop") -> "Stop":
        require_stop(other, "a stop joins with another stop")
        quiets = [each.quiet for each in (self, other) if each.quiet is not None]
        return Stop(
            questions=self.questions + other.questions,
            at_end=self.at_end or other.at_end,
            quiet=min(quiets, default=None),
        )

    def __str__(self) -> str:
        words = [str(question) for question in self.questions]
        if self.at_end:
            words.append("the close")
        if self.quiet is not None:
            words.append(f"{self.quiet:g} s of silence")
        return " or ".join(words) or "nothing"


def on_action(name: str, *, field: str = "action") -> Stop:
    """Stop at a message whose `action` (or other `field`) is `name`."""
    _require(name, str, "on_action takes the action's name as a str")
    _require(field, str, "on_action takes the field's name as a str")
    return Stop((_Action(name, field),))


def on_type(model: type | UnionType) -> Stop:
    """Stop at a message of this class, or of one of this union's."""
    try:
        isinstance(None, model)
    except TypeError:
        raise TypeError(
            f"on_type takes a class that isinstance() understands, not {model!r}"
        ) from None
    return Stop((_Type(model),))


def on_count(number: int) -> Stop:
    """Stop at the `number`th message. Completion messages do not count."""
    _require(number, int, "on_count takes a whole number of messages")
    if number < 1:
        raise ValueError(f"on_count takes at least 1 message, not {number}")
    return Stop((_Count(number),))


def on_match(predicate: Callable[[_Message], object]) -> Stop:
    """Stop at a message for which `predicate(message)` is true.

    Completion messages are asked about too. What the predicate raises goes
    to the one who collects.
    """
    _require(predicate, Callable, "on_match takes a function")
    if inspect.iscoroutinefunction(predicate):
        raise TypeError(
            f"on_match takes a plain function, and {_name_of(predicate)} is async: "
            "its answer would be a coroutine, which is always true"
        )
    return Stop((_Match(predicate),))


def on_close() -> Stop:
    """Stop when the application ends the connection."""
    return Stop(at_end=True)


def when_quiet(seconds: float) -> Stop:
    """Stop when nothing has arrived for so many seconds."""
    _require(seconds, int | float, "when_quiet takes a number of seconds")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"when_quiet takes 0 or more seconds, not {seconds}")
    return Stop(quiet=float(seconds))


@dataclass(frozen=True, slots=True)
class _Action:
    name: str
    field: str

    def met(self, messages: Sequence[object], /) -> bool:
        return bool(messages) and action_of(messages[-1], self.field) == self.name

    def __str__(self) -> str:
        return f"{self.field} {self.name!r}"


@dataclass(frozen=True, slots=True)
class _Type:
    model: type | UnionType

    def met(self, messages: Sequence[object], /) -> bool:
        return bool(messages) and isinstance(messages[-1], self.model)

    def __str__(self) -> str:
        return f"a message of type {getattr(self.model, '__name__', self.model)}"


@dataclass(frozen=True, slots=True)
class _Count:
    number: int
    field: str = "action"  # in which completion messages say that they are

    def met(self, messages: Sequence[object], /) -> bool:
        # Only counts when it can be enough, or a long burst would take the
        # square of its length.
        if len(messages) < self.number:
            return False
        actions = (action_of(each, self.field) for each in messages)
        return sum(each not in COMPLETE_ACTIONS for each in actions) >= self.number

    def __str__(self) -> str:
        return "1 message" if self.number == 1 else f"{self.number} messages"


@dataclass(frozen=True, slots=True)
class _Match:
    predicate: Callable[[_Message], object]

    def met(self, messages: Sequence[object], /) -> bool:
        return bool(messages) and bool(self.predicate(messages[-1]))

    def __str__(self) -> str:
        return f"a message that satisfies {_name_of(self.predicate)}"


def said_in(field: str, stop: Stop) -> Stop:
    """The same stop, for messages that say what they are in another field."""
    if field == "action":
        return stop
    questions = tuple(
        replace(each, field=field) if isinstance(each, _Count) else each
        for each in stop.questions
    )
    return replace(stop, questions=questions)


def require_stop(value: object, rule: str) -> Stop:
    """Return a stop, or raise TypeError with what makes one of such a value."""
    if isinstance(value, Stop):
        return value
    raise TypeError(f"{rule}, not {_advice(value)}")


def _advice(value: object) -> str:
    match value:
        case str():
            return (
                f"{value!r}: on_action({value!r}), "
                f'on_action({value!r}, field="type") or on_match(...)'
            )
        case type():
            return f"the class {value.__name__}: on_type({value.__name__})"
        case _ if callable(value):
            return f"{_name_of(value)}: on_match(...) makes one of a function"
        case int():
            return f"{value!r}: on_count({value!r})"
        case _:
            kind = type(value).__name__
            return f"a {kind}: on_action('done') makes one, or on_match(...)"


def _name_of(function: object) -> str:
    name = getattr(function, "__name__", None) or f"a {type(function).__name__}"
    if name != "<lambda>":
        return str(name)
    code = getattr(function, "__code__", None)
    place = getattr(code, "co_filename", "?").replace("\\", "/").rpartition("/")[2]
    return f"the lambda at {place}:{getattr(code, 'co_firstlineno', '?')}"


def _require(value: object, kind: _Kind, rule: str) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{rule}, not {value!r}")
