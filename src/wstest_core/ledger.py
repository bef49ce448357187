"""Keeps count of completion messages, which say not what they complete.

An application that sends completion messages sends one after the last reply
to each message. A test that stopped reading before it, at a custom stop or by
receiving a single message, leaves it in the queue, where it would end the
next collection at once. Such a leftover must not stop anything.
"""

from typing import TypeAlias, final

from wstest_core.constants import MESSAGE_ACTION_COMPLETE

__all__ = ["CompletionLedger"]

_Reading: TypeAlias = tuple[int, int, bool, bool]


@final
class CompletionLedger:
    """Counts messages sent and completion messages that came back."""

    __slots__ = ("_answered", "_completed", "_leftover", "_sent", "_stale")

    def __init__(self) -> None:
        self._sent = 0
        self._completed = 0
        self._stale = 0  # completions owed for messages that were answered
        self._leftover = False  # one of a group or an event may be left
        self._answered = False  # something was read since the last send

    @property
    def reading(self) -> _Reading:
        """What was read so far. Setting it undoes what was read since."""
        return self._completed, self._stale, self._leftover, self._answered

    @reading.setter
    def reading(self, before: _Reading) -> None:
        self._completed, self._stale, self._leftover, self._answered = before

    def sent(self) -> None:
        """The client sends a message: what was read before is answered."""
        if self._answered:
            self._stale = self._sent - self._completed
            self._answered = False
        self._sent += 1

    def read(self) -> None:
        """The test has read a message."""
        self._answered = True

    def cut(self) -> None:
        """A collection ended before the completion message was read."""
        self._stale = min(self._stale + 1, self._sent - self._completed)
        self._leftover = True

    def completed(self, action: str, *, collected: bool) -> bool:
        """Whether a completion message counts for the collection under way.

        `collected` tells whether that has got a message already. Then this
        is its own, for a leftover comes before any reply.
        """
        if action == MESSAGE_ACTION_COMPLETE:
            # What nobody asked for is no answer.
            self._completed = min(self._completed + 1, self._sent)
            stale = self._stale > 0
            self._stale = max(0, self._stale - 1)
        else:
            stale, self._leftover = self._leftover, False
        return collected or not stale
