"""Several layers: each is its own, and each is fresh in each test."""

from collections.abc import Mapping

import pytest
from app.layers import CHAT, EVERYBODY, JOBS, NEWS, layer
from app.messages import News, Say

from conftest import Connect
from wstest_fastapi import AppClient, FreshLayer, capture_broadcasts

pytestmark = pytest.mark.anyio


async def test_each_alias_has_a_layer_of_its_own(
    ws_client: AppClient, ws_layers: Mapping[str, FreshLayer]
) -> None:
    """Those that startup registers too: the application finds the fresh ones."""
    assert ws_layers.keys() == {CHAT, JOBS, NEWS}
    assert len({id(each) for each in ws_layers.values()}) == 3
    assert all(layer(alias) is each for alias, each in ws_layers.items())


async def test_what_is_said_on_one_is_not_heard_on_another(
    connect: Connect, join: Connect
) -> None:
    """A group of the same name on another layer is another group."""
    async with connect("/ws/news") as reader, join("ann") as ann:
        await layer(CHAT).group_send(EVERYBODY, {"type": "news.item", "text": "?"})
        await reader.expect_nothing()
        await ann.expect_nothing()


async def test_each_kind_of_traffic_has_its_layer(
    ws_client: AppClient, connect: Connect, join: Connect
) -> None:
    """What is said goes over one layer and the news over another."""
    with capture_broadcasts(CHAT) as chat, capture_broadcasts(NEWS) as news:
        async with connect("/ws/news") as reader, join("ann") as ann:
            await ann.send_message(Say(text="hello"))
            await ann.skip()
            await ws_client.http.post("/news", params={"text": "we close at six"})
            await reader.expect(News, text="we close at six")
    kinds = [record.message["type"] for record in chat]
    assert kinds == ["room.joined", "room.said", "room.left"]
    assert [record.message["type"] for record in news] == ["news.item"]
