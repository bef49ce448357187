"""What is told of a client that leaves, when nobody can read it any more."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from wstest_core import SyncWebsocketCommunicator, UnreadMessages, WebsocketCommunicator

pytestmark = pytest.mark.anyio


class Room:
    """Tells all who are there what is said, and who has left."""

    def __init__(self) -> None:
        self.sends: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.sends.append(send)
        while (event := await receive())["type"] == "websocket.receive":
            await self.tell(event["text"])
        self.sends.remove(send)
        await self.tell("somebody has left")

    async def tell(self, text: str) -> None:
        for each in list(self.sends):
            await each({"type": "websocket.send", "text": text})


@pytest.fixture
def room() -> Room:
    return Room()


def strict(room: Room) -> Any:
    return WebsocketCommunicator(room, "/", unread="error")


async def test_clients_that_leave_together(room: Room) -> None:
    """What one's leaving tells the others is not unread."""
    async with strict(room) as a, strict(room) as b, strict(room) as c:
        await a.send_text("hi")
        assert await a.receive_text() == await b.receive_text() == "hi"
        await c.receive_text()
    assert a.transcript.unread == 2 * ["somebody has left"]


async def test_frame_from_before_the_leaving(room: Room) -> None:
    """What came before anybody left is unread, also for who leaves last."""
    with pytest.raises(UnreadMessages, match="1 frame not read"):
        async with strict(room) as a, strict(room) as b:
            await b.send_text("hi")
            await b.receive_text()
            await a.settle()


async def test_frame_after_the_leaving(room: Room) -> None:
    """What is said after somebody has left counts, and so does what they said."""
    with pytest.raises(UnreadMessages, match="2 frames not read"):
        async with strict(room) as a:
            async with strict(room):
                pass
            await a.send_text("hi")
            await a.settle()


async def test_somebody_else_comes(room: Room) -> None:
    """A client that connects ends the leaving, too."""
    with pytest.raises(UnreadMessages, match="1 frame not read"):
        async with strict(room) as a:
            async with strict(room):
                pass
            async with strict(room):
                await a.settle()


async def test_a_subscription_after_the_leaving() -> None:
    """Who subscribes goes on, too: what comes then is unread."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            for _ in range(2):  # a confirmation, and one more
                await send({"type": "websocket.send", "text": event["text"]})

    with pytest.raises(UnreadMessages, match="1 frame not read"):
        async with WebsocketCommunicator(app, "/", unread="error") as a:
            async with WebsocketCommunicator(app, "/"):
                pass
            await a.subscribe("news")


async def test_reading_after_the_leaving(room: Room) -> None:
    """A test that reads goes on: what comes after that is unread."""
    with pytest.raises(UnreadMessages, match="1 frame not read"):
        async with strict(room) as a:
            async with strict(room):
                pass
            await a.receive_text()
            await room.tell("and another thing")


async def test_leaving_may_be_read(room: Room) -> None:
    """A test that wants to know reads it."""
    async with strict(room) as a:
        async with strict(room):
            pass
        assert await a.receive_text() == "somebody has left"


async def test_many(room: Room) -> None:
    """Fifty leave, and nobody is blamed."""
    async with AsyncExitStack() as stack:
        for _ in range(50):
            await stack.enter_async_context(strict(room))


async def test_nameless_clients_are_told_apart(room: Room) -> None:
    """From the second that is there at once they have numbers, which are used again."""
    async with WebsocketCommunicator(room, "/", unread="ignore") as first:
        async with WebsocketCommunicator(room, "/") as second:
            pass
        third = WebsocketCommunicator(room, "/")
        named = WebsocketCommunicator(room, "/", name="ann")
        async with third, named, WebsocketCommunicator(room, "/") as fourth:
            everybody = [first, second, third, named, fourth]
    names = [each.transcript.name for each in everybody]
    assert names == ["client", "client 2", "client 2", "ann", "client 3"]


async def test_refused_client_leaves_its_number() -> None:
    """Who was never let in does not count."""

    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})

    refused = WebsocketCommunicator(refuses, "/")
    await refused.connect()
    async with WebsocketCommunicator(Room(), "/") as ws:
        assert (refused.transcript.name, ws.transcript.name) == ("client", "client")


def test_plain(room: Room) -> None:
    """Plain tests have the same."""
    with (
        SyncWebsocketCommunicator(room, "/", unread="error"),
        SyncWebsocketCommunicator(room, "/", unread="error"),
    ):
        pass
