"""Names the place where code stands, and puts it in words."""

import gc
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType, FrameType
from typing import TypeAlias, final

__all__ = [
    "Place",
    "Spot",
    "awaited_frames",
    "is_users",
    "place",
    "spot",
    "spot_of_function",
    "users_frame",
]

# Module and qualified name of a function: ("asyncio.queues", "Queue.get").
Place: TypeAlias = tuple[str, str]

_LIBRARIES = tuple(
    f"{os.sep}{part}{os.sep}" for part in ("site-packages", "dist-packages")
)
_STANDARD = os.path.dirname(os.__file__) + os.sep
# This package's and its adapters' folders begin alike.
_OURS = os.path.dirname(os.path.dirname(__file__)).removesuffix("core")


@final
@dataclass(frozen=True, slots=True)
class Spot:
    """A line of code; its text is made when somebody reads it, for it costs."""

    code: CodeType
    line: int | None

    def __str__(self) -> str:
        return f"in {self.code.co_name}() at {_short(self.code)}:{self.line}"


def place(frame: FrameType) -> Place:
    """Return the place of a frame."""
    return frame.f_globals.get("__name__", ""), frame.f_code.co_qualname


def spot(frame: FrameType) -> str:
    """Return "in f() at a.py:3" for a frame."""
    return str(Spot(frame.f_code, frame.f_lineno))


def spot_of_function(function: object) -> str | None:
    """Return "in f() at a.py:3" for a function that is not Python's own."""
    while isinstance(function, partial):
        function = function.func
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None or not _is_foreign(code.co_filename):
        return None
    return str(Spot(code, code.co_firstlineno))


def awaited_frames(awaitable: object) -> Iterator[FrameType]:
    """Yield the frames of a suspended coroutine, from outer to inner."""
    while awaitable is not None:
        for kind, inner in _INNER.items():
            frame: FrameType | None = getattr(awaitable, f"{kind}_frame", None)
            if frame is not None:
                yield frame
                awaitable = getattr(awaitable, inner, None)
                break
        else:
            awaitable = _wrapped(awaitable)


def users_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """Return the innermost frame that is neither a library's nor Python's.

    Where there is none, a library's, and else the innermost of all. `frames`
    go from outer to inner.
    """
    ordered = list(frames)
    for is_wanted in (is_users, _is_foreign):
        for frame in reversed(ordered):
            if is_wanted(frame.f_code.co_filename):
                return frame
    return ordered[-1] if ordered else None


def _wrapped(awaitable: object) -> object:
    """Return what an object of Python's own awaits, which it does not tell."""
    kind = type(awaitable)
    if (kind.__module__, kind.__name__) not in _WRAPPERS:
        return None
    return next(iter(gc.get_referents(awaitable)), None)


def is_users(filename: str) -> bool:
    """Whether a file is neither a library's nor Python's."""
    return _is_foreign(filename) and not any(part in filename for part in _LIBRARIES)


def _is_foreign(filename: str) -> bool:
    if any(part in filename for part in _LIBRARIES):
        return not filename.startswith(_OURS)
    return not filename.startswith((_STANDARD, _OURS, "<frozen"))


def _short(code: CodeType) -> str:
    filename = code.co_filename
    try:
        relative = os.path.relpath(filename)
    except (ValueError, OSError):  # another drive, on Windows; no working directory
        return filename
    return filename if relative.startswith(os.pardir) else relative


# What tells which awaitable a suspended one awaits.
_INNER = {"cr": "cr_await", "gi": "gi_yieldfrom", "ag": "ag_await"}
# What `__await__` of a coroutine gives, and `__anext__` of an asynchronous generator.
_WRAPPERS: frozenset[Place] = frozenset(
    {
        ("builtins", "coroutine_wrapper"),
        ("builtins", "async_generator_asend"),
        ("builtins", "async_generator_athrow"),
    }
)
