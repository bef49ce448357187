"""One HTTP request to an application, and its response."""

import re
from typing import TypedDict

from anyio import current_time

from wstest_core import (
    ApplicationCommunicator,
    IllegalAsgiEvent,
    NoMessage,
    explain,
    settings,
)
from wstest_core.drivers import AsgiApplication
from wstest_core.events import Reject
from wstest_core.legality import Event, State, denial_of, violation
from wstest_core.scope import HeadersInput, Scope, build_scope, normalise_headers

__all__ = ["HttpCommunicator", "HttpResponse"]

_START, _BODY = "http.response.start", "http.response.body"
_SCHEMES = {"http": "ws", "https": "wss"}
# What a request has in common with a connection, for those who serve it.
_SHARED = (
    *("asgi", "http_version", "server", "client", "root_path", "path", "raw_path"),
    *("query_string", "state"),
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class HttpResponse(TypedDict):
    """A whole response. Headers are as the application sent them."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class HttpCommunicator(ApplicationCommunicator):
    """Sends one HTTP request to an ASGI application: Channels' name.

    `path` is a path with an optional query, or a whole `http://` URL.
    `headers` are pairs of bytes or str, or a mapping; what every client sends
    (`Host`, and `Content-Length` where it is due) is added. The scope is that
    of a server (ASGI HTTP and WebSocket spec, section HTTP).

    For a request in parts, a client that goes away or a response that never
    ends, use `send_input` and `receive_output`.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     await send({"type": "http.response.start", "status": 200})
    ...     body = scope["path"].encode()
    ...     await send({"type": "http.response.body", "body": body})
    >>> async def test():
    ...     return await HttpCommunicator(app, "GET", "/hello").get_response()
    >>> asyncio.run(test())
    {'status': 200, 'headers': [], 'body': b'/hello'}

    Raises:
        TypeError, ValueError: for what no client could have sent.
    """

    __module__ = "wstest_django"

    def __init__(
        self,
        application: AsgiApplication | str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: HeadersInput | None = None,
    ) -> None:
        super().__init__(application, _scope(method, path, body, headers))
        self._request: Event | None
        self._request = {"type": "http.request", "body": body, "more_body": False}
        self._title = f"{self.scope['method']} {path}"
        self._head: Reject | None = None
        self._parts: list[bytes] = []
        self._complete = False

    async def get_response(self, timeout: float | None = None) -> HttpResponse:
        """Send the request, unless it is sent, and return the whole response.

        It has `timeout` seconds to be complete. After a failure this can be
        called again: what has arrived is kept. So is the response.

        Raises:
            NoMessage: as soon as it is known not to get complete.
            ApplicationCrashed: if the application raised before it was.
            IllegalAsgiEvent: for an event that ASGI does not allow there.
        """
        if self._request is not None:
            request, self._request = self._request, None
            await self.send_input(request)
        wait = settings.current.timeout if timeout is None else timeout
        left, deadline = wait, current_time() + wait
        while self._head is None or not self._complete:
            self._take(await self._next_part(left))
            left = max(0.0, round(deadline - current_time(), 3))
            if not (left or self._complete or settings.debugger_attached()):
                raise NoMessage(self._text(f"it takes longer than {wait:g} s"))
        return {
            "status": self._head.status,
            "headers": list(self._head.headers),
            "body": b"".join(self._parts),
        }

    async def _next_part(self, timeout: float) -> Event:
        try:
            return await self.receive_output(timeout)
        except NoMessage as failure:
            text = f"no complete response to {self._title}: {failure}"
            raise NoMessage(text) from None

    def _take(self, event: Event) -> None:
        if self._head is None:
            self._check(event, _START, State.CONNECTING)
            self._head = denial_of(event)
        else:
            self._check(event, _BODY, State.DENYING)
            self._parts.append(event.get("body", b""))
            self._complete = not event.get("more_body", False)

    def _check(self, event: Event, wanted: str, state: State) -> None:
        if event["type"] == wanted:
            # The rules are those of a denial response to a WebSocket.
            rule = violation({**event, "type": f"websocket.{wanted}"}, state)
        else:
            rule = f"{wanted!r} must come now"
        if rule is None:
            return
        raise IllegalAsgiEvent(self._text(f"illegal {event['type']!r}: {rule}"))

    def _text(self, why: str) -> str:
        line = f"no complete response to {self._title}: {why}"
        return explain.failure(line, transcript=self.transcript, doing=self.doing())


def _scope(
    method: object, path: object, body: object, headers: HeadersInput | None
) -> Scope:
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no HTTP method: give one such as 'GET'")
    if not isinstance(body, bytes):
        raise TypeError(f"a body is bytes, not {type(body).__name__}: encode it")
    scheme, connection = _connection(path)
    given = normalise_headers(headers)
    return {
        "type": "http",
        "method": method.upper(),
        "scheme": scheme,
        "headers": [*_missing(method.upper(), body, connection, given), *given],
        "extensions": {},
        **{name: connection[name] for name in _SHARED},
    }


def _connection(path: object) -> tuple[str, Scope]:
    """Return the scheme, and the scope of a connection to the same place."""
    if not isinstance(path, str):
        raise TypeError(f"Expected str, got {type(path)} as the path of a request")
    target, _, _ = path.partition("#")  # which is the client's own
    if target.startswith("/"):
        return "http", build_scope(target)
    scheme, found, rest = target.partition("://")
    if not found or scheme not in _SCHEMES:
        raise ValueError(
            f"{path!r} is no path of a request: start it with '/', as in "
            f"'/{rest or target}', or give an http:// or https:// URL"
        )
    return scheme, build_scope(f"{_SCHEMES[scheme]}://{rest}")


def _missing(
    method: str, body: bytes, connection: Scope, given: list[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """Return what a client adds (RFC 9112 section 3.2, RFC 9110 section 8.6)."""
    names = {name for name, _ in given}
    wanted = [(b"host", dict(connection["headers"])[b"host"])]
    if (body or method in _WITH_BODY) and b"transfer-encoding" not in names:
        wanted.append((b"content-length", str(len(body)).encode()))
    return [header for header in wanted if header[0] not in names]
