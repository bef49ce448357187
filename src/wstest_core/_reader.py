"""Reads messages off a session: one, or as many as belong together."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

from wstest_core import explain
from wstest_core._session import Session
from wstest_core.codecs import Codec
from wstest_core.codecs._camel_case import decode_camelized
from wstest_core.codecs._json import read_json
from wstest_core.constants import COMPLETE_ACTIONS, action_of
from wstest_core.errors import NoMessage, UndecodableFrame, hidden
from wstest_core.events import FRAME, Crash, Frame, Silence, Terminal
from wstest_core.ledger import CompletionLedger
from wstest_core.stop import Stop

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
        completion = self._completion_in(event)
        if completion is None:
            self.ledger.read()
        else:
            self.ledger.completed(completion, collected=False)
        return event

    async def message(
        self, timeout: float, wanted: str, take: Callable[[Message], bool]
    ) -> Message:
        """Take the next message; of completions only those that `take` wants."""
        deadline: float | None = None
        left = timeout
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
            now = self._session.driver.now()
            deadline = now + left if deadline is None else deadline
            left = max(0.0, deadline - now)

    async def collect(self, stop: Stop, timeout: float) -> Collection:
        """Take messages until the stop, the end, or until none can come."""
        self._session.require_connection()
        found = Collection()
        now = self._session.driver.now
        left, deadline = timeout, now() + timeout
        while True:
            window = left if stop.quiet is None else min(left, stop.quiet)
            event = await self._session.next(window)
            if not isinstance(event, FRAME):
                found.end = self._what_ended(event, stop, left)
                break
            if self._add(found, event, stop):
                break
            left = max(0.0, deadline - now())
        if found.seen and action_of(found.seen[-1], self.field) not in COMPLETE_ACTIONS:
            self.ledger.cut()
        return found

    async def frames(self, timeout: float) -> list[Frame]:
        """Take all frames until the end, or until none can come."""
        self._session.require_connection()
        frames: list[Frame] = []
        now = self._session.driver.now
        left, deadline = timeout, now() + timeout
        while isinstance(event := await self._session.next(left), FRAME):
            frames.append(event)
            left = max(0.0, deadline - now())
        if isinstance(event, Crash) and not frames:
            raise self.missing(event, "no message", timeout)
        if frames:
            self.ledger.read()
        return frames

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
        lying = map(self._completion_in, self._session.ahead)
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
