"""Channels 1's client of WebSockets, for plain tests."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias, final

from django.contrib.sessions.backends.base import SessionBase
from django.test import Client as Browser

from wstest_core.codecs import JsonCodec
from wstest_core.drivers import AsgiApplication
from wstest_core.errors import NoMessage, UndecodableFrame
from wstest_core.events import Frame
from wstest_django._links import Answer, Links
from wstest_django._ordering import Waiting, WaitingEvents, event_of, is_kind
from wstest_django._visit import Visit
from wstest_django.applications import websocket_application
from wstest_django.channel_client import (
    Client,
    next_message,
    require_plain_test,
)
from wstest_django.communicator import with_origin

__all__ = ["HttpClient", "WSClient"]

# JSON, and what layers hold.
Content: TypeAlias = Any


@final
class WSClient:
    """One user with WebSockets on any number of paths, in plain tests.

    Channels 1's client: events are sent and consumed by their names, and what
    the application answers, on whichever path, is received in its order.
    `HttpClient` is another name for it. The arguments are those of `Client`.

    Cookies, `headers` and the session stay from connection to connection.
    With `ordered`, or an "order" in the content, frames are given to the
    consumer in the order of their numbers: 0 is the connecting, and each path
    counts by itself. One that comes too early is held until the others came,
    or the connection ends. A path is one connection, whatever its query.

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
        timeout: float | None = None,
    ) -> None:
        self.headers: dict[str, str] = dict(headers or {})
        self._background = Client(alias, application=application, timeout=timeout)
        self._application = application
        self._ordered = ordered
        self._browser = Browser()
        self._waiting = WaitingEvents()
        self._links = Links(timeout=timeout, ended=self._waiting.forget)
        self._session: SessionBase | None = None

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
        """The session, as the application has it now; `save()` it when changed.

        What is changed and not saved is there until the next event.
        """
        if self._session is None or not self._session.modified:
            self._session = self._browser.session
        return self._session

    @property
    def reply_channel(self) -> str:
        """The channel of this client's own, where replies come to."""
        return self._background.reply_channel

    def login(self, **credentials: Any) -> bool:
        """Log in as `django.test.Client.login`; False if that is refused."""
        self._session = None
        return self._browser.login(**credentials)

    def force_login(self, user: Any, backend: str | None = None) -> None:
        """Log in without a password."""
        self._session = None
        self._browser.force_login(user, backend)

    def logout(self) -> None:
        """Log out: the session and its cookie are gone."""
        self._session = None
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
        path: str = "/",
        *,
        bytes: bytes | None = None,  # noqa: A002 - the name in the event
    ) -> None:
        """Let an event wait for `consume`.

        `to` is "websocket.connect", "websocket.receive" or
        "websocket.disconnect"; of any other channel it is a message, `content`.
        `text` is the frame, or what JSON can hold; `bytes` is a binary one.
        `content` may have all of these, an "order" and a close "code".

        Raises:
            ValueError: for what cannot be such an event; TypeError likewise.
        """
        if is_kind(to):
            given = event_of(to, content or {}, text=text, bytes=bytes, path=path)
            self._waiting.put(given, numbered=self._ordered)
        elif text is not None or bytes is not None or path != "/":
            raise ValueError(f"{to!r} is a channel: a message to it is its content")
        else:
            self._background.send(to, content or {})

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
        self._session = None
        if not is_kind(channel):
            return self._background.consume(channel, fail_on_none)
        require_plain_test(type(self))
        if not self._waiting.has(channel):
            if fail_on_none:
                raise NoMessage(f"no {channel} waits: send() it first")
            return None
        answer = None
        for event in self._waiting.take(channel):
            answer = self._deliver(event, check_accept) or answer
        return answer

    def send_and_consume(
        self,
        channel: str,
        content: Content = None,
        text: Content = None,
        path: str = "/",
        fail_on_none: bool = True,
        check_accept: bool = True,
        *,
        bytes: bytes | None = None,  # noqa: A002 - the name in the event
    ) -> Any:
        """Send an event, and let the application consume the next of its kind."""
        self.send(channel, content, text, path, bytes=bytes)
        return self.consume(channel, fail_on_none, check_accept)

    def receive(self, json: bool = True, require: bool = False) -> Any:
        """Take the next frame that any connection was sent; None if there is none.

        `{"close": code}` stands for the application's closing of one. After
        them come the replies on this client's own channel, and what groups
        were sent that it has joined. With `json` a frame is decoded.

        Raises:
            UndecodableFrame: if it is no JSON. It is taken.
            NoMessage: if there is none, and one is required.
            ApplicationCrashed: if a consumer raised meanwhile.
        """
        if not self._links.inbox:
            self._links.rest()
        if not self._links.inbox:
            alias, own = self._background.alias, self.reply_channel
            return next_message(alias, own, require=require, rested=True)
        found = self._links.inbox.popleft()
        if isinstance(found, dict):
            return found
        return _decoded(found) if json else found

    def close(self) -> None:
        """Close the connections. The test cases do it when a test ends."""
        with self._background:
            self._links.close()

    # --- inner workings

    def _deliver(self, event: Waiting, check_accept: bool) -> Answer | None:
        if event.kind == "websocket.connect":
            return self._connect(event, check_accept)
        if event.frame is None:
            self._links.end(event.path, event.code)
        else:
            self._links.send(event.path, event.frame)
        return None

    def _connect(self, event: Waiting, check_accept: bool) -> Answer:
        self._links.require_free(event.path)
        application = self._application or websocket_application()
        visit = Visit(application, browser=self._browser)
        headers = with_origin(self.headers, application, event.path)
        return self._links.connect(event, visit, headers, check_accept)


def _decoded(frame: Frame) -> Content:
    try:
        return JsonCodec().decode(frame)
    except UndecodableFrame as error:
        seen, _, _ = str(error).rpartition("\n\n")  # what follows names another verb
    text = f"{seen}\n\nreceive(json=False) takes any frame as it is."
    raise UndecodableFrame(text, frame=frame)


HttpClient = WSClient
