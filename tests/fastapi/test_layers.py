"""fast-channels' layers in a test: swapped, redirected, watched, put back."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from fast_channels.consumer.websocket import AsyncJsonWebsocketConsumer
from fast_channels.exceptions import ChannelFull
from fast_channels.layers import (
    BaseChannelLayer,
    InMemoryChannelLayer,
    channel_layers,
    get_channel_layer,
    register_channel_layer,
    unregister_channel_layer,
)
from fast_channels.layers.redis import RedisChannelLayer, RedisPubSubChannelLayer

from tests.backends import asyncio_only
from tests.benchmarks.layers import OURS, THEIRS, seconds
from tests.hectic import hectic
from wstest_core import SyncWebsocketCommunicator, WebsocketCommunicator
from wstest_fastapi.layers import (
    FreshLayer,
    capture_broadcasts,
    fresh_layers,
    group_members,
    pending,
    send_to_channel,
    send_to_group,
)

NEWS = {"type": "news", "text": "hello"}
NOWHERE = "redis://127.0.0.1:1"  # nobody listens there

coroutine = [pytest.mark.anyio, asyncio_only]


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """What these tests register is gone after each."""
    before = {alias: channel_layers[alias] for alias in channel_layers.list_aliases()}
    channel_layers.clear()
    yield
    channel_layers.clear()
    for alias, layer in before.items():
        register_channel_layer(alias, layer)


@pytest.fixture
def kept() -> InMemoryChannelLayer:
    """A layer that the application has registered, and holds on to."""
    layer = InMemoryChannelLayer(expiry=5, capacity=3)
    register_channel_layer("chat", layer)
    return layer


def registered() -> dict[str, BaseChannelLayer]:
    return {alias: channel_layers[alias] for alias in channel_layers.list_aliases()}


def test_every_alias_is_fresh(kept: InMemoryChannelLayer) -> None:
    """Within the block each alias is a fresh layer; after it, what it was."""
    register_channel_layer("same", kept)
    register_channel_layer("other", InMemoryChannelLayer())
    before = registered()
    with fresh_layers() as fresh:
        assert registered() == fresh
        assert all(isinstance(layer, FreshLayer) for layer in fresh.values())
        assert fresh["chat"] is fresh["same"]
        assert fresh["chat"] is not fresh["other"]
        assert isinstance(fresh["chat"], BaseChannelLayer)
    assert registered() == before
    assert list(registered()) == ["chat", "same", "other"]


def test_settings_are_taken_over() -> None:
    """A fresh layer holds as much, and as long, as the one it stands in for."""
    limits: dict[Any, int] = {"http.*": 7}
    layer = InMemoryChannelLayer(1, 2, capacity=3, channel_capacity=limits)
    register_channel_layer("chat", layer)
    with fresh_layers() as fresh:
        chat = fresh["chat"]
        assert (chat.expiry, chat.group_expiry, chat.capacity) == (1, 2, 3)
        assert chat.get_capacity("http.request") == 7


def test_all_is_put_back_on_an_error(kept: InMemoryChannelLayer) -> None:
    """A failing test leaves the registry and the layers as it found them."""
    attributes = dict(vars(kept))
    with pytest.raises(ZeroDivisionError), fresh_layers():
        unregister_channel_layer("chat")
        register_channel_layer("late", InMemoryChannelLayer())
        raise ZeroDivisionError
    assert registered() == {"chat": kept}
    assert vars(kept) == attributes
    assert "register" not in vars(channel_layers)


def test_a_layer_that_cannot_be_copied(kept: InMemoryChannelLayer) -> None:
    """When a fresh layer cannot be made, nothing has been changed."""
    broken = InMemoryChannelLayer()
    broken.channel_capacity = 7  # type: ignore[assignment]
    register_channel_layer("broken", broken)
    attributes = dict(vars(kept))
    with pytest.raises(TypeError), fresh_layers():
        pytest.fail("it was made")
    assert registered() == {"chat": kept, "broken": broken}
    assert vars(kept) == attributes


def test_layers_of_the_test_vanish() -> None:
    """An alias registered within the block is fresh as well, and gone after it."""
    with fresh_layers() as fresh:
        register_channel_layer("late", RedisChannelLayer(hosts=[NOWHERE]))
        assert get_channel_layer("late") is fresh["late"]
        register_channel_layer("again", fresh["late"])
        assert fresh["again"] is fresh["late"]
    assert registered() == {}


def test_a_layer_can_be_left_alone(kept: InMemoryChannelLayer) -> None:
    """The aliases in `keep` stay what they are, or what they are made."""
    double = InMemoryChannelLayer()
    with fresh_layers(keep=("chat", "double")) as fresh:
        register_channel_layer("double", double)
        assert registered() == {"chat": kept, "double": double}
        assert fresh == {}


@pytest.mark.anyio
@asyncio_only
async def test_a_kept_layer_reaches_the_fresh_one(kept: InMemoryChannelLayer) -> None:
    """What the application does with the object it kept happens on the fresh one."""
    with fresh_layers() as fresh:
        channel = await kept.new_channel()
        await kept.group_add("room", channel)
        await kept.group_send("room", NEWS)
        await kept.send("direct", NEWS)
        assert fresh["chat"].pending(channel) == [NEWS]
        assert kept.groups == fresh["chat"].groups
        assert list(kept.channels) == [channel, "direct"]
        assert await kept.receive(channel) == NEWS
        await kept.group_discard("room", channel)
        assert group_members(kept, "room") == []
        await kept.flush()
        assert pending(kept, "direct") == []
        assert kept.channels == {}
        await kept.close()
        for _ in range(3):
            await kept.send("direct", NEWS)
        with pytest.raises(ChannelFull):
            await kept.send("direct", NEWS)
    assert kept.channels == kept.groups == {}


def test_a_kept_layer_still_works_for_sync_code(kept: InMemoryChannelLayer) -> None:
    """async_to_sync() takes its methods for the coroutine functions they are."""
    with fresh_layers():
        async_to_sync(kept.send)("direct", NEWS)
        assert pending("chat", "direct") == [NEWS]


def test_a_layer_of_the_applications_own() -> None:
    """Its own methods remain, and what they call on it reaches the fresh layer."""

    class Rooms(InMemoryChannelLayer):
        async def announce(self, text: str) -> None:
            await self.group_send("room", {"type": "news", "text": text})

    rooms = Rooms()
    register_channel_layer("rooms", rooms)
    with fresh_layers() as fresh:
        asyncio.run(fresh["rooms"].group_add("room", "ann"))
        asyncio.run(rooms.announce("hello"))
        assert pending("rooms", "ann") == [NEWS]
        assert isinstance(rooms, Rooms)


@pytest.mark.parametrize("kind", [RedisChannelLayer, RedisPubSubChannelLayer])
def test_redis_is_never_asked(kind: Any) -> None:
    """A layer that would connect does not: nobody listens where it would."""
    layer = kind(hosts=[NOWHERE])
    register_channel_layer("redis", layer)
    before = dict(vars(layer))

    async def use() -> Any:
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        await layer.group_send("room", NEWS)
        return await layer.receive(channel)

    with fresh_layers():
        assert asyncio.run(use()) == NEWS
    assert vars(layer) == before
    assert type(layer) is kind


def test_blocks_nest(kept: InMemoryChannelLayer) -> None:
    """An inner block is fresh again; the outer one finds its own afterwards."""
    with fresh_layers() as outer:
        send_to_channel(kept, "ann", NEWS)
        with fresh_layers() as inner:
            assert pending(kept, "ann") == pending(outer["chat"], "ann") == []
            send_to_channel(kept, "bob", NEWS)
            asyncio.run(kept.send("bob", NEWS))
            assert len(inner["chat"].pending("bob")) == 2
            register_channel_layer("late", InMemoryChannelLayer())
        assert registered() == outer
        assert pending("chat", "ann") == [NEWS]
        assert pending("chat", "bob") == []


def test_blocks_are_left_in_any_order(kept: InMemoryChannelLayer) -> None:
    """The one that was entered later stays until it is left, and then nothing."""
    attributes = dict(vars(kept))
    first, second = fresh_layers(), fresh_layers()
    first.__enter__()
    fresh = second.__enter__()
    first.__exit__(None, None, None)
    register_channel_layer("late", InMemoryChannelLayer())
    assert registered() == fresh
    asyncio.run(kept.send("ann", NEWS))
    assert pending("chat", "ann") == [NEWS]
    second.__exit__(None, None, None)
    assert registered() == {"chat": kept}
    assert vars(kept) == attributes
    assert "register" not in vars(channel_layers)


def test_blocks_of_several_threads(kept: InMemoryChannelLayer) -> None:
    """They are entered and left side by side, and then all is as it was."""
    attributes, ended = dict(vars(kept)), list[bool]()

    def enter_and_leave() -> None:
        for _ in range(20):
            with fresh_layers(), fresh_layers():
                pass
        ended.append(True)

    threads = [Thread(target=enter_and_leave) for _ in range(4)]
    with hectic():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ended == [True] * len(threads)
    assert registered() == {"chat": kept}
    assert vars(kept) == attributes
    assert "register" not in vars(channel_layers)


def test_a_layer_kept_from_an_earlier_test(kept: InMemoryChannelLayer) -> None:
    """It reaches this test's layer: consumers may be imported in a test."""
    with fresh_layers() as earlier:
        found = get_channel_layer("chat")
    assert found is earlier["chat"]
    with fresh_layers() as fresh:
        asyncio.run(found.send("ann", NEWS))
        assert fresh["chat"].pending("ann") == [NEWS]
        assert group_members(found, "room") == []
    assert found.contents() == {}


