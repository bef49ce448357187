"""Stop conditions: values that ask a question of what was collected."""

from dataclasses import FrozenInstanceError
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstest_core.messages import (
    BaseMessage,
    CompleteMessage,
    EventCompleteMessage,
    PingMessage,
    PongMessage,
)
from wstest_core.stop import (
    Stop,
    on_action,
    on_close,
    on_count,
    on_match,
    on_type,
    when_quiet,
)


class Done(BaseMessage):
    action: Literal["done"] = "done"
    payload: int = 0


TOKEN = {"action": "token"}
DONE = {"action": "done"}


def is_even(message: object) -> bool:
    return isinstance(message, int) and message % 2 == 0


class TestMet:
    """What each stop looks at."""

    def test_on_action(self) -> None:
        """It is met by the newest message's action, in dicts and models."""
        stop = on_action("done")
        assert not stop.met([])
        assert not stop.met([TOKEN])
        assert stop.met([TOKEN, DONE])
        assert stop.met([Done()])
        assert not stop.met([DONE, TOKEN])

    def test_on_action_of_another_field(self) -> None:
        """The field that says what a message is can be named."""
        stop = on_action("done", field="type")
        assert stop.met([{"type": "done"}])
        assert not stop.met([DONE])

    def test_on_action_sees_completion_messages(self) -> None:
        """Completion messages meet a stop on their action."""
        assert on_action("event_complete").met([EventCompleteMessage()])
        assert on_action("complete").met([{"action": "complete"}])

    def test_on_type(self) -> None:
        """It is met by the newest message's class, or one of a union."""
        assert on_type(PongMessage).met([PingMessage(), PongMessage()])
        assert not on_type(PongMessage).met([PongMessage(), PingMessage()])
        assert on_type(PingMessage | PongMessage).met([PingMessage()])
        assert not on_type(PongMessage).met([])

    def test_on_count(self) -> None:
        """It counts messages, completion messages excepted."""
        stop = on_count(2)
        assert not stop.met([])
        assert not stop.met([TOKEN, CompleteMessage()])
        assert not stop.met([TOKEN, {"action": "group_complete"}])
        assert stop.met([TOKEN, CompleteMessage(), "raw text"])
        assert stop.met([b"", b"", b""])

    def test_on_match(self) -> None:
        """It asks the predicate about the newest message only."""
        asked: list[object] = []

        def predicate(message: object) -> object:
            asked.append(message)
            return message == 2

        stop = on_match(predicate)
        assert not stop.met([])
        assert not stop.met([2, 1])
        assert stop.met([2, 1, 2])
        assert asked == [1, 2]

    def test_on_match_lets_errors_through(self) -> None:
        """A predicate's own error is not swallowed."""
        with pytest.raises(ZeroDivisionError):
            on_match(lambda _: 1 / 0).met([1])

    def test_close_and_silence_are_told_and_not_asked(self) -> None:
        """No message meets a stop that waits for the end or for silence."""
        assert on_close().at_end
        assert on_close().quiet is None
        assert when_quiet(0.5).quiet == 0.5
        assert not when_quiet(0).at_end
        for stop in (on_close(), when_quiet(1)):
            assert not stop.met([TOKEN, DONE])


class TestJoined:
    """Stops joined with `|`."""

    def test_any_of_them_meets(self) -> None:
        """A joined stop is met when one of its parts is."""
        stop = on_action("done") | on_count(3)
        assert stop.met([DONE])
        assert stop.met([TOKEN] * 3)
        assert not stop.met([TOKEN] * 2)

    def test_end_and_silence_are_kept(self) -> None:
        """Joining keeps the close, and of two silences the shorter."""
        stop = on_count(1) | on_close() | when_quiet(2) | when_quiet(0.5)
        assert stop.at_end
        assert stop.quiet == 0.5
        assert (on_count(1) | when_quiet(3)).quiet == 3
        assert not (on_count(1) | on_count(2)).at_end

    def test_joined_only_with_stops(self) -> None:
        """Joining with anything else is one clear error."""
        other: Any = "complete"
        with pytest.raises(TypeError, match="joins with another stop, not 'complete'"):
            on_close() | other

    @given(
        counts=st.lists(st.integers(1, 6), min_size=1, max_size=4),
        actions=st.lists(st.sampled_from("ab"), max_size=8),
    )
    def test_join_is_or(self, counts: list[int], actions: list[str]) -> None:
        """A joined stop answers what `or` of its parts answers, at any time."""
        parts = [on_count(n) for n in counts] + [on_action("b")]
        joined = parts[0]
        for part in parts[1:]:
            joined |= part
        messages: list[object] = []
        for action in actions:
            messages.append({"action": action})
            expected = any(part.met(messages) for part in parts)
            assert joined.met(messages) == expected
            assert joined.met(messages) == expected


