"""Runs a real server in a thread of this process, on a port of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Collection, Coroutine, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import format_exception
from typing import Protocol, final

from wstest_core import quiescence, settings
from wstest_core.errors import WebSocketTestError

__all__ = ["Connection", "LiveServer", "Server", "live_server", "shut_down"]

_FAREWELL = 0.2  # seconds that a client has to answer the end of its connection


class Server(Protocol):
    """What a server has to offer: uvicorn's interface.

    `run` serves on sockets that listen already, and returns some time after
    another thread has set `should_exit`. It runs in a thread, once. It sets
    `started` when it is ready to serve.
    """

    started: bool
    should_exit: bool

    def run(self, sockets: list[socket.socket]) -> None:
        """Serve until `should_exit` is set."""
        ...


class Connection(Protocol):
    """What an asyncio server knows of a client, as uvicorn's protocols do."""

    @property
    def transport(self) -> asyncio.WriteTransport:
        """What its bytes go through."""
        ...


Server.__module__ = Connection.__module__ = "wstest_core.live"


@final
@dataclass(frozen=True, slots=True)
class LiveServer:
    """Where a server can be reached; `secure` says that it speaks TLS."""

    __module__ = "wstest_core"

    host: str
    port: int
    secure: bool = False

    @property
    def url(self) -> str:
        """The address of its pages: "http://host:port", or https://."""
        return f"http{self._rest}"

    @property
    def ws_url(self) -> str:
        """The address of its sockets, for a communicator or a `NetworkDriver`."""
        return f"ws{self._rest}"

    @property
    def _rest(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'s' if self.secure else ''}://{host}:{self.port}"


@contextmanager
def live_server(
    server: Server,
    *,
    host: str = "127.0.0.1",
    secure: bool = False,
    timeout: float = 30.0,
) -> Generator[LiveServer]:
    """Run a server in a thread while a block lasts.

    The port is free and bound once, before the server starts. The block
    begins when the server says that it has started, and whoever connects in
    it is served. At the end the server is told to exit, and waited for.
    `secure` says that it is set up for TLS. `timeout`, in seconds, guards its
    start and its end, each, against hanging.

    The block is entered and left by waiting, in an async test too: close what
    is connected before the block ends.

    Raises:
        RuntimeError: if the server does not start, fails while it serves, or
            does not end; chained to what it raised. What a `Lifespan` in it
            reports is raised as it is. An error of the block is not
            replaced: it gets a note.
        OSError: if `host` is no address of this machine.
    """
    with _listening(host) as listener:
        port: int = listener.getsockname()[1]
        thread = _ServerThread(server, listener, timeout)
        thread.start()
        try:
            yield LiveServer(host, port, secure)
        except BaseException as error:
            if (failure := thread.stop()) is not None:
                error.add_note(_note(failure))
            raise
        if (failure := thread.stop()) is not None:
            raise failure


async def shut_down(
    ending: Coroutine[object, object, None], connections: Collection[Connection]
) -> None:
    """Await a server's own shutdown, without waiting for clients that do not part.

    The end of a TLS connection waits for the client's farewell, and a browser
    takes its time. So what is closing is cut after a moment, and what is still
    in `connections` at the end is cut too: no socket outlives its server.
    """
    for each in connections:
        # uvicorn would close it once more, which websockets refuses.
        if each.transport.is_closing() and hasattr(each, "close_sent"):
            setattr(each, "close_sent", True)  # noqa: B010
    task = asyncio.ensure_future(ending)
    while not (await asyncio.wait([task], timeout=_FAREWELL))[0]:
        _cut(each for each in connections if each.transport.is_closing())
    _cut(connections)
    await asyncio.sleep(0)  # a transport that is cut closes its socket
    await asyncio.sleep(0)
    await task


def _cut(connections: Iterable[Connection]) -> None:
    for connection in list(connections):
        connection.transport.abort()


@final
class _ServerThread:
    """The thread of one server."""

    def __init__(self, server: Server, listener: socket.socket, timeout: float) -> None:
        self._server = server
        self._timeout = None if settings.debugger_attached() else timeout
        self._news = threading.Event()  # it is ready, or has ended
        self._error: BaseException | None = None
        # One that hangs must not keep the process alive.
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="wstest live server", daemon=True
        )

    def start(self) -> None:
        with _telling(self._server, self._news.set):
            try:
                self._thread.start()
                self._news.wait(self._timeout)
            except BaseException:
                self.stop()
                raise
        if not self._server.started:
            raise self._stillborn()

    def stop(self) -> Exception | None:
        """Make the server end; return what is to be said of that."""
        self._server.should_exit = True
        self._thread.join(self._timeout)
        if self._thread.is_alive():
            return RuntimeError(
                f"the server did not end within {self._timeout:g} s of being told to: "
                "what does the application wait for? Its thread goes on"
            )
        return self._failure("the server failed")

    def _run(self, listener: socket.socket) -> None:
        try:
            with quiescence.runs_server(lambda: self._server.should_exit):
                self._server.run(sockets=[listener])
        except BaseException as error:
            self._error = error
        finally:
            self._news.set()

    def _stillborn(self) -> Exception:
        if self._news.is_set():
            self._thread.join()
            failure = self._failure("the server did not start")
            return failure or RuntimeError("the server ended instead of starting")
        self._server.should_exit = True
        return RuntimeError(
            f"the server did not start within {self._timeout:g} s: "
            "what does the application's startup wait for? Its thread goes on"
        )

    def _failure(self, what: str) -> Exception | None:
        error = self._error
        if error is None or isinstance(error, WebSocketTestError):
            return error
        failure = RuntimeError(f"{what}: it raised {error!r}")
        failure.__cause__ = error
        return failure


def _note(failure: Exception) -> str:
    cause = failure.__cause__
    lines = [] if cause is None else format_exception(cause)
    return "\n".join([f"And {failure}", *lines]).rstrip()


def _listening(host: str) -> socket.socket:
    """Return a socket that listens on a free port of `host`."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        # Of a name that has both, clients try the older family too.
        family = min(each[0] for each in found)
        return socket.create_server((host, 0), family=family)
    except (OSError, UnicodeError) as error:
        raise OSError(
            f"no server can listen on {host!r}: {error}; give an address of this "
            "machine, such as '127.0.0.1' or 'localhost'"
        ) from error


@contextmanager
def _telling(server: Server, tell: Callable[[], None]) -> Generator[None]:
    """Call a function, in the server's thread, when the server sets `started`.

    It has no other way to say so, and looking again and again is waste.
    """
    kind = type(server)

    def watch(self: Server, name: str, value: object) -> None:
        kind.__setattr__(self, name, value)
        if name == "started" and value:
            tell()

    watched = {"__setattr__": watch, "__slots__": ()}
    server.__class__ = type(kind.__name__, (kind,), watched)
    try:
        yield
    finally:
        server.__class__ = kind