def test_a_layer_kept_from_an_earlier_start() -> None:
    """An application that registers its layers as it starts may have kept any."""
    made = []
    for _ in range(2):
        with fresh_layers() as fresh:
            made.append(InMemoryChannelLayer())
            register_channel_layer("chat", made[-1])
            for layer in made:
                asyncio.run(layer.send("ann", NEWS))
            assert fresh["chat"].pending("ann") == [NEWS] * len(made)
    assert [layer.channels for layer in made] == [{}, {}]


def test_an_earlier_layer_has_another_alias_now() -> None:
    """It is what it is under its present alias, or left alone there."""
    first, second = InMemoryChannelLayer(), InMemoryChannelLayer()
    register_channel_layer("chat", first)
    with fresh_layers():
        pass
    register_channel_layer("chat", second)
    register_channel_layer("other", first)
    with fresh_layers() as fresh:
        assert fresh["chat"] is not fresh["other"]
    with fresh_layers(keep=["other"]):
        asyncio.run(first.send("ann", NEWS))
        assert pending("chat", "ann") == []
    assert list(first.channels) == ["ann"]


def test_layers_that_are_equal() -> None:
    """Layers without a hash are told apart, and kept ones found, all the same."""

    @dataclass
    class Equal(InMemoryChannelLayer):
        def __post_init__(self) -> None:
            super().__init__()

    layers = {"one": Equal(), "two": Equal()}
    for _ in range(2):
        for alias, layer in layers.items():
            register_channel_layer(alias, layer)
        with fresh_layers() as fresh:
            assert fresh["one"] is not fresh["two"]
            for alias, layer in layers.items():
                asyncio.run(layer.send(alias, NEWS))
                assert list(fresh[alias].contents()) == [alias]


