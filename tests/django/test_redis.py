"""Layers on a real Redis, where nobody can prove that nothing comes."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import channel_layers, get_channel_layer
from django.test import override_settings
from project import consumers

from wstest_core import NoMessage, Stop, on_match
from wstest_django import SyncWebsocketCommunicator, WebsocketCommunicator
from wstest_django.live import live_websocket_server

BACKENDS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}


# Being cancelled, channels_redis may finish its wait for a message first.
pytestmark = [pytest.mark.django_db, pytest.mark.wstest(timeout=20)]


class Room(consumers.Room):
    """The room, for a communicator without a router."""

    async def connect(self) -> None:
        self.scope["url_route"] = {"kwargs": {"room": "a"}}
        await super().connect()


class RoomNextDoor(Room):
    """The same in another server, which has a layer object of its own."""

    channel_layer_alias = "second"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    from tests.services import redis_server

    with redis_server() as url:
        yield url


@pytest.fixture(params=list(BACKENDS), autouse=True)
def layers_on_redis(request: pytest.FixtureRequest, redis_url: str) -> Iterator[None]:
    """The project's layer is on Redis, and so is everything that uses it."""
    # channels_redis waits 5 s for a message, and redis 8 gives up after as many.
    host = {"address": redis_url, "socket_timeout": 60}
    layer = {"BACKEND": BACKENDS[request.param], "CONFIG": {"hosts": [host]}}
    with override_settings(CHANNEL_LAYERS={"default": layer, "second": layer}):
        yield
        channel_layers.backends.clear()


@pytest.mark.asyncio
async def test_broadcast_in_process() -> None:
    """What goes over Redis reaches all members of a group."""
    async with (
        WebsocketCommunicator(Room, "/", name="ann") as ann,
        WebsocketCommunicator(Room, "/", name="bob") as bob,
    ):
        for number in range(20):
            await ann.send_json({"text": str(number)})
            assert (await bob.receive_json())["text"] == str(number)
            assert (await ann.receive_json())["text"] == str(number)


@pytest.mark.asyncio
async def test_nothing_is_never_claimed_too_early() -> None:
    """A message that is on its way through Redis is not missed."""
    async with (
        WebsocketCommunicator(Room, "/", name="ann") as ann,
        WebsocketCommunicator(Room, "/", name="bob") as bob,
    ):
        for _ in range(20):
            await ann.send_json({"text": "hi"})
            assert not await bob.receive_nothing(timeout=1)
            await bob.receive_json()
            await ann.receive_json()
        assert await bob.receive_nothing(timeout=0.05)


@pytest.mark.asyncio
async def test_collecting() -> None:
    """A stop says when it is enough; the rest stays to be read."""
    async with WebsocketCommunicator(Room, "/", name="ann") as ann:
        for text in ("a", "b", "c"):
            await ann.send_json({"text": text})
        found = await ann.receive_until(says("b"))
        assert [message["text"] for message in found] == ["a", "b"]
        assert (await ann.receive_json())["text"] == "c"


@pytest.mark.asyncio
async def test_failure() -> None:
    """A failure says why it could not be known sooner."""
    async with WebsocketCommunicator(Room, "/", name="ann") as ann:
        with pytest.raises(NoMessage) as caught:
            await ann.receive_json(timeout=0.1)
    text = str(caught.value)
    assert "nothing arrived within 0.1 s (not provable sooner:" in text
    assert "channel layer on the network" in text


def test_plain() -> None:
    """Plain tests work likewise, and the layer is theirs, too."""
    with SyncWebsocketCommunicator(Room, "/", name="ann") as ann:
        event = {"type": "room.said", "text": "from outside"}
        async_to_sync(get_channel_layer().group_send)("a", event)
        assert ann.receive_json()["text"] == "from outside"


@pytest.mark.asyncio
async def test_two_servers(ws_database: Any) -> None:
    """Clients of two servers talk over one Redis."""
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(live_websocket_server(room, server=server)).ws_url
            for room, server in ((Room, "daphne"), (RoomNextDoor, "uvicorn"))
        )
        async with (
            WebsocketCommunicator(one, "/", name="ann") as ann,
            WebsocketCommunicator(other, "/", name="bob") as bob,
        ):
            # Over a network, nobody knows when a consumer has joined its group:
            # each hears itself first.
            for speaker, listeners in ((ann, [ann]), (bob, [bob]), (ann, [ann, bob])):
                await speaker.send_json({"text": f"{len(listeners)} hear me"})
                for listener in listeners:
                    await listener.receive_until(says(f"{len(listeners)} hear me"))
            await bob.send_json({"text": "and me"})
            await ann.receive_until(says("and me"))
            bob.ignore_remaining()


def says(text: str) -> Stop:
    return on_match(lambda message: message["text"] == text)
