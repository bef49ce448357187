"""Finds the project's WebSocket application, and knows what it is made of."""

from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from channels.routing import (
    ProtocolTypeRouter,
    URLRouter,
    get_default_application,
)
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler

from wstest_core.drivers import AsgiApplication
from wstest_core.events import Headers
from wstest_core.scope import Scope

__all__ = [
    "let_test_server_in",
    "refusal_by_origin",
    "routes",
    "websocket_application",
]

# Middleware keeps what it wraps under a name of its own choice.
_Part: TypeAlias = Any
_INNER = ("application", "inner", "app")


def websocket_application() -> AsgiApplication:
    """Return the application that the setting `ASGI_APPLICATION` names.

    Raises:
        ImproperlyConfigured: if there is none, or it takes no WebSockets.
    """
    try:
        application: AsgiApplication = get_default_application()
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(
            f"{error} The test looks for its application there: set "
            'ASGI_APPLICATION = "project.asgi.application", or give the test case '
            "a `router`."
        ) from error
    problem = next(filter(None, map(_lack, _parts(application))), None)
    if problem is not None:
        raise ImproperlyConfigured(
            f"ASGI_APPLICATION takes no WebSockets: {problem}. Wrap it in "
            'ProtocolTypeRouter({"http": …, "websocket": …}), or give the test case '
            "a `router`."
        )
    return application


def routes(application: AsgiApplication | str) -> list[str]:
    """Return the patterns of all URL routers in an application."""
    return [
        str(getattr(route, "pattern", route))
        for part in _parts(application)
        if isinstance(part, URLRouter)
        for route in part.routes
    ]


def refusal_by_origin(application: AsgiApplication | str, scope: Scope) -> str | None:
    """Say why a validator in an application refuses a scope's origin, if one does."""
    headers: Headers = scope["headers"]
    given = dict(headers).get(b"origin")
    origin: _Part = None if given is None else urlsplit(given.decode("latin-1"))
    for part in _parts(application):
        if isinstance(part, OriginValidator) and not part.valid_origin(origin):
            shown = "no origin" if given is None else f"the origin {given.decode()!r}"
            allowed = ", ".join(map(repr, part.allowed_origins)) or "none"
            return (
                f"{type(part).__name__} refuses {shown}; allowed: {allowed}. A browser "
                "sends the origin of its page: give the header "
                "(b'origin', b'http://…'), or extend ALLOWED_HOSTS."
            )
    return None


def let_test_server_in(application: AsgiApplication | str) -> None:
    """Allow the test server's origin where all of `ALLOWED_HOSTS` are allowed.

    Django adds it to the setting when tests begin. A validator that was made
    before, because a test module has imported the application, lacks it.
    """
    hosts: list[str] = settings.ALLOWED_HOSTS
    for part in _parts(application):
        if not isinstance(part, OriginValidator):
            continue
        if [*part.allowed_origins, "testserver"] == hosts:
            part.allowed_origins = hosts


def _lack(part: _Part) -> str | None:
    if isinstance(part, ASGIHandler):
        return "it is Django's handler of HTTP alone"
    if isinstance(part, ProtocolTypeRouter):
        known = list(part.application_mapping)
        if "websocket" not in known:
            return f"{type(part).__name__} has no 'websocket' among {known}"
    return None


def _parts(application: _Part) -> Iterator[_Part]:
    """Yield an application and what it wraps and routes WebSockets to."""
    seen: set[int] = set()
    waiting = [application]
    while waiting:
        part = waiting.pop(0)
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += _children(part)


def _children(part: _Part) -> list[_Part]:
    if isinstance(part, ProtocolTypeRouter):
        return [part.application_mapping.get("websocket")]
    if isinstance(part, URLRouter):
        return [getattr(route, "callback", route) for route in part.routes]
    return [getattr(part, name, None) for name in _INNER]
