"""The steps of an async test, in one event loop."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar
from unittest import SkipTest

from wstest_django._sockets import add_later

__all__ = ["async_test", "errors_of", "errors_of_steps", "raise_first"]

P = ParamSpec("P")
R = TypeVar("R")
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
        raise_first(await errors_of_steps(set_up, run, tear_down))
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
        return [error]
    return []


def raise_first(errors: list[BaseException]) -> None:
    """Raise the first error; what came later is shown beneath it."""
    serious = [each for each in errors if not isinstance(each, SkipTest)] or errors
    if not serious:
        return
    first, *later = serious
    for error in later:
        add_later(first, error)
    raise first
