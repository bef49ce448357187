"""Sockets: those at work are waited for, idle ones are presumed silent."""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.backends import on
from tests.core.quiescence.hops_threads import INSTANT, POOL, work
from tests.core.quiescence.rig import (
    Reply,
    Spawn,
    answering,
    connected,
    exchange,
    silence,
)
from wstest_core import settings
from wstest_core.settings import override

pytestmark = [pytest.mark.anyio, on("asyncio", "asyncio-eager")]

CERTIFICATE = Path(__file__).parents[1] / "localhost.pem"


@contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """Yield one end of a connection whose other end a pool's thread serves."""
    ours, theirs = socket.socketpair()
    with theirs:
        done = POOL.submit(serve, theirs)
        with ours:
            yield ours
        done.result()


def echoes_late(line: socket.socket) -> None:
    while received := line.recv(100):
        work()
        line.sendall(received)


class Feeds(asyncio.Protocol):
    """Calls a function with what arrives."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def data_received(self, data: bytes) -> None:
        self._take(data.decode())


@asynccontextmanager
async def line_to(
    end: socket.socket, take: Callable[[str], None]
) -> AsyncIterator[asyncio.Transport]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: Feeds(take), sock=end)
    try:
        yield transport
    finally:
        transport.close()
        await asyncio.sleep(0)


@pytest.fixture
def quiet_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def answers_in_a_queue(end: socket.socket) -> Any:
    """Make an application whose task waits in a queue that a protocol feeds."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        arrived: asyncio.Queue[str] = asyncio.Queue()
        await receive()
        async with line_to(end, arrived.put_nowait) as line:
            await send({"type": "websocket.accept"})
            while (event := await receive())["type"] == "websocket.receive":
                line.write(event["text"].encode())
                text = await arrived.get()
                await send({"type": "websocket.send", "text": text})

    return application


Pair = tuple[socket.socket, socket.socket]


async def test_queue_that_a_protocol_feeds_is_waited_for(quiet_pair: Pair) -> None:
    """A task in a queue is not idle if a socket's protocol can reach the queue."""
    ours, theirs = quiet_pair
    async with connected(answers_in_a_queue(ours)) as driver:
        await driver.send("x")
        with override(idle_socket_grace=0.0):
            found = await silence(driver, timeout=INSTANT)
            assert found.startswith("expired: a socket is open and"), found
        theirs.sendall(b"y")
        assert await driver.receive(timeout=1) == "y"


shapes = ModuleType("shapes")
ARRIVED: ContextVar["asyncio.Queue[str]"] = ContextVar("ARRIVED")


def into_the_module(text: str) -> None:
    shapes.queue.put_nowait(text)


class Hub:
    queue: "asyncio.Queue[str]"

    def take(self, text: str) -> None:
        self.queue.put_nowait(text)

    @classmethod
    def take_for_all(cls, text: str) -> None:
        cls.queue.put_nowait(text)

    @property
    def place(self) -> "asyncio.Queue[str]":
        return shapes.queue  # type: ignore[no-any-return]


class HasAHub(asyncio.Protocol):
    def __init__(self) -> None:
        self.hub = Hub()

    def data_received(self, data: bytes) -> None:
        self.hub.place.put_nowait(data.decode())


def from_a_local_import(text: str) -> None:
    import shapes  # type: ignore[import-not-found]

    shapes.queue.put_nowait(text)


def in_a_function_within(text: str) -> None:
    def put() -> None:
        shapes.queue.put_nowait(text)

    put()


FEEDING: dict[str, Callable[[], asyncio.Protocol]] = {
    "attribute of a module": lambda: Feeds(into_the_module),
    "function of a module": lambda: Feeds(lambda text: shapes.function(text)),
    "attribute of a class": lambda: Feeds(lambda text: Hub.queue.put_nowait(text)),
    "attribute of a class by itself": lambda: Feeds(Hub().take),
    "classmethod": lambda: Feeds(Hub.take_for_all),
    "property of another object": HasAHub,
    "function within": lambda: Feeds(in_a_function_within),
    "import within": lambda: Feeds(from_a_local_import),
    "context variable": lambda: Feeds(lambda text: ARRIVED.get().put_nowait(text)),
}


