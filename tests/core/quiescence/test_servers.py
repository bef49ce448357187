"""A live server: at rest it is harmless, and what it does is waited for."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import uvicorn

from tests.backends import on
from tests.core.quiescence.hops_asyncio import HOPS
from tests.core.quiescence.hops_threads import INSTANT, safely
from tests.core.quiescence.rig import (
    GUARD,
    Hop,
    Reply,
    Spawn,
    Then,
    _spawning,
    answering,
    connected,
    exchange,
    silence,
    through,
)
from tests.hectic import hectic
from wstest_core.live import live_server
from wstest_core.quiescence import _servers

pytestmark = [pytest.mark.anyio, on("asyncio")]

Wish = Callable[[Spawn], Awaitable[None]]
REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


class Serving:
    """A real server; what is wished is done there when somebody calls."""

    def __init__(self, **options: Any) -> None:
        self.wishes: deque[Wish] = deque()
        self.at_end: deque[Wish] = deque()
        options = {"log_config": None, "lifespan": "off", "loop": "asyncio"} | options
        self.server = uvicorn.Server(uvicorn.Config(self, **options))
        self.server.serve = self.serve  # type: ignore[method-assign]

    async def serve(self, sockets: Any = None) -> None:
        async with _spawning() as spawn:
            await type(self.server).serve(self.server, sockets)
            while self.at_end:
                await self.at_end.popleft()(spawn)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with _spawning() as spawn:
            while self.wishes:
                await self.wishes.popleft()(spawn)

    def knock(self) -> socket.socket:
        return socket.create_connection(self.address)

    def ask(self) -> None:
        """Send a request, and leave without waiting for an answer."""
        with self.knock() as line:
            line.sendall(REQUEST)

    @contextmanager
    def running(self) -> Iterator[None]:
        with live_server(self.server) as live:
            self.address = live.host, live.port
            yield


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    found = Serving()
    with found.running():
        yield found


@pytest.fixture
def serving(running: Serving) -> Serving:
    running.wishes.clear()
    return running


def there(serving: Serving, hop: Hop) -> Hop:
    """Make a hop that is done by the server, for somebody who has left already."""

    async def ask(spawn: Spawn, then: Then) -> None:
        answer = safely(spawn, then)

        async def then_here() -> None:
            answer()

        serving.wishes.append(lambda spawn: hop(spawn, then_here))
        serving.ask()

    return ask


async def at_once(spawn: Spawn, then: Then) -> None:
    await then()


async def echo(text: str, spawn: Spawn, reply: Reply) -> None:
    await reply(text)


async def still(serving: Serving) -> str:
    """What a wait says of silence while this server runs."""
    async with connected(answering(echo)) as driver:
        assert await exchange(driver, "x") == "x"
        return await silence(driver, timeout=20 * INSTANT)


async def until_rest(serving: Serving) -> None:
    """Wait until the server has nothing to do for those who have left."""
    async with connected(answering(echo)) as driver:
        assert await silence(driver) == "proved"


async def test_server_that_nobody_calls_is_harmless(serving: Serving) -> None:
    """Beside it silence is proved, before and after it has served somebody."""
    await until_rest(serving)
    assert await still(serving) == "proved"
    serving.ask()
    await until_rest(serving)
    assert await still(serving) == "proved"


@pytest.mark.parametrize("hop", HOPS.values(), ids=HOPS.keys())
async def test_reply_that_a_server_causes(serving: Serving, hop: Hop) -> None:
    """However long the server takes, its reply arrives; then silence is proved."""
    async with connected(through(there(serving, hop))) as driver:
        assert await exchange(driver, "first") == "first done"
        assert await exchange(driver, "second") == "second done"
        assert await silence(driver) == "proved"


@pytest.mark.parametrize("interval", [1e-6, 0.005])
async def test_somebody_at_the_door_is_seen(serving: Serving, interval: float) -> None:
    """No gap lies between a connection and its acceptance, at any pace."""
    with hectic(interval):
        async with connected(through(there(serving, at_once))) as driver:
            for number in range(100):
                assert await exchange(driver, str(number)) == f"{number} done"


async def test_door_is_looked_at() -> None:
    """A connection that waits to be accepted is seen from outside."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not _servers._is_called([listener.fileno()])
        with socket.create_connection(listener.getsockname()):
            assert _servers._is_called([listener.fileno()])


