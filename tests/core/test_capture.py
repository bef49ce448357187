"""Captures: what is broadcast, and a subject left as it was found."""

import asyncio
import inspect
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import Any
from unittest import mock

import channels.layers
import fast_channels.layers
import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from wstest_core.capture import (
    CapturedEvent,
    CapturedMessage,
    capture_broadcast_events,
    capture_broadcasts,
)

Deliveries = list[tuple[str, tuple[Any, ...], dict[str, Any]]]


def consumers(*, is_async: bool = True) -> tuple[type[Any], type[Any], Deliveries]:
    """A class that broadcasts, one derived from it, and what they delivered."""
    delivered: Deliveries = []

    class Base:
        if is_async:

            @classmethod
            async def broadcast_event(
                cls, event: object, groups: object = None, *extra: object, **more: Any
            ) -> str:
                delivered.append((cls.__name__, (event, groups, *extra), more))
                return "sent"
        else:

            @classmethod
            def broadcast_event(
                cls, event: object, groups: object = None, *extra: object, **more: Any
            ) -> str:
                delivered.append((cls.__name__, (event, groups, *extra), more))
                return "sent"

        @classmethod
        def broadcast_event_sync(cls, event: object, groups: object = None) -> None:
            async_to_sync(cls.broadcast_event)(event, groups)

    class Derived(Base):
        pass

    return Base, Derived, delivered


def broadcast(consumer: Any, *args: Any, **kwargs: Any) -> Any:
    async def call() -> Any:
        return await consumer.broadcast_event(*args, **kwargs)

    if inspect.iscoroutinefunction(consumer.broadcast_event):
        return asyncio.run(call())
    return consumer.broadcast_event(*args, **kwargs)


