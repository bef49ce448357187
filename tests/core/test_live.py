"""A server in a thread: it starts, it is reached, it ends, and says what went wrong."""

import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx2
import pytest
import trio
import uvicorn

from tests.core.quiescence.rig import answering, connected, silence
from tests.services import require
from wstest_core import LiveServer, SyncWebsocketCommunicator, live_server
from wstest_core.errors import WebSocketTestError

NAME = "wstest live server"
ACCEPT = {"type": "websocket.accept"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a page"})
        return
    await send(ACCEPT)
    await send({"type": "websocket.send", "text": threading.current_thread().name})
    await receive()


def real(application: Any = application, **options: Any) -> uvicorn.Server:
    config = uvicorn.Config(application, log_config=None, lifespan="off", **options)
    return uvicorn.Server(config)


def page(live: LiveServer) -> httpx2.Response:
    return httpx2.get(live.url, trust_env=False)


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == NAME]


def join() -> None:
    for thread in threads():
        thread.join()


# --- what works


def test_pages_and_sockets_are_served() -> None:
    """In the block both addresses work; after it nobody is there any more."""
    with live_server(real()) as live:
        assert page(live).text == "a page"
        with SyncWebsocketCommunicator(live.ws_url, "/") as ws:
            assert ws.receive_text() == NAME
    assert threads() == []
    with pytest.raises(ConnectionError):
        socket.create_connection((live.host, live.port))


def test_server_says_where_it_is() -> None:
    """The addresses follow from host, port and TLS."""
    plain, secure = LiveServer("a", 80), LiveServer("::1", 443, secure=True)
    assert (plain.url, plain.ws_url) == ("http://a:80", "ws://a:80")
    assert (secure.url, secure.ws_url) == ("https://[::1]:443", "wss://[::1]:443")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0"])
def test_host(host: str) -> None:
    """A name and either kind of address can be served on, and reached."""
    require(host != "::1" or has_ipv6(), "this machine has no IPv6")
    with live_server(real(), host=host) as live:
        assert live.host == host
        assert page(live).text == "a page"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_two_servers_at_once() -> None:
    """Each has a port of its own."""
    with live_server(real()) as first, live_server(real()) as second:
        assert first.port != second.port
        assert page(first).text == page(second).text


def test_server_that_ends_by_itself() -> None:
    """One that served all it wanted to has not failed."""
    with live_server(real(limit_max_requests=1)) as live:
        assert page(live).text == "a page"


def test_nothing_is_left_behind() -> None:
    """Neither a thread, nor a socket, nor an event loop."""
    with live_server(real()) as live:
        page(live)
    gc.collect()  # what was not closed warns, which is an error here
    assert threads() == []


def test_silence_is_proved_beside_it() -> None:
    """A server that serves nobody stands in the way of no proof, on trio too."""

    async def nothing(*_: Any) -> None:
        raise NotImplementedError

    async def main() -> str:
        async with connected(answering(nothing)) as driver:
            return await silence(driver)

    with live_server(real(loop="asyncio")):
        assert trio.run(main) == "proved"


# --- what goes wrong


class Scripted:
    """A server of a few lines."""

    def __init__(self, *parts: "Part") -> None:
        self.started = False
        self.should_exit = False
        self.parts = parts
        self.gate = threading.Event()

    def run(self, sockets: list[socket.socket]) -> None:
        for part in self.parts:
            part(self)


# What a scripted server does when it runs.
Part: TypeAlias = Callable[[Scripted], None]


def starts(server: Scripted) -> None:
    server.started = True


def hangs(server: Scripted) -> None:
    server.gate.wait()


def fails(error: BaseException) -> Part:
    def fail(server: Scripted) -> None:
        raise error

    return fail


def test_server_is_left_as_it_was() -> None:
    """How its start was noticed does not show, neither in the block nor after."""
    server = Scripted(starts)
    with live_server(server):
        assert type(server) is Scripted
        assert server.started
    assert server.should_exit