async def test_open_connection_may_cause_anything(serving: Serving) -> None:
    """While somebody is connected nothing is proved, though nothing happens."""
    with serving.knock():
        found = await still(serving)
        assert found.startswith("expired: thread 'wstest live server' is alive, ")
    await until_rest(serving)


@asynccontextmanager
async def left_behind(serving: Serving, wish: Wish) -> AsyncIterator[None]:
    """Let the server do something that goes on when its client has gone."""
    begun = asyncio.Event()
    here = asyncio.get_running_loop()

    async def do(spawn: Spawn) -> None:
        await wish(spawn)
        here.call_soon_threadsafe(begun.set)

    serving.wishes.append(do)
    serving.ask()
    await begun.wait()
    yield


async def test_background_task_may_cause_anything(serving: Serving) -> None:
    """A task of the application that sleeps will do something, some day."""
    tasks: list[asyncio.Task[None]] = []

    async def begin(spawn: Spawn) -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(60)))

    async with left_behind(serving, begin):
        assert (await still(serving)).startswith("expired: ")
    tasks[0].get_loop().call_soon_threadsafe(tasks[0].cancel)
    await until_rest(serving)


async def test_timer_may_cause_anything(serving: Serving) -> None:
    """So will a timer that no task waits for."""
    timers: list[tuple[Any, asyncio.TimerHandle]] = []

    async def begin(spawn: Spawn) -> None:
        loop = asyncio.get_running_loop()
        timers.append((loop, loop.call_later(60, print)))

    async with left_behind(serving, begin):
        assert (await still(serving)).startswith("expired: ")
    loop, timer = timers[0]
    loop.call_soon_threadsafe(timer.cancel)
    await until_rest(serving)


async def test_connection_of_the_server_may_cause_anything(serving: Serving) -> None:
    """A socket that the server itself keeps open is one to the outside world."""
    ours, theirs = socket.socketpair()
    kept: list[Any] = []

    async def begin(spawn: Spawn) -> None:
        kept.extend(await asyncio.open_connection(sock=ours))
        kept.append(asyncio.get_running_loop())

    with theirs:
        async with left_behind(serving, begin):
            assert (await still(serving)).startswith("expired: ")
        _, writer, loop = kept
        loop.call_soon_threadsafe(writer.close)
        await until_rest(serving)


async def test_task_that_waits_inside_is_harmless(serving: Serving) -> None:
    """A task in a queue that only the process can fill says nothing by itself."""
    kept: list[Any] = []

    async def begin(spawn: Spawn) -> None:
        waiting: asyncio.Queue[None] = asyncio.Queue()
        task = asyncio.create_task(waiting.get())
        kept.extend([task, waiting, asyncio.get_running_loop()])

    async with left_behind(serving, begin):
        await until_rest(serving)
    _, waiting, loop = kept
    loop.call_soon_threadsafe(waiting.put_nowait, None)
    await until_rest(serving)


async def test_server_that_was_told_to_exit() -> None:
    """What its end brings about is waited for."""
    serving = Serving()

    async def leave(spawn: Spawn, then: Then) -> None:
        answer = safely(spawn, then)

        async def at_end(_: Spawn) -> None:
            await asyncio.sleep(INSTANT)
            answer()

        serving.at_end.append(at_end)
        serving.server.should_exit = True

    with serving.running():
        async with connected(through(leave)) as driver:
            await until_rest(serving)
            await driver.send("x")
            assert await driver.receive(timeout=GUARD) == "x done"


async def test_server_on_a_loop_that_shows_nothing() -> None:
    """Of uvloop it cannot be seen whether it is at rest."""
    pytest.importorskip("uvloop")
    serving = Serving(loop="uvloop")
    with serving.running():
        assert (await still(serving)).startswith("expired: ")
