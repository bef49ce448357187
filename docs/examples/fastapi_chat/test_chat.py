"""The chat application, tested as its users meet it."""

import app as chat
import httpx2
import pytest
from fast_channels.layers import (
    InMemoryChannelLayer,
    channel_layers,
    register_channel_layer,
)

from wstest_core import (
    ConnectionRejected,
    WebsocketCommunicator,
    capture_broadcasts,
    on_action,
    virtual_clock,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def fresh_room() -> None:
    register_channel_layer(chat.LAYER, InMemoryChannelLayer())
    chat.history.clear()


def client(who: str, room: str = "lobby") -> WebsocketCommunicator:
    headers = [(b"x-user", who.encode())]
    return WebsocketCommunicator(chat.app, f"/rooms/{room}", headers, name=who)


async def welcomed(ws: WebsocketCommunicator) -> None:
    welcome = await ws.receive_json()
    assert welcome == {"action": "welcome", "who": ws.transcript.name}


async def test_a_stranger_is_refused() -> None:
    """Without a user there is no connection; a browser is told HTTP 403."""
    with pytest.raises(ConnectionRejected) as refusal:
        async with WebsocketCommunicator(chat.app, "/rooms/lobby"):
            pytest.fail("the connection was accepted")
    assert (refusal.value.code, refusal.value.status) == (4401, 403)


async def test_everybody_in_the_room_hears_it() -> None:
    """A message reaches each member of its room, and nobody else."""
    async with client("ann") as ann, client("bob") as bob, client("cy", "attic") as cy:
        for member in (ann, bob, cy):
            await welcomed(member)
        await ann.send_json({"action": "say", "text": "hello"})
        heard = {"action": "said", "who": "ann", "text": "hello"}
        assert await ann.receive_json() == heard
        assert await bob.receive_json() == heard
        await cy.expect_nothing()


async def test_an_answer_streams_in() -> None:
    """The answer is collected up to its end, however many pieces it has."""
    async with client("ann") as ann:
        await welcomed(ann)
        await ann.send_json({"action": "ask", "text": "why?"})
        *words, end = await ann.receive_until(on_action("answered"))
        assert [word["text"] for word in words] == ["You", "asked:", "why?"]
        assert end == {"action": "answered"}


async def test_a_reminder_comes_after_an_hour() -> None:
    """An hour of the application takes no time in its test."""
    async with client("ann") as ann:
        await welcomed(ann)
        with virtual_clock():
            await ann.send_json({"action": "remind", "after": 3600, "text": "tea"})
            await ann.expect_nothing(within=3599)
            reminder = await ann.receive_json(timeout=3601)
        assert reminder == {"action": "reminder", "text": "tea"}


async def test_work_in_a_thread_is_waited_for() -> None:
    """A reply that is still computed in a thread is a reply on its way."""
    async with client("ann") as ann:
        await welcomed(ann)
        await ann.send_json({"action": "digest", "text": "x"})
        reply = await ann.receive_json()
        assert reply["value"].startswith("46d927a2")
        await ann.expect_nothing()


async def test_http_and_websocket_are_one_application() -> None:
    """What is announced over HTTP is heard in the room; what is said is kept."""
    transport = httpx2.ASGITransport(app=chat.app)
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://chat") as http,
        client("ann") as ann,
    ):
        await welcomed(ann)
        await http.post("/rooms/lobby/announcements", json={"text": "we close at 6"})
        assert (await ann.receive_json())["who"] == "the management"
        await ann.send_json({"action": "say", "text": "so soon?"})
        assert (await ann.receive_json())["text"] == "so soon?"
        assert (await http.get("/rooms/lobby")).json() == ["so soon?"]


async def test_what_is_broadcast_is_seen_on_its_way() -> None:
    """The layer's traffic is recorded, whoever listens."""
    async with client("ann") as ann:
        await welcomed(ann)
        with capture_broadcasts(channel_layers[chat.LAYER]) as broadcasts:
            await ann.send_json({"action": "say", "text": "hello"})
            await ann.receive_json()
        assert len(broadcasts) == 1
