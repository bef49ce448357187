"""What a client and an application have told each other. Waits for nothing.

The driver moves events in and out; here it is decided what they mean, whether
ASGI allows them, and how the connection stands after them.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, final

from wstest_core.errors import IllegalAsgiEvent, hidden
from wstest_core.events import (
    ABNORMAL_CLOSURE,
    Accept,
    Crash,
    Frame,
    Reject,
    Return,
    Terminal,
)
from wstest_core.legality import (
    Event,
    State,
    accept_of,
    close_of,
    denial_of,
    frame_of,
    name_of,
    plain_frame,
    violation,
)
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

__all__ = ["ClientDisconnected", "Conversation"]

__tracebackhide__ = hidden

_RETURNED, _LEFT = Return(), Return(asked=True)


@final
class ClientDisconnected(ConnectionError):
    """The application sent something to a client that has gone.

    An `OSError`, as ASGI 2.4 wants it.
    """

    __module__ = "wstest_core.drivers"


class _Clock(Protocol):
    def now(self) -> float: ...


@final
class Conversation:
    """One connection, as both sides see it."""

    __slots__ = (
        "_clock",
        "_denial",
        "_scope",
        "_state",
        "_transcript",
        "gone",
        "inbox",
        "opened",
        "refused",
        "terminal",
        "to_application",
        "told",
    )

    def __init__(self) -> None:
        self._state = State.CONNECTING
        self.opened: Accept | Reject | Crash | Return | None = None
        self.terminal: Terminal | None = None
        self.inbox: deque[Frame] = deque()  # what the client has not taken yet
        self.to_application: deque[Event] = deque()  # what the application has not
        self.gone = False  # the client will take nothing more
        self.told = False  # the application has been given its disconnect event
        self.refused: str | None = None  # the last illegal event, with its rule

    def begin(self, scope: Scope, transcript: Transcript, clock: _Clock) -> None:
        """The client asks for a connection."""
        self._scope, self._transcript, self._clock = scope, transcript, clock
        transcript.unread_in(self.inbox)
        self.to_application.append({"type": "websocket.connect"})

    # --- the client's side

    def say(self, frame: Frame) -> None:
        """The client sends a frame."""
        kind = "text" if isinstance(frame, str) else "bytes"
        self._transcript.sent(self._clock.now(), frame)
        self.to_application.append({"type": "websocket.receive", kind: frame})

    def leave(self, code: int, reason: str) -> None:
        """The client goes, and will not come back."""
        if self.gone:
            return
        self.gone = True
        if self.terminal is None:
            words = f"the client disconnects, code {code}"
            self._transcript.remark(self._clock.now(), words)
            self._tell_disconnect(code, reason)

    # --- the application's side

    def next_for_application(self) -> Event:
        """Take the event that the application gets next. There must be one."""
        event = self.to_application.popleft()
        if event["type"] == "websocket.disconnect":
            self.told = True
        return event

    def hear(self, event: Event) -> None:
        """The application sends an event.

        Raises:
            IllegalAsgiEvent, ClientDisconnected: in the application.
        """
        frame = plain_frame(event) if self._state is State.OPEN else None
        if frame is None or self.gone:
            self._hear_with_care(event)
        else:
            self._transcript.received(self._clock.now(), frame)
            self.inbox.append(frame)

    def forgives(self, error: BaseException) -> bool:
        """Whether what the application raised only says that the client has gone."""
        return self.gone and _is_goodbye(error)

    def end(self, crash: BaseException | None) -> None:
        """The application has ended."""
        if self.terminal is None:
            terminal = self._ending(crash)
            self.opened = self.opened or terminal
            self._finish(terminal)
        elif crash is not None:
            self._transcript.received(self._clock.now(), Crash(crash))

    # --- inner workings

    def _hear_with_care(self, event: Event) -> None:
        # A test may have taken from the scope what a server need not give either.
        denial = "websocket.http.response" in (self._scope.get("extensions") or ())
        rule = violation(event, self._state, denial=denial)
        if rule is not None:
            self._refuse(event, rule)
        if self.gone:
            self._drop(event)
        elif self._state is State.OPEN:
            self._hear_open(event)
        else:
            self._hear_connecting(event)

    def _hear_open(self, event: Event) -> None:
        if event["type"] == "websocket.send":
            frame = frame_of(event)
            self._transcript.received(self._clock.now(), frame)
            self.inbox.append(frame)
        else:
            close = close_of(event)
            self._finish(close)
            self._tell_disconnect(close.code, close.reason)

    def _hear_connecting(self, event: Event) -> None:
        match event["type"]:
            case "websocket.accept":
                self._state = State.OPEN
                self.opened = accept_of(event)
                self._transcript.received(self._clock.now(), self.opened)
            case "websocket.close":
                close = close_of(event)
                self._reject(Reject(close.code, 403, reason=close.reason))
            case "websocket.http.response.start":
                self._state = State.DENYING
                self._denial = denial_of(event)
            case _:
                body = self._denial.body + event.get("body", b"")
                self._denial = replace(self._denial, body=body)
                if not event.get("more_body", False):
                    self._reject(self._denial)

    def _reject(self, reject: Reject) -> None:
        self.opened = reject
        self._finish(reject)
        self._tell_disconnect(ABNORMAL_CLOSURE, "")

    def _finish(self, terminal: Terminal) -> None:
        if terminal is not _LEFT:  # else a late send finds the client gone, no more
            self._state = State.CLOSED
        self.terminal = terminal
        self._transcript.received(self._clock.now(), terminal)

    def _tell_disconnect(self, code: int, reason: str) -> None:
        event = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self.to_application.append(event)

    def _drop(self, event: Event) -> None:
        words = f"{event['type']} to a client that has gone"
        self._transcript.remark(self._clock.now(), words)
        if _raises_when_gone(self._scope):
            raise ClientDisconnected(f"{words} (ASGI 2.4: send raises an OSError)")

    def _refuse(self, event: object, rule: str) -> None:
        self.refused = f"{name_of(event)}: {rule}"
        raise IllegalAsgiEvent(
            f"The application sent an event that ASGI does not allow: {self.refused}"
        )

    def _ending(self, crash: BaseException | None) -> Reject | Crash | Return:
        accepted = self.opened is not None
        if crash is not None:
            return Crash(crash, accepted=accepted)
        if accepted or self.gone:
            return _LEFT if self.gone else _RETURNED
        # A server has nothing to answer with then (RFC 9110 section 15.6.1).
        return Reject(None, 500)


def _is_goodbye(error: BaseException) -> bool:
    """Whether an error only says that the client has gone.

    Starlette and Litestar let a `WebSocketDisconnect` of theirs escape from
    an endpoint that does not handle it, and servers think nothing of it.
    """
    several: Sequence[BaseException] = getattr(error, "exceptions", ())
    if several:
        return all(_is_goodbye(one) for one in several)
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"ClientDisconnected", "WebSocketDisconnect"})


def _raises_when_gone(scope: Scope) -> bool:
    version = str(scope.get("asgi", {}).get("spec_version", "2.0"))
    major, _, minor = version.partition(".")
    return (int(major), int(minor or 0)) >= (2, 4)
