"""Reads messages off a session: one, or as many as belong together."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, final

from wstest_core import explain
from wstest_core._session import Session
from wstest_core.codecs import Codec
from wstest_core.codecs._camel_case import decode_camelized
from wstest_core.codecs._json import Json, read_json
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.errors import (
    NoMessage,
    UndecodableFrame,
    WebSocketTestError,
    hidden,
)
from wstest_core.events import FRAME, Crash, Frame, Silence, Terminal
from wstest_core.ledger import CompletionLedger
from wstest_core.stop import Stop, said_in

__all__ = ["Collection", "Message", "Reader"]

__tracebackhide__ = hidden

# Which class a message has is known to the codec that the test chose.
Message: TypeAlias = Any


@final
class Collection:
    """What came, and why there is no more of it."""

    __slots__ = ("end", "messages", "passed", "seen")

    def __init__(self) -> None:
        self.seen: list[Message] = []  # with completion messages
        self.messages: list[Message] = []  # without
        self.passed: list[str] = []  # the actions of completion messages
        self.end: Terminal | Silence | None = None  # None: the stop was met


@final
class Reader:
    """Decodes what a session receives and keeps count of completions."""

    __slots__ = ("_session", "codec", "field", "ledger")

    def __init__(self, session: Session, codec: Codec[Message]) -> None:
        self._session = session
        self.codec = codec
        self.field: str = getattr(codec, "field", "action")
        self.ledger = CompletionLedger()

    async def frame(self, timeout: float, wanted: str) -> Frame:
        """Take the next frame, whatever it is."""
        event = await self._session.next(timeout)
        if not isinstance(event, FRAME):
            raise self.missing(event, wanted, timeout)
        self._count(event)
        return event

    async def message(
        self, timeout: float, wanted: str, take: Callable[[Message], bool]
    ) -> Message:
        """Take the next message; of completions only those that `take` wants."""
        self._session.require_connection()
        now = self._session.driver.now
        left, deadline = timeout, now() + timeout
        passed: list[str] = []
        while True:
            event = await self._session.next(left)
            if not isinstance(event, FRAME):
                raise self.missing(event, wanted, timeout, passed=passed)
            message = self.decode(event, self.codec.decode)
            action = action_of(message, self.field)
            if action not in COMPLETE_ACTIONS:
                self.ledger.read()
                return message
            self.ledger.completed(action, collected=False)
            if take(message):
                return message
            passed.append(action)
            left = max(0.0, deadline - now())

    async def collect(self, stop: Stop, timeout: float) -> Collection:
        """Take messages until the stop, the end, or until none can come."""
        self._session.require_connection()
        stop = said_in(self.field, stop)
        found = Collection()
        now = self._session.driver.now
        left, deadline = timeout, now() + timeout
        with self._all_or_nothing() as taken:
            while True:
                window = left if stop.quiet is None else min(left, stop.quiet)
                event = await self._session.next(window)
                if not isinstance(event, FRAME):
                    found.end = self._what_ended(event, stop, left)
                    break
                taken.append(event)
                if self._add(found, event, stop):
                    break
                left = max(0.0, deadline - now())
        if found.seen and action_of(found.seen[-1], self.field) not in COMPLETE_ACTIONS:
            self.ledger.cut()
        return found

    async def all_json(self, timeout: float) -> list[Json]:
        """Take all frames until the end, or until none can come, as JSON."""
        self._session.require_connection()
        found: list[Json] = []
        now = self._session.driver.now
        left, deadline = timeout, now() + timeout
        with self._all_or_nothing() as taken:
            while isinstance(event := await self._session.next(left), FRAME):
                taken.append(event)
                self._count(event)
                found.append(self.decode(event, read_json, found))
                left = max(0.0, deadline - now())
        if isinstance(event, Crash) and not found:
            raise self.missing(event, "no message", timeout)
        return found

    def decode(
        self,
        frame: Frame,
        decode: Callable[[Frame], Message],
        messages: Sequence[Message] = (),
    ) -> Message:
        """Decode a frame; what came before it goes with the error."""
        try:
            return decode(frame)
        except UndecodableFrame as error:
            refused = self._session.in_context(error)
        refused.messages = list(messages)
        raise refused

    def missing(
        self,
        event: Terminal | Silence,
        wanted: str,
        timeout: float,
        found: Collection | None = None,
        remedy: str | None = None,
        passed: Sequence[str] = (),
    ) -> AssertionError:
        """Return the error for what did not come.

        `passed` are the actions of completion messages that did not count.
        """
        found = found or Collection()
        if not isinstance(event, Silence):
            return self._session.ended(event, wanted, found.messages)
        lying = map(self._completion_in, self._session.incoming.kept)
        passed = [*passed, *found.passed, *filter(None, lying)]
        text = self._session.text(
            wanted,
            event,
            timeout,
            remedy=explain.passed_over(passed) or remedy,
            collected=bool(found.seen),
        )
        return NoMessage(text, messages=found.messages)

    def is_completion(self, frame: Frame) -> bool:
        """Whether a frame only says that the application is done."""
        return self._completion_in(frame) is not None

    def content(self, frame: Frame) -> Message:
        """Return a frame as JSON, in the codec's spelling; None where it is none."""
        try:
            if getattr(self.codec, "camel_case", False):
                return decode_camelized(frame, read_json)
            return read_json(frame)
        except UndecodableFrame:
            return None

    @contextmanager
    def _all_or_nothing(self) -> Generator[list[Frame]]:
        """Give back the frames that were taken, if the wait is cut short."""
        taken: list[Frame] = []
        before = self.ledger.reading
        try:
            yield taken
        except WebSocketTestError:
            raise  # which has what they said
        except BaseException:
            self._session.incoming.give_back(taken)
            self.ledger.reading = before
            raise

    def _count(self, frame: Frame) -> None:
        """Take note of a frame that is received as it is."""
        completion = self._completion_in(frame)
        if completion is None:
            self.ledger.read()
        else:
            self.ledger.completed(completion, collected=False)

    def _completion_in(self, frame: Frame) -> str | None:
        """Return the completion action that a frame says, if it says one."""
        hint = "complete" in frame if isinstance(frame, str) else b"complete" in frame
        action = action_of(self.content(frame), self.field) if hint else None
        return action if action in COMPLETE_ACTIONS else None

    def _add(self, found: Collection, frame: Frame, stop: Stop) -> bool:
        """Add a frame's message; return whether the stop is met."""
        message = self.decode(frame, self.codec.decode, found.messages)
        action = action_of(message, self.field)
        if action not in COMPLETE_ACTIONS:
            self.ledger.read()
            found.messages.append(message)
        else:
            found.passed.append(action)
            if not self.ledger.completed(action, collected=bool(found.messages)):
                return False
        found.seen.append(message)
        return stop.met(found.seen)

    def _what_ended(
        self, event: Terminal | Silence, stop: Stop, left: float
    ) -> Terminal | Silence | None:
        """Return None if what ended the collection is what it was to stop at."""
        if isinstance(event, Silence):
            quiet = stop.quiet
            return None if quiet is not None and quiet <= left else event
        if stop.at_end and not isinstance(event, Crash):
            self._session.end_told = True
            return None
        return event
