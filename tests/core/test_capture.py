"""Captures: what is broadcast, and a subject left as it was found."""

import asyncio
import inspect
from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from wstest_core.capture import (
    CapturedEvent,
    CapturedMessage,
    capture_broadcast_events,
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


def test_records_are_values() -> None:
    """Records compare by what they hold."""
    with ExitStack() as stack:
        base, _, _ = consumers()
        captured = stack.enter_context(capture_broadcast_events(base))
        broadcast(base, 1, "a")
    assert captured == [CapturedEvent(event=1, groups="a")]
    assert CapturedMessage("send", "a", {}) != CapturedMessage("group_send", "a", {})
