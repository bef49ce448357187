"""Speaks to a server that runs, through the `websockets` library."""

import asyncio
import math
from collections import deque
from contextlib import suppress
from importlib import import_module
from ssl import SSLContext
from typing import TYPE_CHECKING, Literal, final
from urllib.parse import urlsplit

from wstest_core import quiescence
from wstest_core.events import Accept, Close, Frame, Reject, Return, Silence, Terminal
from wstest_core.legality import may_be_sent
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

if TYPE_CHECKING:
    from wstest_core.drivers._handshake import ClientConnection, ConnectionClosed

__all__ = ["NetworkDriver"]

_WHY = "a server on the network does not show what it is doing"
_PORTS = {"ws": 80, "wss": 443}


@final
class NetworkDriver:
    """Connects to a server at a `ws://` or `wss://` URL. On asyncio only.

    A path in `url` stands before the path of the connection. `ssl` is the
    context for `wss://`. `compression` and the pings are those of the
    `websockets` library; None turns them off.

    Nobody can see from here what the server is doing, so silence is never
    proved: a wait for nothing lasts as long as its timeout. `open` returns
    with the finished handshake. A refusal has its HTTP status, headers and
    body, and no close code, which never travels. A connection that is lost
    ends with `Return`, as one that the application left unclosed does: both
    are 1006 to a browser.
    """

    __module__ = "wstest_core.drivers"

    def __init__(
        self,
        url: str,
        *,
        ssl: SSLContext | None = None,
        compression: Literal["deflate"] | None = "deflate",
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
    ) -> None:
        self._url = _checked(url)
        self._options: dict[str, object] = {
            "compression": compression,
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
        }
        if ssl is not None:
            self._options["ssl"] = ssl
        self._transcript = Transcript()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._inbox: deque[Frame] = deque()
        self._news = asyncio.Event()  # something arrived
        self._terminal: Terminal | None = None
        self._gone = False  # the client has said goodbye
        self._closed = False
        self._lost: str | None = None  # what the end looked like, if not a close

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        _require_asyncio()
        _require_websockets()
        self._transcript = transcript
        transcript.unread_in(self._inbox)
        from wstest_core.drivers import _handshake

        uri, address = self._target(scope)
        try:
            answer = await _handshake.shake_hands(
                uri, scope, timeout=timeout, **address, **self._options
            )
        except TimeoutError:
            return Silence("expired", _WHY)
        except _handshake.HandshakeFailed as error:
            self._lost = str(error)
            return self._finish(Return(seen=False))
        except OSError as error:
            raise ConnectionError(
                f"no connection to {self._url}: {error}; is the server running?"
            ) from error
        if isinstance(answer, Reject):
            return self._finish(answer)
        return self._accepted(answer, _handshake.accept_of(answer))

    async def send(self, frame: Frame) -> None:
        if self._terminal is not None or self._connection is None:
            return
        from wstest_core.drivers._handshake import ConnectionClosed

        self._transcript.sent(self.now(), frame)
        with suppress(ConnectionClosed):  # the reader tells how it ended
            await self._connection.send(frame)

    async def receive(self, *, timeout: float) -> Frame | Terminal | Silence:
        if not self._inbox and self._terminal is None:
            await self._wait_for_event(timeout)
        if self._inbox:
            return self._inbox.popleft()
        return self._terminal or Silence("expired", _WHY)

    async def settle(self, *, timeout: float) -> Silence:
        with suppress(TimeoutError):
            async with _limit(timeout):
                while self._terminal is None:
                    await self._wait_for_news()
        if self._terminal is not None:
            return Silence("proved", "the connection has ended")
        return Silence("expired", _WHY)

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        if self._closed:
            return
        self._closed = True
        self._say_goodbye(code)
        connection = self._connection
        try:
            if connection is not None and may_be_sent(code):
                with suppress(TimeoutError):
                    async with _limit(timeout):
                        await connection.close(code, reason)
        finally:
            await self._vanish()

    async def drop(self, *, code: int) -> None:
        self._say_goodbye(code)
        await self._vanish()

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def doing(self) -> str:
        if self._lost is not None:
            return f"The server at {self._url} is gone: {self._lost}."
        if self._terminal is not None:
            return f"The connection to {self._url} has ended."
        if self._connection is None:
            return f"The server at {self._url} has not answered."
        return f"What it is doing cannot be seen: it runs at {self._url}."

    @property
    def ended(self) -> Terminal | None:
        return self._terminal

    @property
    def exception(self) -> None:
        return None

    @property
    def lingers(self) -> str | None:
        return None  # a server's application is not ours to stop

    def _target(self, scope: Scope) -> tuple[str, dict[str, object]]:
        """Return the URI to ask for, and where to ask if that is elsewhere."""
        url = urlsplit(self._url)
        netloc, address = url.netloc, dict[str, object]()
        host = _own_host(scope)
        if host is not None:
            netloc, address["host"] = host, url.hostname
            address["port"] = url.port or _PORTS[url.scheme]
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"]
        uri = f"{url.scheme}://{netloc}{url.path.rstrip('/')}{path}"
        return (f"{uri}?{query.decode('ascii')}" if query else uri), address

    def _accepted(self, connection: "ClientConnection", accept: Accept) -> Accept:
        self._connection = connection
        self._transcript.received(self.now(), accept)
        # It reads on its own, so that a transcript shows when things arrived.
        self._reader = asyncio.create_task(self._read(connection))
        return accept

    async def _read(self, connection: "ClientConnection") -> None:
        from wstest_core.drivers._handshake import ConnectionClosed

        try:
            while True:
                frame = await connection.recv()
                self._transcript.received(self.now(), frame)
                self._inbox.append(frame)
                self._news.set()
        except ConnectionClosed as end:
            self._finish(self._ending(end))
        finally:
            if self._terminal is None:
                self._finish(Return(asked=self._gone, seen=False))

    def _ending(self, end: "ConnectionClosed") -> Close | Return:
        if end.rcvd is not None and end.rcvd_then_sent is not False:
            return Close(end.rcvd.code, end.rcvd.reason)
        if not self._gone:
            self._lost = str(end)
        return Return(asked=self._gone, seen=False)

    def _finish(self, terminal: Terminal) -> Terminal:
        self._terminal = terminal
        if self._lost is not None:
            self._transcript.remark(self.now(), self._lost)
        self._transcript.received(self.now(), terminal)
        self._news.set()
        return terminal

    def _say_goodbye(self, code: int) -> None:
        if self._gone:
            return
        self._gone = True
        if self._terminal is None:
            words = f"the client disconnects, code {code}"
            self._transcript.remark(self.now(), words)

    async def _vanish(self) -> None:
        if self._connection is not None:
            self._connection.transport.abort()
        if self._reader is not None:
            await asyncio.wait([self._reader])
        if self._terminal is None:
            self._finish(Return(asked=True, seen=False))

    async def _wait_for_event(self, timeout: float) -> None:
        with suppress(TimeoutError):
            async with _limit(timeout):
                while not self._inbox and self._terminal is None:
                    await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no ws:// or wss:// URL of a server")
    if parts.query or parts.fragment:
        raise ValueError(
            f"{url!r} has a query or a fragment: give the server's URL here, "
            "and the query in the path of the connection"
        )
    return url


def _require_asyncio() -> None:
    if quiescence.watch().cancelled is not asyncio.CancelledError:
        raise RuntimeError(
            "a server on the network can be tested from asyncio only, "
            "because the `websockets` library runs on nothing else"
        )


def _require_websockets() -> None:
    try:
        import_module("websockets.asyncio.client")
    except ImportError as error:
        raise ImportError(
            "a server on the network is reached through the package `websockets`, "
            "15 or later: install wstest-core[live]"
        ) from error


def _own_host(scope: Scope) -> str | None:
    """Return the host that the test asks for; None for the server's own."""
    host, port = scope["server"]
    given = next((v for name, v in scope["headers"] if name == b"host"), b"").decode()
    return None if given in ("", host, f"{host}:{port}") else given


def _limit(timeout: float) -> asyncio.Timeout:
    return asyncio.timeout(None if timeout == math.inf else timeout)
