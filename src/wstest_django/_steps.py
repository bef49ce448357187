"""The steps of an async test, in one event loop."""

from collections.abc import Awaitable, Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeAlias, TypeVar
from unittest import SkipTest

from asgiref.sync import async_to_sync

from wstest_core.errors import WebSocketTestError, hidden
from wstest_django._notes import add_later

__all__ = ["async_test", "errors_of", "errors_of_steps", "in_one_loop", "in_plain_code"]

__unittest = True  # unittest shows no lines of this module

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=BaseException)
_Step: TypeAlias = Callable[[], Awaitable[object]]


def async_test(
    function: Callable[P, Awaitable[R]],
) -> Callable[P, Awaitable[R]]:
    """Run `asyncSetUp`, an async test and `asyncTearDown`, in one event loop.

    For methods of any `django.test` class; django-rest-live's name. The
    teardown runs also when the test has failed. `WebsocketTestCase` does all
    this by itself, and needs no decorator.
    """
    if getattr(function, "__unittest_skip__", False):
        return function  # a coroutine function would hide the mark from unittest

    @wraps(function)
    async def test(*args: P.args, **kwargs: P.kwargs) -> R:
        self: Any = args[0]
        if getattr(self, "_runs_async_steps", False):
            return await function(*args, **kwargs)
        results: list[R] = []

        async def run() -> None:
            results.append(await function(*args, **kwargs))

        set_up = getattr(self, "asyncSetUp", _nothing)
        tear_down = getattr(self, "asyncTearDown", _nothing)
        _raise_first(await errors_of_steps(set_up, run, tear_down))
        return results[0]

    return test


async def _nothing() -> None:
    return


async def errors_of_steps(
    set_up: _Step, test: _Step, tear_down: _Step
) -> list[BaseException]:
    """Run a test between its set-up and its teardown; return what they raised."""
    errors = await errors_of(set_up)
    if not errors:
        errors += await errors_of(test)
        errors += await errors_of(tear_down)
    return errors


async def errors_of(step: _Step) -> list[BaseException]:
    try:
        await step()
    except BaseException as error:
        return [_cut(error)]
    return []


def in_plain_code(
    test: Callable[[], R], failed: Callable[[Exception], None]
) -> Callable[[], R]:
    """Return a test whose failures end where it has called the library.

    `failed` is told of any other error.
    """

    def run() -> R:
        try:
            return test()
        except WebSocketTestError as error:
            raise _cut(error)  # noqa: B904 - it is the same
        except Exception as error:
            failed(error)
            raise

    return run


def _cut(error: E) -> E:
    """Leave out the library's own lines at the end, as pytest does by itself."""
    if isinstance(error, WebSocketTestError):
        return error.with_traceback(_down_to_the_test(error.__traceback__))
    return error


def _down_to_the_test(traceback: TracebackType | None) -> TracebackType | None:
    if traceback is None:
        return None
    below = _down_to_the_test(traceback.tb_next)
    frame = traceback.tb_frame
    if below is None and frame.f_globals.get("__tracebackhide__") is hidden:
        return None
    return TracebackType(below, frame, traceback.tb_lasti, traceback.tb_lineno)


def in_one_loop(
    run: Callable[[], Awaitable[list[BaseException]]],
) -> Callable[[], None]:
    """Return a function that runs all steps in one loop, and raises outside of it.

    So a traceback goes from the test to the error, without the loop's own lines.
    """

    async def run_all() -> list[BaseException]:
        errors = await run()
        if not all(isinstance(error, Exception) for error in errors):
            _raise_first(errors)  # an interrupt is for the loop to know
        return errors

    return lambda: _raise_first(async_to_sync(run_all)())


def _raise_first(errors: list[BaseException]) -> None:
    """Raise the first error; what came later is shown beneath it."""
    serious = [each for each in errors if not isinstance(each, SkipTest)] or errors
    if not serious:
        return
    first, *later = serious
    for error in later:
        add_later(first, error)
    raise first
