"""Finds the project's WebSocket application, and knows what it is made of."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
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
    "applied",
    "applying",
    "channel_application",
    "hosts_of_tests",
    "let_test_server_in",
    "project_application",
    "refusal_by_origin",
    "routes",
    "websocket_application",
]

# Middleware keeps what it wraps under a name of its own choice.
_Part: TypeAlias = Any
_INNER = ("application", "inner", "app")
# What Channels allows instead while there is no host in the setting, and DEBUG.
_OF_DEBUG = ["localhost", "127.0.0.1", "[::1]"]

# What tests add to `ALLOWED_HOSTS`.
hosts_of_tests: Final[set[str]] = {"testserver"}

# What tests have put in the place of the project's application, innermost last.
_applied: list[AsgiApplication] = []


@contextmanager
def applying(applications: Iterable[AsgiApplication]) -> Generator[None]:
    """Put applications in the place of the project's within a block."""
    before = len(_applied)
    _applied.extend(applications)
    try:
        yield
    finally:
        del _applied[before:]


def applied(protocol: str) -> AsgiApplication | None:
    """Return what a test has put in the project's place for a type of scope."""
    for application in reversed(_applied):
        if _lack(application, protocol) is None:
            return application
    return None


def project_application(protocol: str) -> AsgiApplication:
    """Return the application for a type of scope, as it is served."""
    return applied(protocol) or get_default_application()


def websocket_application() -> AsgiApplication:
    """Return the application that the setting `ASGI_APPLICATION` names.

    Or what `apply_routes` has put in its place.

    Raises:
        ImproperlyConfigured: if there is none, or it takes no WebSockets.
    """
    return applied("websocket") or _configured("websocket", "WebSockets")


def channel_application() -> AsgiApplication:
    """Return the application for background messages, likewise."""
    return applied("channel") or _configured("channel", "background messages")


def _configured(protocol: str, what: str) -> AsgiApplication:
    own = "a `router`" if protocol == "websocket" else "routes with apply_routes()"
    try:
        application: AsgiApplication = get_default_application()
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(
            f"{_sentence(error)} The test looks for its application there: set "
            f'ASGI_APPLICATION = "project.asgi.application", or give the test {own}.'
        ) from error
    parts = _parts(application, protocol)
    problem = next(filter(None, (_lack(part, protocol) for part in parts)), None)
    if problem is not None:
        raise ImproperlyConfigured(
            f"ASGI_APPLICATION takes no {what}: {problem}. Wrap it in "
            f'ProtocolTypeRouter({{"http": …, "{protocol}": …}}), or give the test '
            f"{own}."
        )
    return application


def _sentence(error: ImproperlyConfigured) -> str:
    cause = error.__context__  # Channels leaves out which import has failed
    why = f" ({cause})" if isinstance(cause, ImportError) else ""
    return f"{str(error).removesuffix('.')}{why}."


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
    """Allow the origins of tests where all of `ALLOWED_HOSTS` are allowed.

    Django adds the test server to the setting when tests begin, and a live
    server adds its host. A validator that was made before, because a test
    module has imported the application, lacks them.
    """
    hosts: list[str] = settings.ALLOWED_HOSTS
    for part in _parts(application):
        if isinstance(part, OriginValidator) and _allows(part, hosts):
            part.allowed_origins = hosts


def _allows(validator: _Part, hosts: list[str]) -> bool:
    """Whether it is one of Channels' that allows what the setting allows."""
    allowed, own = list(validator.allowed_origins), _without_tests(hosts)
    return _without_tests(allowed) == own or (not own and allowed == _OF_DEBUG)


def _without_tests(hosts: Iterable[str]) -> list[str]:
    return [each for each in hosts if each not in hosts_of_tests]


def _lack(part: _Part, protocol: str) -> str | None:
    if isinstance(part, ASGIHandler):
        return "it is Django's handler of HTTP alone"
    if isinstance(part, ProtocolTypeRouter):
        known = list(part.application_mapping)
        if protocol not in known:
            return f"{type(part).__name__} has no {protocol!r} among {known}"
    return None


def _parts(application: _Part, protocol: str = "websocket") -> Iterator[_Part]:
    """Yield an application and what it wraps and routes a type of scope to."""
    seen: set[int] = set()
    waiting = [application]
    while waiting:
        part = waiting.pop(0)
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += _children(part, protocol)


def _children(part: _Part, protocol: str) -> list[_Part]:
    if isinstance(part, ProtocolTypeRouter):
        return [part.application_mapping.get(protocol)]
    if isinstance(part, URLRouter):
        return [getattr(route, "callback", route) for route in part.routes]
    return [getattr(part, name, None) for name in _INNER]