def test_capturing(kept: InMemoryChannelLayer) -> None:
    """By alias, by the fresh layer or by the kept one: it is the same layer."""
    with (
        fresh_layers() as fresh,
        capture_broadcasts("chat") as by_alias,
        capture_broadcasts(kept) as by_object,
        capture_broadcasts(fresh["chat"], suppress=True) as suppressed,
    ):
        asyncio.run(kept.group_add("room", "ann"))
        asyncio.run(kept.group_send("room", NEWS))
        assert by_alias == by_object == suppressed
        (record,) = by_alias
        assert (record.group, record.message) == ("room", NEWS)
        assert pending("chat", "ann") == []


def test_capturing_without_fresh_layers(kept: InMemoryChannelLayer) -> None:
    """Any registered layer can be captured, and asked for its groups."""
    with capture_broadcasts("chat") as captured:
        asyncio.run(kept.group_add("room", "ann"))
        asyncio.run(kept.send("ann", NEWS))
    assert [record.channel for record in captured] == ["ann"]
    assert group_members("chat", "room") == ["ann"]
    with pytest.raises(TypeError, match=r"not a layer for tests: use fresh_layers\(\)"):
        send_to_group("chat", "room", NEWS)


def test_an_unknown_alias(kept: InMemoryChannelLayer) -> None:
    """It is refused, with those that there are."""
    with pytest.raises(LookupError, match=r"registered as 'chta' \(there are: 'chat'"):
        capture_broadcasts("chta")
    unregister_channel_layer("chat")
    with pytest.raises(LookupError, match=r"there are: none"):
        group_members("chat", "room")


