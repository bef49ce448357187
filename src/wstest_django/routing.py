"""Gives tests another application than the project's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from inspect import isclass, iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, cast, final
from unittest import TestCase

from channels.auth import AuthMiddlewareStack
from channels.consumer import AsyncConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from django.urls import URLPattern, re_path

from wstest_core.drivers import AsgiApplication
from wstest_django.applications import applying

__all__ = ["apply_routes"]

# A route, an application, a consumer, or consumers by the names of channels.
Route: TypeAlias = Any
_Routes: TypeAlias = list[URLPattern]
T = TypeVar("T", bound=Callable[..., Any])


@final
class apply_routes:  # noqa: N801 - Channels' name, and used as a function
    """Let tests use these routes instead of the project's.

    A context manager, and a decorator of test methods and of test classes.
    `routes` is one of the following:

    - `path()` and `re_path()` of consumers, for WebSockets;
    - a consumer, which takes WebSockets of every path that no route takes;
    - a dict of channel names and consumers, for background messages;
    - a whole application, taken as it is;
    - a list of these.

    Routes and consumers see users and sessions, as behind
    `AuthMiddlewareStack`. What the routes say nothing of (WebSockets, or
    background messages) remains what it was. Blocks may be nested, and put
    back what was there.

    Raises:
        TypeError: for what is none of these.
    """

    __module__ = "wstest_django"

    def __init__(self, routes: Route | Iterable[Route]) -> None:
        self._applications = list(_applications(_flat(routes)))
        if not self._applications:
            raise TypeError("apply_routes was given no route")
        self._blocks: list[Any] = []

    def __enter__(self) -> Self:
        block = applying(self._applications)
        block.__enter__()
        self._blocks.append(block)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._blocks.pop().__exit__(kind, error, where)

    def __call__(self, decorated: T) -> T:
        """Decorate a test, or each test of a class with all that surrounds it."""
        if isclass(decorated) and issubclass(decorated, TestCase):
            _around_a_class(decorated, self)
            return cast("T", decorated)
        return cast("T", self._around(decorated))

    def _around(self, test: Callable[..., Any]) -> Callable[..., Any]:
        if not iscoroutinefunction(test):

            @wraps(test)
            def plain(*args: object, **kwargs: object) -> object:
                with self:
                    return test(*args, **kwargs)

            return plain

        @wraps(test)
        async def run(*args: object, **kwargs: object) -> object:
            with self:
                return await test(*args, **kwargs)

        return run


def _around_a_class(tests: type[TestCase], routes: apply_routes) -> None:
    before: Any = tests.setUpClass

    def set_up(cls: type[TestCase]) -> None:
        cls.enterClassContext(routes)
        before.__func__(cls)  # for a class that derives from this one, its own
        cls.enterClassContext(routes)  # over those of a class that it derives from

    setattr(tests, "setUpClass", classmethod(set_up))  # noqa: B010


def _flat(routes: Route) -> Iterator[Route]:
    if _are_several(routes):
        for route in routes:
            yield from _flat(route)
    else:
        yield routes


def _are_several(routes: Route) -> bool:
    is_one = isinstance(routes, str | Mapping) or callable(routes)
    return isinstance(routes, Iterable) and not is_one


def _applications(routes: Iterable[Route]) -> Iterator[AsgiApplication]:
    patterns: _Routes = []
    names: dict[str, AsgiApplication] = {}
    for route in routes:
        if isinstance(route, URLPattern):
            _require_application(route, route.callback)
            patterns.append(route)
        elif isinstance(route, Mapping):
            found = cast("Mapping[str, Route]", route)
            names |= {name: _application(each) for name, each in found.items()}
        elif _is_consumer(route):
            patterns.append(re_path("", _application(route)))
        elif isinstance(route, URLRouter):
            yield ProtocolTypeRouter({"websocket": route})
        elif isinstance(route, ChannelNameRouter):
            yield ProtocolTypeRouter({"channel": route})
        elif callable(route):
            yield route
        else:
            raise TypeError(
                f"{route!r} is no route: give path() or re_path(), a consumer, a dict "
                "of channel names and consumers, or an ASGI application"
            )
    protocols: dict[str, Any] = {}
    if patterns:
        protocols["websocket"] = AuthMiddlewareStack(URLRouter(cast("Any", patterns)))
    if names:
        protocols["channel"] = ChannelNameRouter(names)
    if protocols:
        yield ProtocolTypeRouter(protocols)


def _is_consumer(route: Route) -> bool:
    return _is_class(getattr(route, "consumer_class", route))


def _is_class(route: Route) -> bool:
    return isclass(route) and issubclass(route, AsyncConsumer)


def _application(route: Route) -> AsgiApplication:
    found: Route = route.as_asgi() if _is_class(route) else route
    _require_application(route, found)
    return cast("AsgiApplication", found)


def _require_application(route: Route, application: Route) -> None:
    if _is_class(application):
        name = application.__name__
        raise TypeError(f"{route!r} leads to the class {name}: give {name}.as_asgi()")
    if not callable(application):
        raise TypeError(f"{route!r} is no consumer and no ASGI application")
