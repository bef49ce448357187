"""One client of one application, for HTTP and for WebSockets."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar, cast, final, overload

from typing_extensions import Unpack

from wstest_core.codecs import Codec
from wstest_core.communicator import Options, WebsocketCommunicator
from wstest_core.drivers import AsgiApplication
from wstest_core.errors import warn
from wstest_core.lifespan import Lifespan, State
from wstest_core.scope import HeadersInput, normalise_headers
from wstest_fastapi._driver import SocketDriver
from wstest_fastapi._early import early_of
from wstest_fastapi._http import httpx
from wstest_fastapi._sharing import (
    AnyMessage,
    SharedApplication,
    handshake,
)
from wstest_fastapi.overrides import dependency_overrides

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

__all__ = ["AppClient", "UnfinishedClientWarning"]

M = TypeVar("M")
_Error: TypeAlias = BaseException | None


class UnfinishedClientWarning(UserWarning):
    """A socket was still connected when its client was closed."""

    __module__ = "wstest_fastapi"


@final
class AppClient:
    """A client of an application: `http` for requests, `websocket` for sockets.

    `application` is an ASGI application or an import string. `base_url`,
    `headers`, `cookies` and `auth` are the HTTP client's and hold for sockets
    too. A cookie that one side is given, the other side sends.

    Opened by `async with`, it runs startup before the block and shutdown
    after it, once however many sockets there are, unless `lifespan` is False.
    At the end it closes the sockets that are still connected, and reports
    them (`UnfinishedClientWarning`), and puts back `dependency_overrides`.
    `timeout`, in seconds, guards startup and shutdown against hanging.

    >>> import asyncio
    >>> from fastapi import FastAPI, Response, WebSocket
    >>> app = FastAPI()
    >>> @app.post("/login")
    ... async def login(response: Response) -> None:
    ...     response.set_cookie("user", "ann")
    >>> @app.websocket("/ws")
    ... async def greet(socket: WebSocket) -> None:
    ...     await socket.accept()
    ...     await socket.send_json({"hello": socket.cookies["user"]})
    ...     await socket.close()
    >>> async def test():
    ...     async with AppClient(app) as client:
    ...         await client.http.post("/login")
    ...         async with client.websocket("/ws") as ws:
    ...             assert await ws.receive_json() == {"hello": "ann"}
    >>> asyncio.run(test())

    Raises:
        ApplicationCrashed: if startup or shutdown fails, chained to its error.
    """

    __module__ = "wstest_fastapi"

    def __init__(
        self,
        application: AsgiApplication | str,
        *,
        base_url: str = "http://testserver",
        headers: HeadersInput | None = None,
        cookies: Mapping[str, str] | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        lifespan: bool = True,
        raise_app_exceptions: bool = True,
        timeout: float = 30.0,
    ) -> None:
        self._lifespan = Lifespan(application, timeout=timeout)
        self._runs_lifespan = lifespan
        self._shared = SharedApplication(
            self._lifespan, self._keep_cookies, partial(early_of, self)
        )
        self._sockets: list[WebsocketCommunicator[AnyMessage]] = []
        self._stack = AsyncExitStack()
        self.http: httpx.AsyncClient = httpx.AsyncClient(
            transport=httpx.ASGITransport(
                app=self._shared, raise_app_exceptions=raise_app_exceptions
            ),
            base_url=base_url,
            headers=normalise_headers(headers),
            cookies=None if cookies is None else dict(cookies),
            auth=auth,
            timeout=None,  # the transport has no use for one
        )

    @property
    def application(self) -> AsgiApplication:
        """The application under test; what an import string named."""
        return self._lifespan.application

    @property
    def state(self) -> State:
        """What the application's startup has put into the state."""
        return self._lifespan.state

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(dependency_overrides(self.application))
            # Not entered: a request may have come before, and opened it.
            stack.push_async_callback(self.http.aclose)
            if self._runs_lifespan:
                await stack.enter_async_context(self._lifespan)
            stack.push_async_exit(self._close_sockets)
            self._shared.is_open = True
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, traceback)
        finally:
            self._shared.is_open = False

    @overload
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        messages: "TypeAdapter[M]",
        **options: Unpack[Options],
    ) -> WebsocketCommunicator[M]: ...
    @overload
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        messages: "TypeForm[M]",
        **options: Unpack[Options],
    ) -> WebsocketCommunicator[M]: ...
    @overload
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        codec: Codec[M],
        **options: Unpack[Options],
    ) -> WebsocketCommunicator[M]: ...
    @overload
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        **options: Unpack[Options],
    ) -> WebsocketCommunicator[AnyMessage]: ...
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        *,
        messages: object = None,
        codec: Codec[AnyMessage] | None = None,
        **options: Unpack[Options],
    ) -> WebsocketCommunicator[AnyMessage]:
        """Return a communicator with the application; connect it as any other.

        It takes what `WebsocketCommunicator` takes, but for the application.
        `path` may be a whole URL. `headers` come over the client's own;
        cookies among them are added to those that the client has now.
        """
        url, sent = handshake(self.http, path, headers)
        # Which of the overloads it is was decided by ours.
        make = cast(
            "Callable[..., WebsocketCommunicator[AnyMessage]]", WebsocketCommunicator
        )
        socket = make(
            SocketDriver(self._shared),
            url,
            sent,
            subprotocols,
            spec_version,
            messages=messages,
            codec=codec,
            **options,
        )
        self._sockets.append(socket)
        return socket

    def _keep_cookies(self, response: httpx.Response) -> None:
        self.http.cookies.extract_cookies(response)

    async def _close_sockets(
        self, kind: type[BaseException] | None, error: _Error, where: object
    ) -> None:
        async with AsyncExitStack() as stack:
            for socket in self._sockets:
                stack.push_async_callback(_finish, socket, kind, error)


async def _finish(
    socket: WebsocketCommunicator[AnyMessage],
    kind: type[BaseException] | None,
    error: _Error,
) -> None:
    """Close a socket if need be, as `async with` would have done."""
    may_be_open = socket.close_code is None
    if error is not None:  # then it only adds notes
        await socket.__aexit__(kind, error, None)
        return
    if may_be_open:
        await socket.__aexit__(None, None, None)
    else:
        await socket.disconnect()
    # One that was never connected has no code even now.
    if may_be_open and socket.close_code is not None and len(socket.transcript):
        warn_unfinished(socket.transcript.name)


def warn_unfinished(name: str) -> None:
    """Say that a socket was left open."""
    warn(
        f"{name} was still connected when the test ended: connect with `async with` "
        "(in a plain test `with`), or disconnect()",
        UnfinishedClientWarning,
        stacklevel=2,
    )
