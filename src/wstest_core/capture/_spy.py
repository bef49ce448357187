"""Standing in for a method while captures are open.

Any number of captures may be open on one subject, and close in any order:
each records every call, and a call goes through if none of them suppresses
it. The last to close puts back what the first one found, where it found it.
"""

import inspect
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final, Generic, TypeAlias, TypeVar

# Methods of applications and layers, whatever they take and return.
Method: TypeAlias = Callable[..., Any]
# What applications pass to them.
Passed: TypeAlias = Any
Arguments: TypeAlias = tuple[Passed, ...]
Keywords: TypeAlias = dict[str, Passed]

R = TypeVar("R")

__all__ = [
    "ABSENT",
    "Ear",
    "Method",
    "Passed",
    "Spy",
    "check_call",
    "listening",
    "passed",
    "spy_in",
    "stand_in_for",
]

ABSENT: Final = object()
_MARK: Final = "__wstest_spy__"
_installing: Final = threading.Lock()


@dataclass(slots=True, eq=False)
class Ear(Generic[R]):
    """One open capture."""

    records: list[R]
    suppress: bool


@dataclass(slots=True, eq=False)
class Spy(Generic[R]):
    """What stands in for one attribute of one subject."""

    subject: object
    name: str
    replaced: object
    stand_in: object = None
    ears: list[Ear[R]] = field(default_factory=list[Ear[R]])

    def hear(self, record: R) -> bool:
        """Record a call, and say whether it is to go through."""
        ears = tuple(self.ears)
        for ear in ears:
            ear.records.append(record)
        return not any(ear.suppress for ear in ears)


@contextmanager
def listening(
    subject: object,
    name: str,
    make: Callable[[object, str, object], Spy[R]],
    ear: Ear[R],
) -> Generator[None, None, None]:
    """Let `ear` hear the calls of an attribute within a block."""
    with _installing:
        found = vars(subject).get(name, ABSENT)
        spy: Spy[R] | None = spy_in(found)
        if spy is None:
            spy = make(subject, name, found)
            setattr(subject, name, spy.stand_in)
        spy.ears.append(ear)
    try:
        yield
    finally:
        with _installing:
            spy.ears.remove(ear)
            # Where somebody else has replaced the stand-in meanwhile, theirs
            # stays; what they call is a stand-in that nobody listens to.
            if not spy.ears and vars(subject).get(name) is spy.stand_in:
                _put_back(spy)


def _put_back(spy: Spy[R]) -> None:
    if spy.replaced is ABSENT:
        delattr(spy.subject, spy.name)
    else:
        setattr(spy.subject, spy.name, spy.replaced)


def spy_in(attribute: Passed) -> Any:
    """The spy whose stand-in this is, if it is one."""
    function: object = getattr(attribute, "__func__", attribute)
    return vars(function).get(_MARK) if isinstance(function, FunctionType) else None


def stand_in_for(
    spy: Spy[R],
    like: Method,
    listen: Callable[..., Method | None],
    during: Callable[[], AbstractContextManager[None]],
) -> Method:
    """A function, async where `like` is, that calls what `listen` hands it."""

    async def async_stand_in(*args: Any, **kwargs: Any) -> Any:
        call = listen(*args, **kwargs)
        if call is not None:
            with during():
                return await call()

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        call = listen(*args, **kwargs)
        if call is not None:
            with during():
                return call()

    # A coroutine function must stay one: async_to_sync() looks.
    made = async_stand_in if inspect.iscoroutinefunction(like) else stand_in
    vars(made)[_MARK] = spy
    return made


def passed(args: Arguments, kwargs: Keywords, index: int, keyword: str) -> Passed:
    """An argument, by position or by keyword, or None."""
    return args[index] if len(args) > index else kwargs.get(keyword)


def check_call(call: Method, args: Arguments, kwargs: Keywords) -> None:
    """Refuse what the method would refuse, also where it is suppressed."""
    try:
        signature = inspect.signature(call)
    except ValueError:
        return
    signature.bind(*args, **kwargs)
