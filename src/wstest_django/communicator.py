"""The communicators, for Django applications."""

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from weakref import ref

from django.test import AsyncClient, Client
from typing_extensions import TypeVar

from wstest_core import communicator, sync
from wstest_core.drivers import AsgiApplication, AsgiDriver, Driver
from wstest_core.scope import HeadersInput, normalise_headers
from wstest_django._guests import FindGuest, nobody
from wstest_django._visit import Browser, Visit
from wstest_django.configuration import as_chanx_has_it, authentication_message

if TYPE_CHECKING:
    from wstest_core.messages import AuthenticationMessage

__all__ = ["APICommunicator", "SyncWebsocketCommunicator", "WebsocketCommunicator"]

# Without models a message is what JSON holds; scopes hold anything.
AnyMessage: TypeAlias = Any
ScopeValue: TypeAlias = Any
_Init: TypeAlias = Callable[..., None]
M = TypeVar("M", default=AnyMessage)


class WebsocketCommunicator(communicator.WebsocketCommunicator[M]):
    """`wstest_core.WebsocketCommunicator`, for Django applications.

    It takes the same arguments and has the same verbs. It sends an `Origin`
    header as a browser does, unless one is given: that of its own host. Once
    a consumer has been reached, `scope` also has what middleware and routers
    have added: `url_route`, `cookies`, `session`, `user`. A failure says which
    consumer refused, or why an origin was.

    >>> import asyncio
    >>> from channels.generic.websocket import AsyncJsonWebsocketConsumer
    >>> class Echo(AsyncJsonWebsocketConsumer):
    ...     async def receive_json(self, content):
    ...         await self.send_json(content)
    >>> async def test():
    ...     async with WebsocketCommunicator(Echo, "/ws") as ws:
    ...         await ws.send_json({"say": "hello"})
    ...         return await ws.receive_json()
    >>> asyncio.run(test())
    {'say': 'hello'}
    """

    __module__ = "wstest_django"

    if not TYPE_CHECKING:  # for types, it is the base class's

        @wraps(communicator.WebsocketCommunicator.__init__)
        def __init__(self, application, path, headers=None, *others, **options):
            reached = driver_of(application, client=ref(self))
            begin = partial(super().__init__, reached)
            _begin(begin, application, path, headers, *others, **options)

    async def wait_for_auth(
        self,
        send_authentication_message: bool | None = None,
        max_auth_time: float = 0.5,
        after_auth_time: float = 0.1,
    ) -> "AuthenticationMessage | None":
        """Receive the authentication message, as the settings say.

        `send_authentication_message` is by default chanx's setting of that
        name, or the one in `WSTEST`. Of a consumer of chanx's the message is
        of chanx's class. See `wstest_core.WebsocketCommunicator`.
        """
        wanted = authentication_message(send_authentication_message)
        found = await super().wait_for_auth(wanted, max_auth_time, after_auth_time)
        return as_chanx_has_it(found, self.consumer)


class SyncWebsocketCommunicator(sync.SyncWebsocketCommunicator[M]):
    """`wstest_core.SyncWebsocketCommunicator`, for Django applications.

    It adds what `WebsocketCommunicator` adds here.
    """

    __module__ = "wstest_django"

    if not TYPE_CHECKING:  # for types, it is the base class's

        @wraps(sync.SyncWebsocketCommunicator.__init__)
        def __init__(self, application, path, headers=None, *others, **options):
            begin = partial(super().__init__, driver_of(application))
            _begin(begin, application, path, headers, *others, **options)

    def wait_for_auth(
        self,
        send_authentication_message: bool | None = None,
        max_auth_time: float = 0.5,
        after_auth_time: float = 0.1,
    ) -> "AuthenticationMessage | None":
        """See `WebsocketCommunicator.wait_for_auth`."""
        wanted = authentication_message(send_authentication_message)
        found = super().wait_for_auth(wanted, max_auth_time, after_auth_time)
        return as_chanx_has_it(found, self.consumer)


class APICommunicator(WebsocketCommunicator[AnyMessage]):
    """django-rest-live's communicator: what else is given goes into the scope."""

    __module__ = "wstest_django"

    def __init__(
        self,
        application: AsgiApplication | str | Driver,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        **scope_extra: ScopeValue,
    ) -> None:
        super().__init__(application, path, headers, subprotocols)
        self.scope.update(scope_extra)


def driver_of(
    application: AsgiApplication | str | Driver,
    browser: Browser | None = None,
    client: FindGuest = nobody,
) -> AsgiApplication | str | Driver:
    """Return what a communicator reaches an application by."""
    if callable(application) or isinstance(application, str):
        if is_url(application):
            return application
        visit = Visit(application, browser=browser, client=client)
        return AsgiDriver(visit, explain=visit.explain)
    return application


def with_origin(
    headers: HeadersInput | None, application: object, path: str
) -> list[tuple[bytes, bytes]]:
    """Add the `Origin` that a browser sends from a page of the same host."""
    given = normalise_headers(headers)
    if any(name == b"origin" for name, _ in given):
        return given
    own = dict(given).get(b"host")
    host = f"ws://{own.decode()}" if own else "ws://testserver"
    url = next(filter(is_url, (path, application)), host)
    return [(b"origin", _page_at(str(url))), *given]


def refuse_test_client(client: object, *, instead: str) -> None:
    """Raise TypeError where a test client stands in the place of an address."""
    if isinstance(client, Client | AsyncClient):
        raise TypeError(
            f"client={client!r} is no address, as ('127.0.0.1', 123), that the scope "
            f"has: a test client of Django's is given as {instead}"
        )


def _begin(
    begin: _Init,
    application: object,
    path: str,
    headers: HeadersInput | None,
    *others: object,
    **options: object,
) -> None:
    advice = "headers=session_headers(client)"
    refuse_test_client(options.get("client"), instead=advice)
    sent = with_origin(headers, application, path)
    begin(path, sent, *others, **options)


def _page_at(url: str) -> bytes:
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    return f"{scheme}://{parts.netloc}".encode()


def is_url(application: object) -> bool:
    return isinstance(application, str) and application.startswith(("ws://", "wss://"))
