"""Places: where code stands, whatever it is that waits there."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.backends import on
from tests.core.quiescence.rig import Application, connected, silence
from tests.core.scripted import ACCEPT, Receive, Scope, Send, echo
from wstest_core import NoMessage, WebsocketCommunicator
from wstest_core.quiescence._places import awaited_frames

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def idle_socket() -> AsyncIterator[None]:
    """A connection that nobody reads from, as one of a pool."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with theirs:
        line, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        try:
            yield
        finally:
            line.close()
            await asyncio.sleep(0)


class Endpoint:
    """Awaits a coroutine of its own, as Starlette's endpoints do."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send = send

    def __await__(self) -> Generator[Any, None, None]:
        return self.dispatch().__await__()

    async def dispatch(self) -> None:
        await echo({}, self.receive, self.send)


async def awaits_an_object(scope: Scope, receive: Receive, send: Send) -> None:
    await Endpoint(receive, send)


async def iterates(scope: Scope, receive: Receive, send: Send) -> None:
    async for event in events(receive):
        if event["type"] == "websocket.connect":
            await send(ACCEPT)


async def events(receive: Receive) -> AsyncIterator[dict[str, Any]]:
    while (event := await receive())["type"] != "websocket.disconnect":
        yield event


async def awaits_a_future(scope: Scope, receive: Receive, send: Send) -> None:
    """Waits for what anybody may answer, behind an object."""
    await receive()
    await send(ACCEPT)
    await receive()
    await Delayed()


class Delayed:
    def __await__(self) -> Generator[Any, None, None]:
        return self.wait().__await__()

    async def wait(self) -> None:
        await asyncio.get_running_loop().create_future()


APPLICATIONS = [
    (awaits_an_object, "echo() at scripted"),
    (iterates, "events() at test_places"),
]


@pytest.mark.parametrize(("app", "where"), APPLICATIONS)
@on("asyncio", "asyncio-eager", "trio")
async def test_place_is_told(app: Application, where: str) -> None:
    """An object's `__await__`, or an asynchronous generator, hides no place."""
    async with WebsocketCommunicator(app, "/") as ws:
        with pytest.raises(NoMessage) as failure:
            await ws.receive_text()
    shown = re.sub(r"at \S*?(\w+\.py)", r"at \1", str(failure.value))
    assert f" in {where}.py:" in shown


@pytest.mark.parametrize(("app", "where"), APPLICATIONS)
@on("asyncio", "asyncio-eager")
async def test_waits_for_input(app: Application, where: str) -> None:
    """On asyncio what it waits for is told, too."""
    async with WebsocketCommunicator(app, "/") as ws:
        with pytest.raises(NoMessage, match="The application is waiting for input in"):
            await ws.receive_text()


@pytest.mark.parametrize(("app", "where"), APPLICATIONS)
@on("asyncio", "asyncio-eager")
async def test_idle_socket_beside_it(app: Application, where: str) -> None:
    """Such an application does not wait for a socket, so silence is presumed."""
    async with idle_socket(), connected(app) as driver:
        found = await silence(driver)
    assert found == "presumed: a socket is open, and no task waits for one"


@on("asyncio", "asyncio-eager")
async def test_future_behind_an_object() -> None:
    """What is behind an object counts as if it were not: anybody may answer."""
    async with idle_socket(), connected(awaits_a_future) as driver:
        await driver.send("x")
        found = await silence(driver, timeout=0.05)
    assert found.startswith("expired: a socket is open and a task may be waiting for")


def test_what_has_ended_awaits_nothing() -> None:
    """The wrapper of a coroutine that was closed leads to no frame."""
    wrapper = Delayed().__await__()
    wrapper.close()
    assert list(awaited_frames(wrapper)) == []


def test_other_objects_are_not_looked_into() -> None:
    """Only what Python's own objects await is followed, not what others refer to."""
    waiting = Delayed().wait()
    assert list(awaited_frames([waiting])) == []
    waiting.close()
