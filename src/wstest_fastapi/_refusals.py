"""Why Starlette, or FastAPI, has refused a connection."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from wstest_core.scope import Scope

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["refusal"]

# A route, or what newer versions of FastAPI show of one in an included router.
_Route: TypeAlias = Any
# What FastAPI says of an argument that it cannot make.
_Error: TypeAlias = Mapping[str, Any]
_SHOWN = 10
_LAYERS = 100  # of middleware, where we stop looking


def refusal(application: object, scope: Scope, reason: object) -> str | None:
    """Say what is known of a refusal: FastAPI's reason, or what the path leads to.

    `scope` is what the connection began with, `reason` what the application
    has closed it with. A reason that is a text is told already.
    """
    if isinstance(reason, list) and reason:
        found = map(_error, cast("list[object]", reason))
        return f"Its reason: {'; '.join(found)}."
    application = _routing(application)
    if application is None:
        return None
    routes: Sequence[BaseRoute] = getattr(application, "routes", ())
    root = getattr(application, "root_path", "") or scope["root_path"]
    route = _chosen(routes, {**scope, "root_path": root})
    if route is None:
        known = _listed(_paths(routes))
        return f"No WebSocket route matches {scope['path']!r}: {known}."
    name = getattr(getattr(route, "endpoint", None), "__name__", None)
    if name is None:
        return None
    return f"The path leads to {name}()."


def _error(error: object) -> str:
    """Return in words one thing that FastAPI has found wrong."""
    if not isinstance(error, dict):
        return str(error)
    found = cast("_Error", error)
    place = ".".join(map(str, found.get("loc", ())))
    return f"{place}: {found.get('msg')}"


def _routing(application: object) -> object:
    """Return what has routes, within the middleware around it, or None."""
    if "starlette.routing" not in sys.modules:
        return None
    from starlette.routing import BaseRoute

    for _ in range(_LAYERS):
        routes: object = getattr(application, "routes", None)
        if isinstance(routes, list):
            first: object = next(iter(cast("list[object]", routes)), None)
            if isinstance(first, BaseRoute):
                return application
        application = getattr(application, "app", None)
    return None


def _chosen(routes: "Iterable[BaseRoute]", scope: Scope) -> _Route | None:
    """Return the route that a router chooses for a WebSocket, as far as is known."""
    from starlette.routing import Match, Route

    for route in _flat(routes):
        if isinstance(_original(route), Route):
            continue
        match, child = route.matches(dict(scope))
        if match is Match.FULL:
            inner = getattr(route, "routes", None)
            return _chosen(inner, {**scope, **child}) if inner else route
    return None


def _paths(routes: "Iterable[BaseRoute]", prefix: str = "") -> Iterator[str]:
    """Yield the paths of all WebSocket routes, those in mounts too."""
    from starlette.routing import WebSocketRoute

    for route in _flat(routes):
        path = f"{prefix}{getattr(route, 'path', None) or ''}"
        if isinstance(_original(route), WebSocketRoute):
            yield path
        else:
            yield from _paths(getattr(route, "routes", None) or (), path)


def _flat(routes: "Iterable[BaseRoute]") -> Iterable[_Route]:
    """Return routes with those of included routers, which FastAPI keeps apart."""
    flat: Callable[[Iterable[BaseRoute]], Iterable[_Route]] | None
    flat = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    return routes if flat is None else flat(routes)


def _original(route: _Route) -> object:
    return getattr(route, "original_route", route)


def _listed(paths: Iterable[str]) -> str:
    found = list(dict.fromkeys(paths))
    if not found:
        return "there are none"
    more = len(found) - _SHOWN
    listed = ", ".join(found[:_SHOWN])
    return f"there are {listed}{f' and {more} more' if more > 0 else ''}"