@pytest.fixture(params=[True, False], ids=["async", "sync"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestBroadcastEvents:
    """`capture_broadcast_events`."""

    def test_records_and_suppresses(self, is_async: bool) -> None:
        """Events and groups are recorded as passed, and go nowhere."""
        base, _, delivered = consumers(is_async=is_async)
        event, groups = object(), ["a", "b"]
        with capture_broadcast_events(base) as captured:
            assert broadcast(base, event, groups) is None
            broadcast(base, event, groups="a")
            broadcast(base, groups=("x",), event=event)
            broadcast(base, event)
        assert captured == [
            CapturedEvent(event, ["a", "b"]),
            CapturedEvent(event, "a"),
            CapturedEvent(event, ("x",)),
            CapturedEvent(event),
        ]
        assert captured[0].event is event
        assert captured[0].groups is groups
        assert delivered == []

    def test_lets_through(self, is_async: bool) -> None:
        """Unsuppressed, a call happens with all it was given and gives back."""
        base, _, delivered = consumers(is_async=is_async)
        with capture_broadcast_events(base, suppress=False) as captured:
            assert broadcast(base, 1, "a", "more", key="word") == "sent"
        assert captured == [CapturedEvent(1, "a")]
        assert delivered == [("Base", (1, "a", "more"), {"key": "word"})]

    def test_call_through_a_subclass(self, is_async: bool) -> None:
        """A subclass's call is recorded and runs as that subclass."""
        base, derived, delivered = consumers(is_async=is_async)
        with capture_broadcast_events(base, suppress=False) as captured:
            broadcast(derived, 1)
            broadcast(derived(), 2)
        assert [record.event for record in captured] == [1, 2]
        assert [name for name, *_ in delivered] == ["Derived", "Derived"]

    def test_subject_is_a_subclass(self, is_async: bool) -> None:
        """Capturing a subclass leaves its base alone, now and afterwards."""
        base, derived, delivered = consumers(is_async=is_async)

        class Last(derived):
            pass

        with capture_broadcast_events(derived, suppress=False) as captured:
            broadcast(base, 1)
            broadcast(Last, 2)
        assert captured == [CapturedEvent(2)]
        assert "broadcast_event" not in vars(derived)
        broadcast(Last, 3)
        assert [name for name, *_ in delivered] == ["Base", "Last", "Last"]

    def test_subclass_with_a_method_of_its_own(self) -> None:
        """An overriding method runs, and its `super()` call is recorded."""
        base, _, delivered = consumers()

        class Loud(base):
            @classmethod
            async def broadcast_event(cls, event: Any, groups: Any = None) -> Any:
                return await super().broadcast_event(event.upper(), groups)

        with capture_broadcast_events(base) as captured:
            broadcast(Loud, "hello")
        assert captured == [CapturedEvent("HELLO")]
        with capture_broadcast_events(Loud, suppress=False) as captured:
            broadcast(Loud, "hello")
        assert captured == [CapturedEvent("hello")]
        assert delivered == [("Loud", ("HELLO", None), {})]

    def test_sync_twin_is_captured(self) -> None:
        """A sync method that calls the async one is captured by it."""
        base, derived, delivered = consumers()
        with capture_broadcast_events(base) as captured:
            derived.broadcast_event_sync(1, ["a"])
        assert captured == [CapturedEvent(1, ["a"])]
        assert delivered == []

    def test_wrong_call_is_refused_though_suppressed(self, is_async: bool) -> None:
        """A call the method would refuse is refused and not recorded."""
        base, _, _ = consumers(is_async=is_async)
        missing = "missing a required argument: 'event'"
        with (
            capture_broadcast_events(base) as captured,
            pytest.raises(TypeError, match=missing),
        ):
            broadcast(base)
        assert captured == []

    def test_nested_on_one_class(self, is_async: bool) -> None:
        """Nested captures all record; one that suppresses is enough."""
        base, _, delivered = consumers(is_async=is_async)
        with capture_broadcast_events(base, suppress=False) as outer:
            with capture_broadcast_events(base) as inner:
                broadcast(base, 1)
            broadcast(base, 2)
        assert inner == [CapturedEvent(1)]
        assert outer == [CapturedEvent(1), CapturedEvent(2)]
        assert [args[0] for _, args, _ in delivered] == [2]

    @pytest.mark.parametrize("suppress_inner", [True, False])
    @pytest.mark.parametrize("base_first", [True, False])
    def test_nested_on_base_and_subclass(
        self, base_first: bool, suppress_inner: bool
    ) -> None:
        """Captures of a class and its subclass each record a call once."""
        base, derived, delivered = consumers()
        subjects = [base, derived] if base_first else [derived, base]
        with (
            capture_broadcast_events(subjects[0], suppress=False) as outer,
            capture_broadcast_events(subjects[1], suppress=suppress_inner) as inner,
        ):
            broadcast(derived, 1)
        assert outer == inner == [CapturedEvent(1)]
        assert len(delivered) == (0 if suppress_inner else 1)
        assert "broadcast_event" not in vars(derived)

    def test_exception_restores(self) -> None:
        """An error in the block goes on, and the class is as before."""
        base, derived, _ = consumers()
        before = vars(base)["broadcast_event"]
        for subject in (base, derived):
            with pytest.raises(ZeroDivisionError), capture_broadcast_events(subject):
                raise ZeroDivisionError
        assert vars(base)["broadcast_event"] is before
        assert "broadcast_event" not in vars(derived)

    def test_error_of_the_real_method(self, is_async: bool) -> None:
        """What the real method raises reaches the caller; the call is recorded."""
        base, _, _ = consumers(is_async=is_async)

        class Failing(base):
            if is_async:

                @classmethod
                async def broadcast_event(cls, event: Any) -> None:
                    raise LookupError(event)
            else:

                @classmethod
                def broadcast_event(cls, event: Any) -> None:
                    raise LookupError(event)

        with (
            capture_broadcast_events(Failing, suppress=False) as captured,
            pytest.raises(LookupError),
        ):
            broadcast(Failing, 1)
        assert captured == [CapturedEvent(1)]

    @given(
        closing=st.permutations(range(4)), subjects=st.lists(st.booleans(), min_size=4)
    )
    def test_closing_in_any_order(
        self, closing: list[int], subjects: list[bool]
    ) -> None:
        """Captures that close in any order restore the classes exactly."""
        base, derived, delivered = consumers()
        before = vars(base)["broadcast_event"]
        open_captures = [
            capture_broadcast_events(base if subjects[number] else derived)
            for number in range(4)
        ]
        records = [each.__enter__() for each in open_captures]
        still_open = set(range(4))
        for closed in closing:
            expected = {number: len(records[number]) + 1 for number in still_open}
            broadcast(derived, closed)
            assert {n: len(records[n]) for n in still_open} == expected
            open_captures[closed].__exit__(None, None, None)
            still_open.remove(closed)
        assert vars(base)["broadcast_event"] is before
        assert "broadcast_event" not in vars(derived)
        assert delivered == []
        broadcast(derived, "after")
        assert [name for name, *_ in delivered] == ["Derived"]

    def test_stranger_s_patch_survives(self) -> None:
        """A patch laid over a capture is not torn away, and hides nothing."""
        base, _, delivered = consumers()
        capture = capture_broadcast_events(base)
        captured = capture.__enter__()
        patch = mock.patch.object(base, "broadcast_event", mock.AsyncMock())
        patch.start()
        capture.__exit__(None, None, None)
        broadcast(base, 1)
        patch.stop()
        broadcast(base, 2)
        assert captured == []
        assert [args[0] for _, args, _ in delivered] == [2]

    def test_mock_may_be_captured(self) -> None:
        """A class whose method is already replaced by a mock is a subject."""
        base, _, _ = consumers()
        with mock.patch.object(base, "broadcast_event", mock.AsyncMock()) as mocked:
            with capture_broadcast_events(base, suppress=False) as captured:
                broadcast(base, 1, "a")
            assert base.broadcast_event is mocked
        mocked.assert_awaited_once_with(1, "a")
        assert captured == [CapturedEvent(1, "a")]

    def test_stays_a_coroutine_function(self) -> None:
        """Whether a method is async can be told while it is captured."""
        for is_async in (True, False):
            base, _, _ = consumers(is_async=is_async)
            with capture_broadcast_events(base):
                assert inspect.iscoroutinefunction(base.broadcast_event) == is_async

    def test_bad_subject(self) -> None:
        """What has no such classmethod is one clear error."""

        class Plain:
            pass

        class Unbound:
            def broadcast_event(self, event: object) -> None: ...

        cases: Any = [
            (Plain, "Plain has no classmethod 'broadcast_event', so there is nothing"),
            (Unbound, "Unbound has no classmethod 'broadcast_event', so there is"),
            (Plain(), "capture_broadcast_events takes a consumer class, not <"),
        ]
        for subject, sentence in cases:
            with pytest.raises(TypeError, match=sentence):
                capture_broadcast_events(subject).__enter__()


CHANX = """
import asyncio
from typing import Literal
from chanx.core.decorators import event_handler
from chanx.core.testing import capture_broadcast_events as chanx_capture
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer
from wstest_core.capture import capture_broadcast_events, capture_broadcasts

layer = InMemoryChannelLayer()
register_channel_layer("default", layer)

class Joined(BaseMessage):
    action: Literal["joined"] = "joined"
    payload: int

class Chat(AsyncJsonWebsocketConsumer[BaseMessage]):
    groups = ["chat"]
    channel_layer_alias = "default"
    @event_handler
    async def joined(self, event: Joined) -> Joined: ...

class Room(Chat):
    groups = ["room"]

class Lounge(Room):
    groups = ["lounge"]

one = Joined(payload=1)

async def main():
    with capture_broadcast_events(Room) as seen:
        await Room.broadcast_event(one, ["a"])
        await Lounge.broadcast_event(one)
        await asyncio.to_thread(Lounge.broadcast_event_sync, one, "b")
    assert [(each.event is one, each.groups) for each in seen] == [
        (True, ["a"]), (True, None), (True, "b")
    ], seen
    with capture_broadcasts(layer) as sent:
        await Lounge.broadcast_event(one)
    assert [each.group for each in sent] == ["lounge"], sent
    assert "broadcast_event" not in vars(Room)

    with capture_broadcasts(layer) as sent:
        with capture_broadcast_events(Room, suppress=False) as seen:
            await Lounge.broadcast_event(one)
            await Chat.broadcast_event(one)
    assert len(seen) == 1 and [each.group for each in sent] == ["lounge", "chat"]

    # chanx's own capture leaves a bound method behind; we capture that too.
    with chanx_capture(Room):
        pass
    left_behind = vars(Room)["broadcast_event"]
    with capture_broadcast_events(Room) as seen:
        await Room.broadcast_event(one, "c")
    assert len(seen) == 1 and vars(Room)["broadcast_event"] is left_behind

asyncio.run(main())
with capture_broadcast_events(Chat) as seen:
    Chat.broadcast_event_sync(one)
assert len(seen) == 1
print("good")
"""


def test_chanx_consumers() -> None:
    """On real chanx consumers: subclasses, sync twins, delivery, restoring.

    In a process of its own: chanx decides at import whether Django is used.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHANX],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("good\n"), done.stderr


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


def test_records_are_values() -> None:
    """Records compare by what they hold."""
    with ExitStack() as stack:
        base, _, _ = consumers()
        captured = stack.enter_context(capture_broadcast_events(base))
        broadcast(base, 1, "a")
    assert captured == [CapturedEvent(event=1, groups="a")]
    assert CapturedMessage("send", "a", {}) != CapturedMessage("group_send", "a", {})