class Room(AsyncJsonWebsocketConsumer):
    channel_layer_alias = "chat"
    groups: list[str] = ["room"]

    async def news(self, event: Any) -> None:
        await self.send_json(event)


def client(**options: Any) -> WebsocketCommunicator:
    return WebsocketCommunicator(Room.as_asgi(), "/", **options)


@pytest.mark.anyio
@asyncio_only
async def test_a_consumer_on_the_fresh_layer(kept: InMemoryChannelLayer) -> None:
    """Clients are in their group after connecting, and out after disconnecting."""
    with fresh_layers():
        async with client() as ann:
            async with client() as bob:
                assert len(group_members("chat", "room")) == 2
                await kept.group_send("room", NEWS)
                for each in (ann, bob):
                    assert await each.receive_json() == NEWS
                await bob.expect_nothing()
            (channel,) = group_members("chat", "room")
            send_to_channel("chat", channel, NEWS)
            assert await ann.receive_json() == NEWS
        assert group_members("chat", "room") == []


@pytest.mark.anyio
@asyncio_only
async def test_a_thread_that_broadcasts(kept: InMemoryChannelLayer) -> None:
    """What a thread sends arrives: neither lost nor declared impossible."""
    with fresh_layers():
        async with client() as ann:
            thread = Thread(target=send_to_group, args=("chat", "room", NEWS))
            thread.start()
            assert await ann.receive_json() == NEWS
            thread.join()
            worker = Thread(target=asyncio.run, args=(kept.group_send("room", NEWS),))
            worker.start()
            assert await ann.receive_json() == NEWS
            worker.join()
            await ann.expect_nothing()


def test_a_plain_test_sends(kept: InMemoryChannelLayer) -> None:
    """Sync tests send on the layer too; the client's loop is woken."""
    with fresh_layers(), SyncWebsocketCommunicator(Room.as_asgi(), "/") as ann:
        send_to_group("chat", "room", NEWS)
        assert ann.receive_json() == NEWS
        send_to_channel("chat", group_members("chat", "room")[0], NEWS)
        assert ann.receive_json() == NEWS
        assert ann.receive_nothing()


def test_a_crowd_is_served_faster() -> None:
    """A broadcast to many costs less than on fast-channels' own layer."""
    pairs = [(seconds(THEIRS, 500), seconds(OURS, 500)) for _ in range(3)]
    theirs, ours = map(min, zip(*pairs, strict=True))
    assert theirs / ours > 1.5
