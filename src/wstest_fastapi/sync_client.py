"""`AppClient` for plain `def` tests."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    final,
    overload,
)

from typing_extensions import Unpack

from wstest_core.codecs import Codec
from wstest_core.communicator import Options
from wstest_core.drivers import AsgiApplication
from wstest_core.lifespan import Lifespan, State
from wstest_core.loop import Loop
from wstest_core.scope import HeadersInput, normalise_headers
from wstest_core.sync import SyncWebsocketCommunicator
from wstest_fastapi._driver import SocketDriver
from wstest_fastapi._http import httpx
from wstest_fastapi._sharing import (
    AnyMessage,
    SharedApplication,
    handshake,
    require_plain_test,
)
from wstest_fastapi.client import warn_unfinished
from wstest_fastapi.overrides import dependency_overrides

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from typing_extensions import TypeForm

__all__ = ["SyncAppClient"]

M = TypeVar("M")
_Error: TypeAlias = BaseException | None


@final
class SyncAppClient:
    """An `AppClient` for tests that are not coroutines, opened by `with`.

    It is made with the same arguments, `http` is an `httpx2.Client`, and
    `websocket` returns a `SyncWebsocketCommunicator`. Everything runs in one
    event loop, in a thread of its own: sockets hear what requests cause.
    `backend` is the library whose loop that is: "asyncio" or "trio".
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
        backend: Literal["asyncio", "trio"] = "asyncio",
    ) -> None:
        self._lifespan = Lifespan(application, timeout=timeout)
        self._runs_lifespan = lifespan
        self._backend: Literal["asyncio", "trio"] = backend
        self._shared = SharedApplication(self._lifespan, self._keep_cookies)
        self._sockets: list[SyncWebsocketCommunicator[AnyMessage]] = []
        self._stack = ExitStack()
        # The loop's own guard comes after the lifespan's, which says more.
        self._loop = Loop("http", timeout=2 * timeout, backend=backend)
        self.http: httpx.Client = httpx.Client(
            transport=_Transport(
                httpx.ASGITransport(
                    app=self._shared, raise_app_exceptions=raise_app_exceptions
                ),
                self._loop,
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

    def __enter__(self) -> Self:
        require_plain_test()
        with ExitStack() as stack:
            stack.enter_context(dependency_overrides(self.application))
            stack.enter_context(self._loop)
            stack.enter_context(self.http)
            if self._runs_lifespan:
                self._loop.run("startup", self._lifespan.__aenter__)
                stack.push(self._shut_down)
            stack.callback(self._loop.stop)  # requests that hang, as a server does
            stack.push(self._close_sockets)
            self._shared.is_open = True
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._stack.__exit__(kind, error, traceback)
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
    ) -> SyncWebsocketCommunicator[M]: ...
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
    ) -> SyncWebsocketCommunicator[M]: ...
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
    ) -> SyncWebsocketCommunicator[M]: ...
    @overload
    def websocket(
        self,
        path: str,
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        spec_version: str | float | None = None,
        **options: Unpack[Options],
    ) -> SyncWebsocketCommunicator[AnyMessage]: ...
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
    ) -> SyncWebsocketCommunicator[AnyMessage]:
        """See `AppClient.websocket`."""
        require_plain_test()
        url, sent = handshake(self.http, path, headers)
        # Which of the overloads it is was decided by ours.
        make = cast(
            "Callable[..., SyncWebsocketCommunicator[AnyMessage]]",
            SyncWebsocketCommunicator,
        )
        socket = make(
            SocketDriver(self._shared),
            url,
            sent,
            subprotocols,
            spec_version,
            messages=messages,
            codec=codec,
            backend=self._backend,
            **options,
        )
        self._sockets.append(socket)
        return socket

    def _keep_cookies(self, response: httpx.Response) -> None:
        self.http.cookies.extract_cookies(response)

    def _shut_down(
        self,
        kind: type[BaseException] | None,
        error: _Error,
        where: TracebackType | None,
    ) -> None:
        self._loop.run(
            "shutdown", partial(self._lifespan.__aexit__, kind, error, where)
        )

    def _close_sockets(
        self, kind: type[BaseException] | None, error: _Error, where: object
    ) -> None:
        with ExitStack() as stack:
            for socket in self._sockets:
                stack.callback(_finish, socket, kind, error)


def _finish(
    socket: SyncWebsocketCommunicator[AnyMessage],
    kind: type[BaseException] | None,
    error: _Error,
) -> None:
    """Close a socket if need be, as `with` would have done."""
    may_be_open = socket.close_code is None
    if error is not None:  # then it only adds notes
        socket.__exit__(kind, error, None)
        return
    if may_be_open:
        socket.__exit__(None, None, None)
    else:
        socket.disconnect()
    # One that was never connected has no code even now.
    if may_be_open and socket.close_code is not None and len(socket.transcript):
        warn_unfinished(socket.transcript.name)


@final
class _Transport(httpx.BaseTransport):
    """Sends requests to the application, in the loop."""

    def __init__(self, inner: httpx.ASGITransport, loop: Loop) -> None:
        self._inner = inner
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        require_plain_test()
        request.read()
        title = f"{request.method} {request.url.raw_path.decode('ascii')}"
        return self._loop.run(title, partial(self._answer, request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            content=response.content,
        )
