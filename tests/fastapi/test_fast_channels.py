"""Tests written for fast-channels' own communicator pass with ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from fast_channels.consumer.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
)
from fast_channels.layers import (
    InMemoryChannelLayer,
    channel_layers,
    register_channel_layer,
)
from fast_channels.layers.registry import unregister_channel_layer
from fast_channels.testing import WebsocketCommunicator as FastChannelsCommunicator

import wstest_fastapi
from tests.backends import on

pytestmark = [
    pytest.mark.anyio,
    on("asyncio"),
    # What the peers' communicators use.
    pytest.mark.filterwarnings("ignore:asgiref.timeout:DeprecationWarning"),
]

Communicator = Any  # one import or the other


class Echo(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        if b"secret" in self.scope["query_string"]:
            await self.accept(next(iter(self.scope["subprotocols"]), None))
        else:
            await self.close(4401)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        if text_data == "close":
            await self.close(4000)
        else:
            await self.send(text_data=text_data, bytes_data=bytes_data)


class Group(AsyncJsonWebsocketConsumer):
    channel_layer_alias = "group"
    groups = ["everybody"]

    async def receive_json(self, content: Any, **_: Any) -> None:
        await self.channel_layer.group_send(
            "everybody", {"type": "told.all", "content": content}
        )

    async def told_all(self, event: dict[str, Any]) -> None:
        await self.send_json(event["content"])


@pytest.fixture(
    params=[FastChannelsCommunicator, wstest_fastapi.WebsocketCommunicator],
    ids=["fast_channels", "wstest_fastapi"],
)
def communicator(request: pytest.FixtureRequest) -> Communicator:
    return request.param


@pytest.fixture(autouse=True)
def layer() -> Iterator[None]:
    register_channel_layer("group", InMemoryChannelLayer())
    yield
    unregister_channel_layer("group")


async def test_text_and_bytes(communicator: Communicator) -> None:
    """Channels' verbs send and receive either kind of frame."""
    comm = communicator(Echo.as_asgi(), "/?secret")
    assert await comm.connect() == (True, None)
    await comm.send_to(text_data="hello")
    assert await comm.receive_from() == "hello"
    await comm.send_to(bytes_data=b"hello")
    assert await comm.receive_from() == b"hello"
    await comm.send_json_to({"a": 1})
    assert await comm.receive_json_from() == {"a": 1}
    assert await comm.receive_nothing()
    await comm.disconnect()


async def test_subprotocol_and_refusal(communicator: Communicator) -> None:
    """connect() returns what the application decided."""
    comm = communicator(Echo.as_asgi(), "/?secret", subprotocols=["chat"])
    assert await comm.connect() == (True, "chat")
    await comm.disconnect()
    assert await communicator(Echo.as_asgi(), "/").connect() == (False, 4401)


async def test_close(communicator: Communicator) -> None:
    """The raw event tells how the application closed."""
    comm = communicator(Echo.as_asgi(), "/?secret")
    await comm.connect()
    await comm.send_to(text_data="close")
    event = await comm.receive_output()
    assert (event["type"], event["code"]) == ("websocket.close", 4000)
    await comm.disconnect()


async def test_groups(communicator: Communicator) -> None:
    """A message to a group, from a member and from outside."""
    ann = communicator(Group.as_asgi(), "/")
    bob = communicator(Group.as_asgi(), "/")
    for comm in (ann, bob):
        assert (await comm.connect())[0]
    await ann.send_json_to({"hello": "all"})
    for comm in (ann, bob):
        assert await comm.receive_json_from() == {"hello": "all"}
    event = {"type": "told.all", "content": "news"}
    await channel_layers["group"].group_send("everybody", event)
    for comm in (ann, bob):
        assert await comm.receive_json_from() == "news"
        await comm.disconnect()
