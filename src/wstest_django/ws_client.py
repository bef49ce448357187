"""Channels 1's client of WebSockets, for plain tests."""

import json as json_module
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias, final

from django.contrib.sessions.backends.base import SessionBase
from django.test import Client as Browser

from wstest_core.codecs import JsonCodec
from wstest_core.drivers import AsgiApplication, AsgiDriver, single_callable
from wstest_core.errors import NoMessage
from wstest_core.events import Frame
from wstest_core.scope import Scope
from wstest_django._ordering import KINDS, Waiting, WaitingEvents
from wstest_django._visit import Visit
from wstest_django.applications import websocket_application
from wstest_django.channel_client import Client, to_be_closed
from wstest_django.communicator import SyncWebsocketCommunicator, with_origin

__all__ = ["HttpClient", "WSClient"]

# JSON, and what events and layers hold.
Content: TypeAlias = Any
_Event: TypeAlias = dict[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]


@final
class WSClient:
    """One user with WebSockets on any number of paths, in plain tests.

    Channels 1's client: events are sent and consumed by their names, and what
    the application answers, on whichever path, is received in its order.
    `HttpClient` is another name for it. The arguments are those of `Client`.

    Cookies, `headers` and the session stay from connection to connection.
    With `ordered`, or an "order" in the content, frames are given to the
    consumer in the order of their numbers, which count from 0 on each path
    and include the connecting; one that came too early waits for the others.

    >>> class Echo(JsonWebsocketConsumer):
    ...     def receive_json(self, content):
    ...         self.send_json(content)
    >>> with apply_routes([path("echo/", Echo.as_asgi())]), WSClient() as client:
    ...     client.send_and_consume("websocket.connect", path="/echo/")
    ...     client.send_and_consume("websocket.receive", text={"a": 1}, path="/echo/")
    ...     client.receive()
    (True, None)
    {'a': 1}
    """

    __module__ = "wstest_django"

    def __init__(
        self,
        alias: str = "default",
        *,
        application: AsgiApplication | str | None = None,
        ordered: bool = False,
        headers: Mapping[str, str] | None = None,
        timeout: float = 1.0,
    ) -> None:
        self.headers: dict[str, str] = dict(headers or {})
        self._background = Client(alias, application=application, timeout=timeout)
        self._application = application
        self._ordered = ordered
        self._timeout = timeout
        self._browser = Browser()
        self._waiting = WaitingEvents()
        self._sockets: dict[str, SyncWebsocketCommunicator] = {}
        self._inbox: deque[Frame] = deque()
        to_be_closed.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    # --- who this is

    @property
    def session(self) -> SessionBase:
        """The session, as the application has it now; `save()` it when changed."""
        return self._browser.session

    @property
    def reply_channel(self) -> str:
        """The channel of this client's own, where replies come to."""
        return self._background.reply_channel

    def login(self, **credentials: Any) -> bool:
        """Log in as `django.test.Client.login`; False if that is refused."""
        return self._browser.login(**credentials)

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """Log in without a password."""
        self._browser.force_login(user, backend)

    def logout(self) -> None:
        """Log out: the session and its cookie are gone."""
        self._browser.logout()

    def set_cookie(self, key: str, value: str) -> None:
        """Send a cookie with each connection from now on."""
        self._browser.cookies[key] = value

    def get_cookies(self) -> dict[str, str]:
        """Return the cookies that a connection sends."""
        return {name: each.value for name, each in self._browser.cookies.items()}

    def set_header(self, key: str, value: str) -> None:
        """Send a header with each connection from now on."""
        self.headers[key] = value

    def join_group(self, group: str) -> None:
        """Let `receive` also take what is sent to a group."""
        self._background.join_group(group)

    # --- talking

    def send(
        self,
        to: str,
        content: Content = None,
        text: Content = None,
        bytes: bytes | None = None,  # noqa: A002 - the name in the event
        path: str = "/",
    ) -> None:
        """Let an event wait for `consume`.

        `to` is "websocket.connect", "websocket.receive" or
        "websocket.disconnect"; of any other channel it is a message, `content`.
        `text` is the frame, or what JSON can hold; `bytes` is a binary one.
        `content` may have all of these, an "order" and a close "code".
        """
        if to not in KINDS:
            self._background.send(to, content or {})
            return
        given: dict[str, Any] = {
            "text": text,
            "bytes": bytes,
            "path": path,
            "code": 1000,
            "order": None,
            **(content or {}),
        }
        frame = _frame(given["text"], given["bytes"])
        if (frame is None) == (to == "websocket.receive"):
            raise ValueError(f"{to} takes {'a' if frame is None else 'no'} frame")
        place, order = given["path"], given["order"]
        if self._ordered and order is None:
            order = self._waiting.next_number(place)
        self._waiting.put(to, place, frame, code=given["code"], order=order)

    def consume(
        self, channel: str, fail_on_none: bool = True, check_accept: bool = True
    ) -> Any:
        """Give the application the next event of a kind, and let it come to rest.

        For "websocket.connect" it returns whether it accepted, with the
        subprotocol or the close code. Any other channel is that of a
        background consumer.

        Raises:
            NoMessage: if none waits, unless `fail_on_none` is False.
            ConnectionRejected: if the application refused, unless
                `check_accept` is False.
            ApplicationCrashed: if the consumer raised.
        """
        if channel not in KINDS:
            return self._background.consume(channel, fail_on_none)
        if not self._waiting.has(channel):
            if fail_on_none:
                raise NoMessage(f"no {channel} waits: send() it first")
            return None
        result = None
        for event in self._waiting.take(channel):
            result = self._deliver(event, check_accept)
        return result

    def send_and_consume(
        self,
        channel: str,
        content: Content = None,
        text: Content = None,
        bytes: bytes | None = None,  # noqa: A002 - the name in the event
        path: str = "/",
        fail_on_none: bool = True,
        check_accept: bool = True,
    ) -> Any:
        """Send an event, and let the application consume it."""
        self.send(channel, content, text, bytes, path)
        return self.consume(channel, fail_on_none, check_accept)

    def receive(self, json: bool = True, require: bool = False) -> Any:
        """Take the next frame that any connection was sent; None if there is none.

        After them the replies on this client's own channel, and what groups
        were sent that it has joined. With `json` a frame is decoded.

        Raises:
            UndecodableFrame: if it is no JSON. It is taken.
            NoMessage: if there is none, and one is required.
        """
        if not self._inbox:
            return self._background.receive(require)
        frame = self._inbox.popleft()
        return JsonCodec().decode(frame) if json else frame

    def close(self) -> None:
        """Close the connections. The test cases do it when a test ends."""
        to_be_closed.discard(self)
        with self._background:
            for path in list(self._sockets):
                self._sockets.pop(path).disconnect()

    # --- inner workings

    def _deliver(self, event: Waiting, check_accept: bool) -> Any:
        if event.kind == "websocket.connect":
            return self._connect(event.path, check_accept)
        if event.path not in self._sockets:
            raise RuntimeError(f"nothing is connected at {event.path!r}: connect first")
        if event.kind == "websocket.disconnect":
            self._sockets.pop(event.path).disconnect(event.code)
            return None
        if isinstance(event.frame, str):
            self._sockets[event.path].send_text(event.frame)
        elif event.frame is not None:
            self._sockets[event.path].send_bytes(event.frame)
        self._rest(event.path)
        return None

    def _connect(self, path: str, check_accept: bool) -> Any:
        if path in self._sockets:
            raise RuntimeError(f"{path!r} is connected already: disconnect first")
        application = self._application or websocket_application()
        visit = Visit(application, browser=self._browser)
        driver = AsgiDriver(_overheard(visit, self._inbox), explain=visit.explain)
        headers = with_origin(self.headers, application, path)
        socket: SyncWebsocketCommunicator = SyncWebsocketCommunicator(
            driver, path, headers, name=path, timeout=self._timeout, unread="ignore"
        )
        if check_accept:
            socket.__enter__()  # which raises a refusal
        accepted, detail = socket.connect()
        if accepted:
            self._sockets[path] = socket
            self._rest(path)
        return accepted, detail

    def _rest(self, path: str) -> None:
        socket = self._sockets[path]
        socket.settle()
        if socket.exception is not None:
            self._sockets.pop(path).disconnect()  # which raises it


HttpClient = WSClient


def _overheard(application: AsgiApplication, inbox: deque[Frame]) -> AsgiApplication:
    """Let the frames of all connections stand in one line, as they come."""
    call = single_callable(application)

    async def run(scope: Scope, receive: _Receive, send: _Send) -> None:
        async def listen(event: _Event) -> None:
            await send(event)
            if event["type"] == "websocket.send":
                text = event.get("text")
                inbox.append(event["bytes"] if text is None else text)

        await call(scope, receive, listen)

    return run


def _frame(text: Content, binary: bytes | None) -> Frame | None:
    if text is None or isinstance(text, str):
        return binary if text is None else text
    return json_module.dumps(text)
