"""`capture_broadcasts` on the in-memory layers of Channels and fast-channels."""

import asyncio
import threading
from typing import Any
from unittest import mock

import channels.layers
import fast_channels.layers
import pytest
from asgiref.sync import async_to_sync

from wstest_core.capture import CapturedMessage, capture_broadcasts

LAYERS: Any = {
    "channels": channels.layers.InMemoryChannelLayer,
    "fast_channels": fast_channels.layers.InMemoryChannelLayer,
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS.keys())
def layer(request: pytest.FixtureRequest) -> Any:
    return request.param()


class TestBroadcasts:
    """`capture_broadcasts`."""

    def test_records_and_delivers(self, layer: Any) -> None:
        """Both kinds are recorded in order, once each, and delivered."""

        async def main() -> list[Any]:
            await layer.group_add("room", "one")
            await layer.group_add("room", "two")
            with capture_broadcasts(layer) as captured:
                await layer.group_send("room", {"type": "a"})
                await layer.send("one", {"type": "b"})
            received = [await layer.receive(name) for name in ("one", "two", "one")]
            assert [each["type"] for each in received] == ["a", "a", "b"]
            return captured

        captured = asyncio.run(main())
        assert captured == [
            CapturedMessage("group_send", "room", {"type": "a"}),
            CapturedMessage("send", "one", {"type": "b"}),
        ]
        assert [(each.group, each.channel) for each in captured] == [
            ("room", None),
            (None, "one"),
        ]

    def test_keywords(self, layer: Any) -> None:
        """Arguments passed by keyword are recorded and passed on."""

        async def main() -> None:
            with capture_broadcasts(layer) as captured:
                await layer.send(channel="one", message={"type": "a"})
                await layer.group_send(message={"type": "b"}, group="room")
            assert await layer.receive("one") == {"type": "a"}
            assert [each.target for each in captured] == ["one", "room"]
            assert [each.message["type"] for each in captured] == ["a", "b"]

        asyncio.run(main())

    def test_message_is_copied(self, layer: Any) -> None:
        """A message changed after the call is recorded as it was at the call."""
        message = {"type": "a", "ids": [1]}
        with capture_broadcasts(layer) as captured:
            async_to_sync(layer.group_send)("room", message)
            message["ids"] = [2]
        assert captured[0].message == {"type": "a", "ids": [1]}

    def test_suppresses(self, layer: Any) -> None:
        """Suppressed messages are recorded and not delivered."""

        async def main() -> None:
            with capture_broadcasts(layer, suppress=True) as captured:
                await layer.send("one", {"type": "a"})
            assert len(captured) == 1
            assert layer.channels == {}

        asyncio.run(main())

    def test_restores(self, layer: Any) -> None:
        """The layer has its own methods again, after an error too."""
        before = dict(vars(layer))
        with pytest.raises(ZeroDivisionError), capture_broadcasts(layer):
            raise ZeroDivisionError
        assert vars(layer) == before

    def test_restores_instance_attributes(self, layer: Any) -> None:
        """A method that somebody set on the layer itself is put back."""
        own = mock.AsyncMock()
        layer.send = own
        with capture_broadcasts(layer) as captured:
            asyncio.run(layer.send("one", {"type": "a"}))
        assert vars(layer)["send"] is own
        assert "group_send" not in vars(layer)
        assert len(captured) == 1
        own.assert_awaited_once_with("one", {"type": "a"})

    def test_nested(self, layer: Any) -> None:
        """Nested captures all record; one that suppresses is enough."""

        async def main() -> None:
            with capture_broadcasts(layer) as outer:
                with capture_broadcasts(layer, suppress=True) as inner:
                    await layer.send("one", {"type": "a"})
                await layer.send("one", {"type": "b"})
            assert [each.message["type"] for each in inner] == ["a"]
            assert [each.message["type"] for each in outer] == ["a", "b"]
            assert await layer.receive("one") == {"type": "b"}

        asyncio.run(main())

    def test_closing_in_any_order(self, layer: Any) -> None:
        """Overlapping captures record their own time and restore the layer."""
        first, second = capture_broadcasts(layer), capture_broadcasts(layer)

        def send(kind: str) -> None:
            asyncio.run(layer.group_send("room", {"type": kind}))

        before = dict(vars(layer))
        heard_first = first.__enter__()
        heard_second = second.__enter__()
        send("both")
        first.__exit__(None, None, None)
        send("second")
        second.__exit__(None, None, None)
        send("none")
        assert [each.message["type"] for each in heard_first] == ["both"]
        assert [each.message["type"] for each in heard_second] == ["both", "second"]
        assert vars(layer) == before

    def test_two_layers_at_once(self) -> None:
        """A layer that hands on to another is recorded, and so is the other."""
        inner = fast_channels.layers.InMemoryChannelLayer()

        class Relay:
            async def send(self, channel: str, message: Any) -> None:
                await inner.send(channel, message)

            async def group_send(self, group: str, message: Any) -> None:
                await self.send(group, message)

        relay = Relay()
        with capture_broadcasts(relay) as outer, capture_broadcasts(inner) as beyond:
            asyncio.run(relay.group_send("room", {"type": "a"}))
        assert [each.kind for each in outer] == ["group_send"]
        assert [each.kind for each in beyond] == ["send"]

    def test_sync_layer(self) -> None:
        """A layer with plain methods is captured too, and returns its own."""

        class Plain:
            def send(self, channel: str, message: Any) -> str:
                return channel

            def group_send(self, group: str, message: Any) -> str:
                return self.send(group, message)

        layer = Plain()
        with capture_broadcasts(layer) as captured:
            assert layer.group_send("room", {}) == "room"
        assert [each.kind for each in captured] == ["group_send"]

    def test_refused_by_the_layer(self, layer: Any) -> None:
        """A message the layer refuses was asked for, and the error goes on."""
        with capture_broadcasts(layer) as captured:
            with pytest.raises((TypeError, AssertionError)):
                asyncio.run(layer.send("not a valid name!", {"type": "a"}))
            with pytest.raises(TypeError, match="missing a required argument"):
                asyncio.run(layer.send("one"))
        assert [each.target for each in captured] == ["not a valid name!"]

    def test_threads(self, layer: Any) -> None:
        """Messages from several threads at once are all recorded."""

        def work(number: int) -> None:
            async def main() -> None:
                for _ in range(50):
                    await layer.group_send(f"room{number}", {"type": "a"})

            asyncio.run(main())

        with capture_broadcasts(layer) as captured:
            threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(captured) == 200

    def test_one_task_delivering_hides_no_other(self, layer: Any) -> None:
        """While one group message is on its way, other sends are recorded."""

        async def main() -> None:
            await layer.group_add("room", "one")
            with capture_broadcasts(layer) as captured:
                await asyncio.gather(
                    layer.group_send("room", {"type": "a"}),
                    layer.send("two", {"type": "b"}),
                )
            assert sorted(each.kind for each in captured) == ["group_send", "send"]

        asyncio.run(main())

    def test_bad_subject(self) -> None:
        """What is no layer is one clear error."""

        class Slotted:
            __slots__ = ()

            def send(self, channel: str, message: Any) -> None: ...

            def group_send(self, group: str, message: Any) -> None: ...

        cases: Any = [
            ("default", "takes a channel layer, .* not 'default'; get_channel_layer"),
            (None, "takes a channel layer, .* not None"),
            (LAYERS["channels"], "takes a channel layer, .* not <class"),
            (Slotted(), "Slotted has __slots__, so its methods cannot be captured"),
        ]
        for subject, sentence in cases:
            with pytest.raises(TypeError, match=sentence):
                capture_broadcasts(subject).__enter__()
