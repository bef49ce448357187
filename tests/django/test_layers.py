"""Channel layers in a test, and what goes over them."""

import sys
from dataclasses import dataclass
from threading import Thread
from typing import ClassVar

from asgiref.sync import async_to_sync, sync_to_async
from channels.exceptions import ChannelFull
from channels.layers import (
    InMemoryChannelLayer,
    channel_layers,
    get_channel_layer,
)
from django.test import SimpleTestCase, override_settings
from project.consumers import KEPT_LAYER

from wstest_django import (
    FreshLayer,
    WebsocketTestCase,
    capture_broadcasts,
    fresh_layers,
    group_members,
    next_message,
    pending,
    send_to_channel,
    send_to_group,
)

EVENT = {"type": "room.said", "text": "hello"}


@dataclass
class _Equal(InMemoryChannelLayer):
    def __post_init__(self) -> None:
        super().__init__()


class LayerTests(WebsocketTestCase):
    async def test_every_alias_is_fresh(self) -> None:
        """Each alias has a layer of its own, in memory, and empty."""
        default, second = self.channel_layers["default"], self.channel_layers["second"]
        assert get_channel_layer() is default
        assert get_channel_layer("second") is second
        assert default is not second
        assert default.contents() == {}
        assert default.groups == {}
        await default.send("left", EVENT)

    test_every_alias_is_fresh_again = test_every_alias_is_fresh

    async def test_groups(self) -> None:
        """A test may send to a group, and see who is in it."""
        async with self.create_communicator(ws_path="/ws/room/a/") as ws:
            send_to_group("default", "a", EVENT)
            assert await ws.receive_json() == {"room": "a", "text": "hello"}
            [member] = group_members("default", "a")
            send_to_channel("default", member, EVENT)
            assert await ws.receive_json() == {"room": "a", "text": "hello"}
        assert group_members("default", "a") == []

    async def test_view_announces(self) -> None:
        """A view in another thread is heard at once."""
        async with self.create_communicator(ws_path="/ws/room/a/") as ws:
            await sync_to_async(self.client.get)("/announce/a/?text=news")
            assert await ws.receive_json() == {"room": "a", "text": "news"}
            await self.async_client.get("/announce/a/?text=more")
            assert await ws.receive_json() == {"room": "a", "text": "more"}

    async def test_kept_layer(self) -> None:
        """An application that has kept the old layer uses the fresh one."""
        path = "/ws/kept/a/"
        async with self.create_communicator(ws_path=path) as ws:
            await ws.send_json({"text": "hello"})
            assert await ws.receive_json() == {"room": "a", "text": "hello"}
            assert KEPT_LAYER is not self.channel_layers["default"]
            with capture_broadcasts(KEPT_LAYER) as captured:
                await ws.send_json({"text": "again"})
                await ws.receive_json()
            assert [each.group for each in captured] == ["a"]

    async def test_capture(self) -> None:
        """What a layer is asked to send is recorded, and perhaps not sent."""
        async with self.create_communicator(ws_path="/ws/room/a/") as ws:
            with capture_broadcasts(suppress=True) as captured:
                await ws.send_json({"text": "hello"})
                await ws.expect_nothing()
        assert [(each.group, each.message) for each in captured] == [("a", EVENT)]

    def test_plain(self) -> None:
        """Plain tests may look at a channel, message by message."""
        layer = get_channel_layer()
        async_to_sync(layer.send)("jobs", {"type": "job", "number": 1})
        send_to_channel("default", "jobs", {"type": "job", "number": 2})
        assert len(pending("default", "jobs")) == 2
        assert next_message("default", "jobs") == {"type": "job", "number": 1}
        assert next_message("default", "jobs") == {"type": "job", "number": 2}
        assert next_message("default", "jobs") is None
        assert next_message("second", "jobs") is None

    @override_settings(
        CHANNEL_LAYERS={
            "default": {
                "BACKEND": "channels.layers.InMemoryChannelLayer",
                "CONFIG": {"capacity": 2},
                "TEST_CONFIG": {"capacity": 1},
            }
        }
    )
    async def test_overridden_settings(self) -> None:
        """Settings of one test hold for its layers, TEST_CONFIG first."""
        layer = get_channel_layer()
        assert isinstance(layer, FreshLayer)
        await layer.send("jobs", EVENT)
        with self.assertRaises(ChannelFull):
            await layer.send("jobs", EVENT)
        assert self.channel_layers["default"] is layer

    async def test_capacity(self) -> None:
        """A fresh layer holds as much as the one of the settings."""
        assert self.channel_layers["default"].capacity == 50


