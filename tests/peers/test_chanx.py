"""Real chanx consumers, on fast-channels, driven without any test settings."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage, PongMessage
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from fast_channels.layers.registry import unregister_channel_layer

from tests.backends import on
from wstest_core import (
    EVENT_ACTION_COMPLETE,
    GROUP_ACTION_COMPLETE,
    WebsocketCommunicator,
    capture_broadcast_events,
    capture_broadcasts,
)

pytestmark = [pytest.mark.anyio, on("asyncio", "asyncio-uvloop")]


class Chat(BaseMessage):
    action: Literal["chat"] = "chat"
    payload: str


class Stream(BaseMessage):
    action: Literal["stream"] = "stream"
    payload: int


class Token(BaseMessage):
    action: Literal["token"] = "token"
    payload: dict[str, int]


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: str


@channel(name="room")
class Room(AsyncJsonWebsocketConsumer[News]):
    groups = ["room"]
    channel_layer_alias = "wstest"

    @ws_handler
    async def handle_ping(self, _message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Said)
    async def handle_chat(self, message: Chat) -> None:
        await self.broadcast_message(
            Said(payload=message.payload), exclude_current=message.payload == "others"
        )

    @ws_handler(output_type=Token)
    async def handle_stream(self, message: Stream) -> None:
        for number in range(message.payload):
            await self.send_message(Token(payload={"at_position": number}))

    @event_handler
    async def handle_news(self, event: News) -> Said:
        return Said(payload=f"news: {event.payload}")


class CamelRoom(Room):
    camelize = True


@pytest.fixture(autouse=True)
def layer() -> Iterator[Any]:
    layer = InMemoryChannelLayer()
    register_channel_layer("wstest", layer)
    yield layer
    unregister_channel_layer("wstest")


def client(name: str, **options: Any) -> WebsocketCommunicator[Any]:
    options.setdefault("consumer", Room)
    return WebsocketCommunicator(Room.as_asgi(), "/", name=name, **options)


async def test_ping() -> None:
    """A reply is decoded by the consumer's own adapter; its completion is left out."""
    async with client("alice") as alice:
        await alice.send_message(PingMessage())
        assert await alice.receive_all_messages() == [PongMessage()]


async def test_without_a_consumer() -> None:
    """consumer= may be omitted: messages are what JSON holds."""
    async with client("alice", consumer=None) as alice:
        await alice.send_message(PingMessage())
        pong = {"action": "pong", "payload": None}
        assert await alice.receive_all_messages() == [pong]


async def test_the_switch_is_put_back() -> None:
    """Completion messages are on for the life of the communicators only."""
    assert "send_completion" not in vars(Room)
    async with client("alice"), client("bob") as bob:
        assert Room.send_completion
        await bob.send_message(PingMessage())
        actions = [message["action"] for message in await bob.receive_all_json()]
        assert actions == ["pong", "complete"]
    assert "send_completion" not in vars(Room)
    with pytest.raises(ZeroDivisionError):
        async with client("alice"):
            raise ZeroDivisionError
    assert "send_completion" not in vars(Room)


async def test_streaming() -> None:
    """A streamed reply is collected up to its completion."""
    async with client("alice") as alice:
        await alice.send_message(Stream(payload=3))
        found = await alice.receive_all_messages()
        assert found == [Token(payload={"at_position": n}) for n in range(3)]


async def test_camel_case() -> None:
    """A consumer's camelCase is spoken on the wire and not in the test."""
    ws = WebsocketCommunicator(CamelRoom.as_asgi(), "/", consumer=CamelRoom)
    async with ws:
        await ws.send_message(Stream(payload=1))
        assert await ws.receive_all_messages() == [Token(payload={"at_position": 0})]
        assert "atPosition" in str(ws.transcript)


async def test_broadcast_right_after_connecting() -> None:
    """connect() returns when the groups are joined, with no sleep anywhere."""
    async with client("alice") as alice, client("bob") as bob:
        await alice.send_message(Chat(payload="hello"))
        for each in (alice, bob):
            found = await each.receive_all_messages(GROUP_ACTION_COMPLETE)
            assert found == [Said(payload="hello")]


async def test_broadcast_that_leaves_the_sender_out() -> None:
    """The sender gets nothing, and is told so without waiting."""
    async with client("alice") as alice, client("bob") as bob:
        await alice.send_message(Chat(payload="others"))
        found = await bob.receive_all_messages(GROUP_ACTION_COMPLETE)
        assert found == [Said(payload="others")]
        assert await alice.receive_all_messages() == []


async def test_events_from_outside() -> None:
    """broadcast_event() from the test reaches the client."""
    async with client("alice") as alice:
        await Room.broadcast_event(News(payload="x"), groups="room")
        found = await alice.receive_all_messages(EVENT_ACTION_COMPLETE)
        assert found == [Said(payload="news: x")]


@pytest.mark.parametrize("suppress", [True, False])
async def test_capture(suppress: bool) -> None:
    """Captured events carry event and groups, and are delivered if not suppressed."""
    async with client("alice") as alice:
        with capture_broadcast_events(Room, suppress=suppress) as captured:
            await Room.broadcast_event(News(payload="x"), groups=["room"])
        assert [(c.event, c.groups) for c in captured] == [
            (News(payload="x"), ["room"])
        ]
        found = await alice.receive_all_messages(EVENT_ACTION_COMPLETE)
        assert len(found) == (0 if suppress else 1)


async def test_capture_of_a_layer(layer: Any) -> None:
    """Everything a layer is asked to send is seen."""
    async with client("alice") as alice:
        with capture_broadcasts(layer) as captured:
            await alice.send_message(Chat(payload="hello"))
            await alice.receive_all_messages(GROUP_ACTION_COMPLETE)
        (record,) = captured
        assert record.group == "room"
        assert record.message["message"]["payload"] == "hello"


class Doorman(BaseAuthenticator):
    async def authenticate(self, scope: Any) -> bool:
        payload = {"status_code": 200, "status_text": "OK"}
        await self.send_message(AuthenticationMessage(payload=payload))
        return True


class Guarded(Room):
    authenticator_class = Doorman


async def test_authenticators() -> None:
    """The authentication message is read though no consumer declares it."""
    ws = WebsocketCommunicator(Guarded.as_asgi(), "/", consumer=Guarded)
    async with ws:
        await ws.assert_authenticated_status_ok()


async def test_the_switch_after_failures() -> None:
    """A second connect, or a failed one, leaves the consumer class as it was."""
    ws = client("alice")
    for _ in range(2):
        await ws.connect()
        assert Room.send_completion
    await ws.disconnect()
    with pytest.raises(RuntimeError, match="has ended"):
        await ws.connect()
    assert "send_completion" not in vars(Room)
    dead = WebsocketCommunicator("ws://127.0.0.1:9", "/", consumer=Room)
    with pytest.raises(Exception, match="127"):
        await dead.connect()
    assert "send_completion" not in vars(Room)


async def test_the_switch_after_a_raw_refusal() -> None:
    """A raw connect that is refused leaves the consumer class as it was, too."""

    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})

    ws = WebsocketCommunicator(refuses, "/", consumer=Room)
    await ws.send_input({"type": "websocket.connect"})
    assert "send_completion" not in vars(Room)
