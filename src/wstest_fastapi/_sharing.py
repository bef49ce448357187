"""What the sockets of a client share with its HTTP side.

Both reach the application through one ASGI callable, which adds the state of
the lifespan and shows to the HTTP client the cookies that a socket is given.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias, final

from wstest_core import quiescence
from wstest_core.lifespan import Lifespan
from wstest_core.scope import HeadersInput, build_scope, normalise_headers
from wstest_fastapi._early import Early
from wstest_fastapi._http import httpx

__all__ = [
    "AnyMessage",
    "Event",
    "Receive",
    "Send",
    "SharedApplication",
    "handshake",
    "require_plain_test",
]

_Pairs: TypeAlias = list[tuple[bytes, bytes]]
# The class of a message is the user's; without models it is what JSON holds.
AnyMessage: TypeAlias = Any
# ASGI types neither scopes nor events more closely.
_Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]


_SECURE = {"ws": "http", "wss": "https"}
# A handshake has its own, and nobody upgrades for a representation.
_NOT_OF_A_HANDSHAKE = (b"connection", b"accept")
_ANSWERS = ("websocket.accept", "websocket.http.response.start")


@final
class SharedApplication:
    """The application under test, as both sides of a client call it."""

    def __init__(
        self,
        lifespan: Lifespan,
        keep_cookies: Callable[[httpx.Response], None],
        early: Callable[[], Early | None] = lambda: None,
    ) -> None:
        self.lifespan = lifespan
        self.is_open = False
        self._keep_cookies = keep_cookies
        self._early = early

    async def __call__(self, scope: _Scope, receive: Receive, send: Send) -> None:
        await self._require_open()
        if scope["type"] == "websocket":
            send = self._listening(scope, send)
        await self.lifespan(scope, receive, send)

    async def connects(self, socket: object, name: str) -> None:
        """A socket is to be connected: RuntimeError if the client is not open."""
        await self._require_open()
        if (early := self._early()) is not None:
            early.connects(socket, name)

    async def leaves(self, socket: object) -> None:
        """A socket has ended."""
        if (early := self._early()) is not None:
            await early.leaves(socket)

    async def _require_open(self) -> None:
        if not self.is_open and (early := self._early()) is not None:
            await early.open()
        if not self.is_open:
            raise RuntimeError(
                "the client is not open: use it within `async with AppClient(app) as "
                "client` (or `with SyncAppClient(app) as client`), which runs the "
                "application's lifespan; the fixtures are open until the test ends"
            )

    def _listening(self, scope: _Scope, send: Send) -> Send:
        async def listening(event: Event) -> None:
            if event.get("type") in _ANSWERS:
                self._keep_cookies(_response(scope, event))
            await send(event)

        return listening


def handshake(
    client: httpx.Client | httpx.AsyncClient,
    path: str,
    headers: HeadersInput | None = None,
) -> tuple[str, _Pairs]:
    """Return URL and headers of a handshake, as this HTTP client would send it.

    It has the client's base URL, parameters, headers, credentials and
    cookies; `headers` come over them, but cookies among them are added.

    Raises:
        TypeError, ValueError: for what is no path, and no URL either.
    """
    if "://" not in str(path):
        build_scope(path)  # which says how a path begins
    given = normalise_headers(headers)
    cookies = [value for name, value in given if name == b"cookie"]
    others = [pair for pair in given if pair[0] != b"cookie"]
    request = client.build_request("GET", _as_http(path), headers=others)
    if client.auth is not None and b"authorization" not in dict(others):
        request = next(client.auth.auth_flow(request))
    sent = [(name.lower(), value) for name, value in request.headers.raw]
    cookies = [value for name, value in sent if name == b"cookie"] + cookies
    kept = [pair for pair in sent if pair[0] not in (*_NOT_OF_A_HANDSHAKE, b"cookie")]
    if cookies:
        kept.append((b"cookie", b"; ".join(cookies)))
    return str(request.url.copy_with(scheme=_as_ws(request.url.scheme))), kept


def require_plain_test() -> None:
    """Refuse to stop an event loop, as a client for plain tests would.

    Raises:
        RuntimeError: in an async test, saying what it has instead.
    """
    try:
        quiescence.watch()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop is running here, and SyncAppClient would stop it: use "
        "AppClient with await; its fixtures are ws_connect and ws_client"
    )


def _as_http(path: str) -> str:
    scheme, separator, rest = path.partition("://")
    return f"{_SECURE.get(scheme, scheme)}{separator}{rest}"


def _as_ws(scheme: str) -> str:
    return "wss" if scheme == "https" else "ws"


def _response(scope: _Scope, event: Event) -> httpx.Response:
    """Return an answer to a handshake as a response, which is what keeps cookies."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    url = httpx.URL(
        scheme=_SECURE.get(scope["scheme"], "http"),
        netloc=hosts[0],
        raw_path=scope["raw_path"],
    )
    headers = [(bytes(name), bytes(value)) for name, value in event.get("headers", ())]
    request = httpx.Request("GET", url)
    return httpx.Response(event.get("status", 101), headers=headers, request=request)