@pytest.mark.parametrize("make", FEEDING.values(), ids=FEEDING)
async def test_queue_that_a_protocol_gets_at_by_a_name(
    make: Callable[[], asyncio.Protocol],
    quiet_pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task in a queue is not idle if what a protocol calls names the queue."""
    ours, theirs = quiet_pair
    arrived = Hub.queue = shapes.queue = asyncio.Queue[str]()
    ARRIVED.set(arrived)
    shapes.function = into_the_module
    monkeypatch.setitem(sys.modules, "shapes", shapes)

    async def relay(text: str, spawn: Spawn, reply: Reply) -> None:
        await reply(await arrived.get())

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(make, sock=ours)
    async with connected(answering(relay)) as driver:
        await driver.send("x")
        with override(idle_socket_grace=0.0):
            found = await silence(driver, timeout=INSTANT)
            assert found.startswith("expired: a socket is open and"), found
        theirs.sendall(b"y")
        assert await driver.receive(timeout=1) == "y"
    transport.close()
    await asyncio.sleep(0)


async def test_each_wait_has_a_grace_of_its_own(quiet_pair: Pair) -> None:
    """What was presumed once is not known for the next wait."""
    ours, theirs = quiet_pair
    lines: list[str] = []

    async def asks(text: str, spawn: Spawn, reply: Reply) -> None:
        loop.call_later(INSTANT, theirs.sendall, b"y")
        spawn(lambda: answer(reply))

    async def answer(reply: Reply) -> None:
        while not lines:
            await asyncio.sleep(INSTANT)
        await reply(lines.pop())

    loop = asyncio.get_running_loop()
    async with line_to(ours, lines.append), connected(answering(asks)) as driver:
        for _ in range(3):
            assert (await silence(driver)).startswith("presumed")
            took = loop.time()
            assert (await silence(driver)).startswith("presumed")
            assert loop.time() - took >= settings.current.idle_socket_grace * 0.9
            assert await exchange(driver, "x") == "y"


class Strange:
    """Says that it is something else, and raises when it is asked."""

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise LookupError("nobody shall ask")

    @__class__.setter
    def __class__(self, _: type) -> None:
        raise LookupError("nobody shall ask")


async def test_objects_of_an_application_are_not_asked_what_they_are(
    quiet_pair: Pair,
) -> None:
    """What a protocol refers to may run code, or fail, where it is asked its class."""
    ours, _ = quiet_pair
    strange, waiting = Strange(), asyncio.Queue[str]()

    async def waits(text: str, spawn: Spawn, reply: Reply) -> None:
        await reply(await waiting.get())

    def take(text: str) -> None:
        assert strange

    async with line_to(ours, take), connected(answering(waits)) as driver:
        await driver.send("x")
        assert (await silence(driver)).startswith("presumed")


async def test_idle_socket_is_presumed_silent(quiet_pair: Pair) -> None:
    """A socket that nobody reads is at rest: a presumption, not a proof."""
    ours, _ = quiet_pair
    lines: list[str] = []

    async def echo(text: str, spawn: Spawn, reply: Reply) -> None:
        await reply(text)

    async with line_to(ours, lines.append), connected(answering(echo)) as driver:
        assert await exchange(driver, "x") == "x"
        found = await silence(driver)
        assert found == "presumed: a socket is open, and no task waits for one"


async def test_grace_begins_again_with_what_arrives(quiet_pair: Pair) -> None:
    """Bytes that arrive while a socket seems idle put the presumption off."""
    ours, theirs = quiet_pair
    arrivals: list[str] = []
    loop = asyncio.get_running_loop()

    async def echo(text: str, spawn: Spawn, reply: Reply) -> None:
        await reply(text)

    def trickle(line: socket.socket) -> None:
        for _ in range(6):
            line.sendall(b".")
            work()

    async with line_to(ours, arrivals.append), connected(answering(echo)) as driver:
        with override(idle_socket_grace=20 * INSTANT):
            begun = loop.time()
            waiting = asyncio.ensure_future(silence(driver))
            await asyncio.sleep(0)
            job = loop.run_in_executor(POOL, trickle, theirs)
            assert (await waiting).startswith("presumed")
            assert loop.time() - begun >= 20 * INSTANT
        await job
        assert arrivals


@pytest.mark.parametrize("limit", [2, 2**16])
async def test_stream_is_read_to_its_end(limit: int) -> None:
    """A reply that comes through a stream, paused or not, is not missed."""

    async def relay(text: str, spawn: Spawn, reply: Reply) -> None:
        with peer(echoes_late) as end:
            reader, writer = await asyncio.open_connection(sock=end, limit=limit)
            writer.write(text.encode() * 50)
            await writer.drain()
            received = b""
            while len(received) < 50:
                received += await reader.read(7)
            writer.close()
            await writer.wait_closed()
            await reply(received.decode()[:1])

    async with connected(answering(relay)) as driver:
        assert await exchange(driver, "x") == "x"
        assert await silence(driver) == "proved"


async def test_server_in_the_loop_stands_in_a_proofs_way() -> None:
    """While the loop listens for connections, anybody may call."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def ask(text: str, spawn: Spawn, reply: Reply) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(text.encode() + b"\n")
        await reply((await reader.readline()).decode().strip())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        async with connected(answering(ask)) as driver:
            assert await exchange(driver, "x") == "x"
            found = await silence(driver, timeout=INSTANT)
            assert found.startswith("expired: ")


async def test_reply_over_tls() -> None:
    """A handshake and a reply in TLS are not missed."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(CERTIFICATE)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.load_verify_locations(CERTIFICATE)

    def serve() -> None:
        line, _ = listener.accept()
        with server_side.wrap_socket(line, server_side=True) as secret:
            work()
            secret.sendall(secret.recv(10))
            secret.recv(10)

    async def ask(text: str, spawn: Spawn, reply: Reply) -> None:
        reader, writer = await asyncio.open_connection(
            *listener.getsockname(), ssl=client_side, server_hostname="localhost"
        )
        writer.write(text.encode())
        await reply((await reader.readexactly(1)).decode())
        writer.close()
        await writer.wait_closed()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        async with connected(answering(ask)) as driver:
            assert await exchange(driver, "x") == "x"
            thread.join()
            assert await silence(driver) == "proved"


async def test_datagrams_are_waited_for() -> None:
    """A datagram may come at any time: no proof and no presumption."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )

    async def echo(text: str, spawn: Spawn, reply: Reply) -> None:
        await reply(text)

    try:
        async with connected(answering(echo)) as driver:
            assert await exchange(driver, "x") == "x"
            found = await silence(driver, timeout=INSTANT)
            assert found == "expired: a socket is in use"
    finally:
        transport.close()
        await asyncio.sleep(0)
