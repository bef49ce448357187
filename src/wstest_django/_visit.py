"""One connection's visit to a Django application: what became of it inside."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any, Final, TypeAlias, final

from channels import consumer, db
from channels.consumer import AsyncConsumer
from django.test import AsyncClient, Client

from wstest_core.drivers import (
    AsgiApplication,
    ClientDisconnected,
    single_callable,
)
from wstest_core.layers import instead
from wstest_core.scope import Scope
from wstest_django._guests import FindGuest, nobody, present
from wstest_django.applications import (
    let_test_server_in,
    refusal_by_origin,
    routes,
)
from wstest_django.logins import session_headers

__all__ = ["Browser", "Visit"]

Browser: TypeAlias = Client | AsyncClient
# ASGI types events no more closely.
_Event: TypeAlias = dict[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]
_Call: TypeAlias = Callable[..., Awaitable[None]]
_Headers: TypeAlias = Any


@final
class Visit:
    """Wraps an application, and sees which consumer a connection reaches.

    What middleware and routers have added to the scope until then, such as
    `url_route`, `session` and `user`, is added to the communicator's scope.
    With `browser`, a test client's cookies are sent, and those that the
    application sets are kept in it. `client` finds who visits, if a test has
    made it by itself. What is sent to a client that has gone is dropped.
    """

    def __init__(
        self,
        application: AsgiApplication | str,
        *,
        browser: Browser | None = None,
        client: FindGuest = nobody,
    ) -> None:
        self._application = application
        self._call = single_callable(application)
        self._browser = browser
        self._client = client
        self._scope: Scope = {}
        self._consumer: str | None = None
        self._serving: Awaitable[None] | None = None  # what the consumer runs in
        self._answered = False
        self._refused = False
        self._error: Exception | None = None

    async def __call__(self, scope: Scope, receive: _Receive, send: _Send) -> None:
        self._scope = scope
        let_test_server_in(self._application)
        if self._browser is not None:
            _bring_cookies(self._browser, scope)

        # As daphne lets consumers do, where the test has named no version of ASGI.
        forgiven = () if "spec_version" in scope else (ClientDisconnected,)

        async def listen(event: _Event) -> None:
            self._notice(event)
            with suppress(*forgiven):
                await send(event)

        _current.set(self)
        with _consumers_noticed(), present(self._client):
            try:
                await self._call(scope, receive, listen)
            except Exception as error:
                self._error = error
                raise

    def explain(self) -> str | None:
        """Say what a failure does not show otherwise, in a sentence."""
        if self._refused:
            by_origin = refusal_by_origin(self._application, self._scope)
            return by_origin or f"It was {self._consumer or 'middleware'} that refused."
        if _waits_for_anything(self._serving):
            return f"It is {self._consumer} that waits for what comes next."
        if self._error is None or "No route found" not in str(self._error):
            return None
        known = ", ".join(map(repr, routes(self._application))) or "none"
        return f"There are these routes: {known}."

    def reaches(
        self, kind: type[object], scope: Scope, serving: Awaitable[None]
    ) -> None:
        """Take note of the consumer, of what it is called with and runs in."""
        if self._consumer is None:
            self._consumer, self._serving = kind.__qualname__, serving
        for key, value in scope.items():
            self._scope.setdefault(key, value)

    def _notice(self, event: _Event) -> None:
        if self._answered:
            return
        self._answered = True
        self._refused = event["type"] != "websocket.accept"
        if self._browser is not None:
            _keep_cookies(self._browser, event.get("headers", ()))


_current: ContextVar[Visit] = ContextVar("visit")
_visits = 0
_counting: Final = Lock()  # each plain test's client has a thread of its own
_undo = ExitStack()
_plain_call: _Call = AsyncConsumer.__call__


@contextmanager
def _consumers_noticed() -> Generator[None]:
    """Let each consumer that is called tell so, while anybody visits."""
    global _visits, _undo
    with _counting:
        if not _visits:
            with ExitStack() as stack:
                _patch(stack)
                _undo = stack.pop_all()
        _visits += 1
    try:
        yield
    finally:
        with _counting:
            _visits -= 1
            if not _visits:
                _undo.close()


def _patch(stack: ExitStack) -> None:
    global _plain_call
    _plain_call = AsyncConsumer.__call__
    setattr(AsyncConsumer, "__call__", _call_and_tell)  # noqa: B010
    stack.callback(setattr, AsyncConsumer, "__call__", _plain_call)
    # Channels closes old connections around each message. A test's own must
    # stay; one that asks for no database has none, and may not even look.
    for module, others in (
        (db, {"close_old_connections": _stay_open}),
        (consumer, {"aclose_old_connections": _astay_open}),
    ):
        if others.keys() <= vars(module).keys():
            stack.enter_context(instead(module.__dict__, others))


def _stay_open() -> None:
    """Close no connection."""


async def _astay_open() -> None:
    """Close no connection, and go to no other thread for it."""


async def _call_and_tell(
    called: AsyncConsumer, scope: Scope, receive: _Receive, send: _Send
) -> None:
    visit = _current.get(None)
    serving = _plain_call(called, scope, receive, send)
    if visit is not None:
        visit.reaches(type(called), scope, serving)
    await serving


def _waits_for_anything(serving: Awaitable[None] | None) -> bool:
    """Whether a consumer waits for a frame or a message, and handles none.

    Its code has no line there, so what is said of its place is Channels' own.
    """
    between = getattr(serving, "cr_await", None)  # await_many_dispatch
    waiting = getattr(between, "cr_await", None)
    return getattr(waiting, "cr_code", None) is asyncio.wait.__code__


def _bring_cookies(browser: Browser, scope: Scope) -> None:
    kept = [value for _, value in session_headers(browser)]
    given = [value for name, value in scope["headers"] if name == b"cookie"]
    if kept:
        others = [header for header in scope["headers"] if header[0] != b"cookie"]
        # In place: a communicator shows the headers that were sent.
        scope["headers"][:] = [*others, (b"cookie", b"; ".join(kept + given))]


def _keep_cookies(browser: Browser, headers: _Headers) -> None:
    for name, value in headers:
        if bytes(name).lower() == b"set-cookie":
            browser.cookies.load(bytes(value).decode("latin-1"))
