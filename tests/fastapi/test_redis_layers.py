"""Channel layers on a real Redis: between live servers, and in-process."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import pytest
from fast_channels.consumer.websocket import AsyncJsonWebsocketConsumer
from fast_channels.layers import channel_layers, register_channel_layer
from fast_channels.layers.redis import RedisChannelLayer, RedisPubSubChannelLayer
from fast_channels.layers.registry import unregister_channel_layer
from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from tests.backends import on
from tests.fastapi import room
from wstest_core import NoMessage, WebsocketCommunicator, on_count
from wstest_fastapi import live_websocket_server

pytestmark = [pytest.mark.anyio, on("asyncio")]

GUARD = 20.0  # seconds; no wait that ends before its deadline comes near it
INSTANT = 0.05
# The publishing layer's receiver looks every 0.1 s whether it has subscribed.
QUIET = 0.25

_prefix = count()


@pytest.fixture(params=[RedisChannelLayer, RedisPubSubChannelLayer])
def make_layer(request: pytest.FixtureRequest, redis_url: str) -> Callable[[], Any]:
    """Makes layers that reach each other, and no layer of another test."""
    # redis-py's own timeout would end the layer's blocking command, and on Python
    # 3.11 its wait_for() keeps a cancellation from the consumer that has to end.
    host = {"address": redis_url, "socket_timeout": None}
    prefix = f"wstest{next(_prefix)}"
    return lambda: request.param(hosts=[host], prefix=prefix)


@pytest.fixture
def aliases(make_layer: Callable[[], Any]) -> Iterator[None]:
    """Register a layer for each process that there would be."""
    before = channel_layers.get(room.ALIAS)
    names = ["east", "west", room.ALIAS]
    for name in names:
        register_channel_layer(name, make_layer())
    yield
    for name in names:
        unregister_channel_layer(name)
    if before is not None:
        register_channel_layer(room.ALIAS, before)


class Chat(AsyncJsonWebsocketConsumer):
    groups = ["everybody"]

    async def receive_json(self, content: Any, **_: Any) -> None:
        await asyncio.sleep(content.get("after", 0))
        event = {"type": "said", "content": content}
        await self.channel_layer.group_send("everybody", event)

    async def said(self, event: dict[str, Any]) -> None:
        await self.send_json(event["content"])


def chat_on(alias: str) -> FastAPI:
    """An application whose consumers use the layer of this name."""
    consumer = type("Chat", (Chat,), {"channel_layer_alias": alias})
    return FastAPI(routes=[WebSocketRoute("/", consumer.as_asgi())])  # type: ignore[attr-defined]


@asynccontextmanager
async def chatting(*targets: Any) -> AsyncIterator[list[Any]]:
    """Connect ann, bob and so on, each to a server or an application."""
    clients = [
        WebsocketCommunicator(target, "/", name=name, timeout=GUARD)
        for target, name in zip(targets, ("ann", "bob", "cy"), strict=False)
    ]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(client) for client in clients]


@pytest.mark.usefixtures("aliases")
async def test_broadcast_between_two_live_servers() -> None:
    """What a client of one server says, a client of the other hears, both ways."""
    with (
        live_websocket_server(chat_on("east")) as east,
        live_websocket_server(chat_on("west")) as west,
    ):
        async with chatting(east.ws_url, west.ws_url, west.ws_url) as clients:
            for client in clients:
                await client.send_json({"from": client.transcript.name})
                for other in clients:
                    heard = await other.receive_json()
                    assert heard == {"from": client.transcript.name}


@pytest.mark.usefixtures("aliases")
async def test_broadcast_between_a_live_server_and_the_test() -> None:
    """A client in-process hears what a live server says, however late."""
    with live_websocket_server(chat_on("east")) as east:
        async with chatting(chat_on("west"), east.ws_url) as (inside, outside):
            await outside.send_json({"after": INSTANT})
            assert not await inside.receive_nothing(GUARD)
            assert await inside.receive_json() == {"after": INSTANT}
            assert await outside.receive_json() == {"after": INSTANT}


@pytest.mark.usefixtures("aliases")
async def test_broadcast_right_after_connecting_is_heard() -> None:
    """A client is connected when it has joined its groups, on Redis too."""
    for number in range(10):
        async with chatting(chat_on("east"), chat_on("west")) as clients:
            event = {"type": "said", "content": {"number": number}}
            await channel_layers["east"].group_send("everybody", event)
            for client in clients:
                assert await client.receive_json() == {"number": number}


@pytest.mark.usefixtures("aliases")
async def test_nothing_is_never_said_of_what_is_on_its_way() -> None:
    """A reply that takes its time on Redis is waited for, again and again."""
    async with chatting(chat_on("east")) as (ann,):
        for number in range(20):
            await ann.send_json({"after": INSTANT * (number % 3) / 2})
            assert not await ann.receive_nothing(GUARD)
            await ann.skip()


@pytest.mark.usefixtures("aliases")
async def test_silence_takes_its_time() -> None:
    """Nothing is heard, and that is known when the time is over, not before."""
    loop = asyncio.get_running_loop()
    async with chatting(chat_on("east")) as (ann,):
        before = loop.time()
        assert await ann.receive_nothing(QUIET)
        assert loop.time() - before >= QUIET


@pytest.mark.usefixtures("aliases")
async def test_collections_end_at_their_stop() -> None:
    """A stop, or a completion message, ends a wait long before its deadline."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with chatting(chat_on("east")) as (ann,):
        for number in range(3):
            await ann.send_json({"number": number})
        heard = await ann.receive_until(on_count(3), timeout=GUARD)
        assert heard == [{"number": number} for number in range(3)]
    before = loop.time()
    async with (
        WebsocketCommunicator(room.app, "/room/a", consumer=room.Room) as ann,
        WebsocketCommunicator(room.app, "/room/a", consumer=room.Room) as bob,
    ):
        await ann.send_message(room.Count(payload=2))
        numbers = await ann.receive_all_messages(timeout=GUARD)
        assert numbers[-1] == room.Counted()
        await ann.send_message(room.Say(payload="hello"))
        for client in (ann, bob):
            said = await client.receive_all_messages("said", timeout=GUARD)
            assert said[-1] == room.Said(payload="hello")
            client.ignore_remaining()
    assert loop.time() - before < GUARD / 2


@pytest.mark.usefixtures("aliases")
async def test_failure_says_that_no_proof_is_available() -> None:
    """Why it took the whole timeout, and what the application waits for."""
    async with chatting(chat_on("east")) as (ann,):
        with pytest.raises(NoMessage) as failure:
            await ann.receive_json(timeout=QUIET)
    text = re.sub(r"\S+/(\w+\.py):\d+", r"\1", str(failure.value))
    assert re.fullmatch(FAILURE, text), text


FAILURE = (
    re.escape(
        f"no frame for ann: nothing arrived within {QUIET} s (not provable sooner: "
    )
    + r"(a socket is|\d sockets are) open and a task waits for a channel layer on the "
    + r"network, where no proof is available, in \w+\(\) at (core|pubsub)\.py\)"
    + r"\n\n1 entry\n   \d\.\d+s <- accepted\n\n"
    + r"The application is waiting for input and waiting for its layer on the network "
    + r"in await_many_dispatch\(\) at utils\.py\."
)