class TestValue:
    """A stop is a value."""

    def test_equal_and_hashable(self) -> None:
        """Stops that ask the same are the same."""
        assert on_action("a") | on_count(1) == on_action("a") | on_count(1)
        assert on_action("a") != on_action("a", field="type")
        assert len({on_close(), on_close(), when_quiet(1)}) == 2

    def test_frozen(self) -> None:
        """A stop cannot be changed."""
        stop: Any = on_close()
        with pytest.raises((FrozenInstanceError, AttributeError)):
            stop.at_end = False

    def test_used_twice(self) -> None:
        """A stop that was met is as good as new."""
        stop = on_count(2)
        for _ in range(2):
            assert not stop.met([1])
            assert stop.met([1, 2])

    def test_counting_a_burst_is_linear(self) -> None:
        """A count looks at the messages only when there may be enough."""

        class Watched(list[object]):
            walks = 0

            def __iter__(self) -> Any:
                self.walks += 1
                return super().__iter__()

        messages = Watched()
        stop = on_count(100)
        for number in range(100):
            messages.append(number)
            stop.met(messages)
        assert messages.walks == 1


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        (on_action("complete"), "action 'complete'"),
        (on_action("x", field="type"), "type 'x'"),
        (on_type(PongMessage), "a message of type PongMessage"),
        (on_type(int | str), "a message of type int | str"),
        (on_count(1), "1 message"),
        (on_count(2) | on_close(), "2 messages or the close"),
        (on_match(is_even), "a message that satisfies is_even"),
        (when_quiet(0.5), "0.5 s of silence"),
        (on_close() | when_quiet(2) | on_count(3), "3 messages or the close or 2 s of"),
        (Stop(), "nothing"),
    ],
    ids=str,
)
def test_words(stop: Stop, words: str) -> None:
    """A stop names itself in the words of a failure text."""
    assert str(stop).startswith(words)


def test_words_of_a_lambda() -> None:
    """A predicate without a name is told by its place."""
    words = str(on_match(lambda message: message))
    assert words.startswith("a message that satisfies the lambda at test_stop.py:")


async def async_predicate(_: object) -> bool:
    return True


BAD: Any = [
    (on_action, 3, TypeError, "on_action takes the action's name as a str, not 3"),
    (on_type, "Pong", TypeError, "on_type takes a class that isinstance() under"),
    (on_type, list[int], TypeError, "not list[int]"),
    (on_count, 0, ValueError, "on_count takes at least 1 message, not 0"),
    (on_count, True, TypeError, "on_count takes a whole number of messages, not True"),
    (on_count, 1.5, TypeError, "on_count takes a whole number of messages, not 1.5"),
    (on_match, "x", TypeError, "on_match takes a function, not 'x'"),
    (on_match, async_predicate, TypeError, "async_predicate is async"),
    (when_quiet, -1, ValueError, "when_quiet takes 0 or more seconds, not -1"),
    (when_quiet, float("nan"), ValueError, "not nan"),
    (when_quiet, float("inf"), ValueError, "not inf"),
    (when_quiet, "1", TypeError, "when_quiet takes a number of seconds, not '1'"),
]


@pytest.mark.parametrize(("make", "argument", "error", "sentence"), BAD)
def test_bad_argument(
    make: Any, argument: object, error: type[Exception], sentence: str
) -> None:
    """A wrong argument is one clear sentence."""
    with pytest.raises(error) as caught:
        make(argument)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