@pytest.mark.parametrize("error", [LookupError("no"), SystemExit(3)])
def test_server_that_does_not_start(error: BaseException) -> None:
    """What it raised is named, and chained."""
    with (
        pytest.raises(RuntimeError) as failure,
        live_server(Scripted(fails(error))),
    ):
        pytest.fail("the block does not begin")
    assert str(failure.value) == f"the server did not start: it raised {error!r}"
    assert failure.value.__cause__ is error


def test_server_that_ends_instead_of_starting() -> None:
    """One that just returns has not started."""
    with (
        pytest.raises(RuntimeError, match="the server ended instead of starting"),
        live_server(Scripted()),
    ):
        pytest.fail("the block does not begin")


def test_server_that_takes_too_long_to_start() -> None:
    """The guard ends the wait, and the server is told to exit."""
    server = Scripted(hangs)
    with (
        pytest.raises(RuntimeError) as failure,
        live_server(server, timeout=0.01),
    ):
        pytest.fail("the block does not begin")
    assert str(failure.value) == (
        "the server did not start within 0.01 s: "
        "what does the application's startup wait for? Its thread goes on"
    )
    assert server.should_exit
    server.gate.set()
    join()


def test_server_that_does_not_end() -> None:
    """The guard ends the wait."""
    server = Scripted(starts, hangs)
    with pytest.raises(RuntimeError) as failure, live_server(server, timeout=0.01):
        assert server.started
    assert str(failure.value) == (
        "the server did not end within 0.01 s of being told to: "
        "what does the application wait for? Its thread goes on"
    )
    server.gate.set()
    join()


def test_server_that_fails_while_it_serves() -> None:
    """The end of the block says so."""
    error = LookupError("gone")
    server = Scripted(starts, hangs, fails(error))
    with pytest.raises(RuntimeError) as failure, live_server(server):
        server.gate.set()
    assert str(failure.value) == "the server failed: it raised LookupError('gone')"
    assert failure.value.__cause__ is error


def test_error_of_the_block_is_not_replaced() -> None:
    """It comes first, and the server's is a note to it, with its cause."""
    server = Scripted(starts, hangs, fails(LookupError("gone")))
    with pytest.raises(ZeroDivisionError) as failure, live_server(server):
        server.gate.set()
        raise ZeroDivisionError
    (note,) = failure.value.__notes__
    assert note.startswith("And the server failed: it raised LookupError('gone')\nTrac")
    assert note.endswith("LookupError: gone")


def test_what_a_lifespan_reports_is_raised_as_it_is() -> None:
    """A failure that explains itself needs no other around it."""
    error = WebSocketTestError("the application did not start")
    with (
        pytest.raises(WebSocketTestError) as failure,
        live_server(Scripted(fails(error))),
    ):
        pytest.fail("the block does not begin")
    assert failure.value is error


class Obedient(Scripted):
    """A server that ends when it is told to."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "should_exit" and value:
            self.gate.set()


def interrupts(server: Scripted) -> None:
    main = threading.main_thread().ident
    signal.pthread_kill(main, signal.SIGINT)  # type: ignore[arg-type]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, which it does not in a process of the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="threads get no signals there")
@pytest.mark.usefixtures("interruptible")
def test_interrupted_start() -> None:
    """Who gives up while it starts leaves no server behind."""
    with (
        pytest.raises(KeyboardInterrupt),
        live_server(Obedient(interrupts, hangs)),
    ):
        pytest.fail("the block does not begin")
    assert threads() == []


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a..b"])
def test_address_of_another_machine(host: str) -> None:
    """One sentence says what to give instead."""
    with (
        pytest.raises(OSError, match="no server can listen on") as failure,
        live_server(real(), host=host),
    ):
        pytest.fail("the block does not begin")
    assert repr(host) in str(failure.value)
    assert str(failure.value).endswith("such as '127.0.0.1' or 'localhost'")
