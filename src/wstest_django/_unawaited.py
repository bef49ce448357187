"""Finds what a test has called of a communicator and never awaited.

Such a call does nothing, and Python only warns of it when it lets go of the
coroutine: a test that is no coroutine itself would pass whatever it says. A
communicator cannot refuse the call, because a plain test may well give the
coroutine to `async_to_sync` or to a loop of its own.
"""

import re
import sys
import warnings
from contextlib import ExitStack
from inspect import currentframe
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, final

from wstest_core.layers import instead
from wstest_django.communicator import WebsocketCommunicator

__all__ = ["Unawaited"]

__unittest = True  # unittest shows no lines of this module

# What Python passes to its hooks.
_Passed: TypeAlias = Any
_OWN: Final = "|".join(
    kind.__qualname__
    for kind in WebsocketCommunicator.__mro__
    if kind.__module__.startswith("wstest_")
)
_WARNING: Final = re.compile(rf"coroutine '(?:{_OWN})\.(\w+)' was never awaited")
_SHOWN: Final = 3


@final
class Unawaited:
    """Fails with RuntimeError at the end of a block that has not awaited a verb.

    `remedy` says what to do about it. Where warnings are ignored, so is this.
    """

    def __init__(self, *, remedy: str) -> None:
        self._remedy = remedy
        self._found: list[str] = []
        self._hooks = ExitStack()

    def __enter__(self) -> Self:
        show, report = warnings.showwarning, sys.unraisablehook

        def warned(
            message: _Passed,
            category: _Passed,
            filename: str,
            lineno: int,
            *rest: _Passed,
        ) -> None:
            if not self._takes(message, f"{filename}:{lineno}"):
                show(message, category, filename, lineno, *rest)

        def raised(unraisable: _Passed) -> None:  # where warnings are errors
            if not self._takes(unraisable.exc_value, _line_of_caller()):
                report(unraisable)

        for home, hook in (
            (warnings, {"showwarning": warned}),
            (sys, {"unraisablehook": raised}),
        ):
            self._hooks.enter_context(instead(home.__dict__, hook))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._hooks.close()
        if not self._found:
            return
        calls = ", ".join(self._found[:_SHOWN])
        more = len(self._found) - _SHOWN
        if more > 0:
            calls += f" and {more} more"
        raise RuntimeError(
            f"never awaited, so nothing was done: {calls}. {self._remedy}"
        )

    def _takes(self, warning: _Passed, place: str) -> bool:
        verb = _WARNING.match(str(warning))
        if verb is None or not isinstance(warning, RuntimeWarning):
            return False
        self._found.append(f"{verb[1]}() at {place}")
        return True


def _line_of_caller() -> str:
    """Return where the code stands that a hook of Python's was called in."""
    frame = currentframe()
    for _ in range(2):
        frame = None if frame is None else frame.f_back
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