class SomeAliasesTests(WebsocketTestCase):
    test_channel_aliases: ClassVar = ["second"]

    async def test_others_are_left_alone(self) -> None:
        """Only the aliases that are named have fresh layers."""
        assert isinstance(get_channel_layer("second"), FreshLayer)
        assert not isinstance(get_channel_layer("default"), FreshLayer)
        assert list(self.channel_layers) == ["second"]


class BlockTests(SimpleTestCase):
    def test_everything_is_put_back(self) -> None:
        """Also on an error, layers and their methods are as they were found."""
        before, send = dict(channel_layers.backends), KEPT_LAYER.send
        with self.assertRaises(LookupError), fresh_layers():
            assert get_channel_layer() is not before.get("default")
            raise LookupError
        assert channel_layers.backends == before
        assert "make_backend" not in vars(channel_layers)
        assert KEPT_LAYER.send == send

    def test_blocks_may_be_nested(self) -> None:
        """The inner one is fresh again, and the outer one is back after it."""
        with fresh_layers() as outer:
            send_to_channel("default", "jobs", EVENT)
            with fresh_layers():
                assert next_message("default", "jobs") is None
                assert next_message(outer["default"], "jobs") is None
            assert next_message("default", "jobs") == EVENT

    def test_blocks_may_be_left_in_any_order(self) -> None:
        """What was entered later stays until it is left; then all is put back."""
        before, registry = dict(channel_layers.backends), dict(vars(channel_layers))
        attributes = dict(vars(KEPT_LAYER))
        first, second = fresh_layers(), fresh_layers()
        first.__enter__()
        fresh = second.__enter__()
        first.__exit__(None, None, None)
        assert get_channel_layer() is fresh["default"]
        async_to_sync(KEPT_LAYER.send)("jobs", EVENT)
        assert pending("default", "jobs") == [EVENT]
        second.__exit__(None, None, None)
        assert channel_layers.backends == before
        assert vars(channel_layers) == registry
        assert vars(KEPT_LAYER) == attributes

    def test_blocks_of_several_threads(self) -> None:
        """They are entered and left side by side, and then all is as it was."""
        before, registry = dict(channel_layers.backends), dict(vars(channel_layers))
        attributes, ended = dict(vars(KEPT_LAYER)), list[bool]()

        def enter_and_leave() -> None:
            for _ in range(20):
                with fresh_layers(), fresh_layers():
                    pass
            ended.append(True)

        threads = [Thread(target=enter_and_leave) for _ in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        assert ended == [True] * len(threads)
        assert channel_layers.backends == before
        assert vars(channel_layers) == registry
        assert vars(KEPT_LAYER) == attributes

    def test_layer_without_a_hash(self) -> None:
        """A layer that compares by its content can be stood in for, too."""
        layer = _Equal()
        with fresh_layers():
            channel_layers.set("default", layer)
            with fresh_layers():
                async_to_sync(layer.send)("jobs", EVENT)
                assert pending("default", "jobs") == [EVENT]

    def test_unknown_alias(self) -> None:
        """An alias that there is not is said in one sentence."""
        text = "no alias 'third' (there are: 'default', 'second')"
        with self.assertRaisesMessage(LookupError, text):
            group_members("third", "a")

    def test_other_layers(self) -> None:
        """What only a layer for tests can do is refused for others; what to do."""
        with self.assertRaises(TypeError) as caught:
            pending(InMemoryChannelLayer(), "jobs")
        assert str(caught.exception) == (
            "InMemoryChannelLayer is not a layer for tests: use fresh_layers() (a test "
            "case does, for its test_channel_aliases), or await the layer's own methods"
        )

    @override_settings(CHANNEL_LAYERS={})
    def test_no_layers(self) -> None:
        """A project without channel layers stays one."""
        with fresh_layers() as fresh:
            assert get_channel_layer() is None
            assert fresh == {}
