"""One run of an ASGI application, seen from both of its sides.

Whoever runs it gives it events and takes those that it sends. What they mean
is not known here.
"""

from collections import deque
from collections.abc import Mapping, MutableMapping
from contextvars import Context
from typing import Any, Final, TypeAlias, cast, final

from anyio.lowlevel import checkpoint

from wstest_core import explain, quiescence, settings
from wstest_core.drivers import Run
from wstest_core.drivers._call import Call
from wstest_core.errors import ApplicationCrashed, IllegalAsgiEvent, NoMessage
from wstest_core.events import Crash, Return
from wstest_core.legality import Event
from wstest_core.transcript import Transcript

__all__ = ["AnyEvent", "AnyScope", "Life", "fault"]

# What they hold is told by their type, of which there is no closed list.
AnyEvent: TypeAlias = dict[str, Any]
AnyScope: TypeAlias = MutableMapping[str, Any]

_SHOWN: Final = 72  # characters of a value in a transcript
_WANTED: Final = (
    "A test that wants this expects ApplicationCrashed, and finds it in its `error`."
)


@final
class Life:
    """One run of an application: what it was given, what it sent, how it ended.

    It starts at once, in the loop that runs. It does not know its communicator,
    so that one can be let go of.
    """

    __slots__ = (
        "_asking",
        "_inbox",
        "_input_bell",
        "_transcript",
        "call",
        "crash_told",
        "outbox",
    )

    def __init__(
        self,
        application: Run,
        scope: AnyScope,
        context: Context | None,
        transcript: Transcript,
    ) -> None:
        self._transcript = transcript
        self.call = call = Call(virtual=settings.current.virtual_clock)
        self._input_bell = call.watch.bell()
        self._inbox: deque[AnyEvent] = deque()  # what it has not taken yet
        self.outbox: deque[AnyEvent] = deque()  # what the test has not
        self._asking = 0  # how many of its tasks wait for an event
        self.crash_told = False
        sides = self._app_receive, self._app_send
        call.start(application, scope, *sides, ended=self._end, context=context)

    # --- the test's side

    @property
    def asks(self) -> bool:
        """Whether it waits for an event, and there is none for it."""
        return self._asking > 0 and not self._inbox and not self.call.done

    def give(self, event: Event) -> None:
        """Give it an event."""
        words, now = _words(event), self.call.watch.now()
        if self.call.done:
            words = f"{words} to an application that has ended"
            self._transcript.remark(now, words)
            return
        self._transcript.sent(now, words)
        self._inbox.append(dict(event))
        self._input_bell.ring()

    def is_here(self) -> bool:
        """Whether it lives in the loop that runs here and now."""
        try:
            return not self.call.done and quiescence.watch() is self.call.watch
        except RuntimeError:
            return False

    def doing(self) -> str:
        """Say in a sentence where it stands."""
        sentences = [f"The application {self.call.standing()}.", self.call.failures()]
        return " ".join(filter(None, sentences))

    # --- failures

    def missing(self, lack: str, why: str | None) -> Exception:
        """Return the error for what did not come, by default as it stands."""
        if crash := self.crash(lack):
            return crash
        remedy = "Give it its next event with send_input()." if self.asks else None
        why = why or f"it {self.call.standing()}"
        return NoMessage(self._text(lack, why, remedy))

    def crash(self, lack: str) -> ApplicationCrashed | None:
        """Return the error that tells of its crash, if it has crashed."""
        error = self.call.exception
        if error is None:
            return None
        self.crash_told = True
        text = self._text(lack, f"it raised {error!r}", _WANTED)
        crash = ApplicationCrashed(text, error=error)
        crash.__cause__ = error
        return crash

    def _text(self, lack: str, why: str, remedy: str | None) -> str:
        transcript = self._transcript
        line = f"{lack} the application ({transcript.name}): {why}"
        return explain.failure(
            line, transcript=transcript, doing=self.doing(), remedy=remedy
        )

    # --- the application's side

    async def _app_receive(self) -> AnyEvent:
        self._asking += 1
        try:
            while not self._inbox:
                self.call.bell.ring()
                await self._input_bell.wait()
        finally:
            self._asking -= 1
        return self._inbox.popleft()

    async def _app_send(self, event: Event) -> None:
        if wrong := fault(event, "an event"):
            raise IllegalAsgiEvent(
                f"The application sent what ASGI does not allow: {wrong}"
            )
        call = self.call
        self._transcript.received(call.watch.now(), _words(event))
        self.outbox.append(dict(event))
        call.bell.ring()
        if call.is_breathless():
            await checkpoint()  # where it can be cancelled, too

    def _end(self) -> None:
        call, now = self.call, self.call.watch.now()
        if call.exception is not None:
            self._transcript.received(now, Crash(call.exception))
        elif call.stopped:
            self._transcript.remark(now, "the application was stopped")
        else:
            self._transcript.received(now, Return())
        call.stop_clock()


def fault(what: object, noun: str) -> str | None:
    """Say what is wrong with an event or a scope; None if nothing is."""
    if not isinstance(what, Mapping):
        return f"{noun} is a dict, not {type(what).__name__}"
    if not isinstance(cast("Event", what).get("type"), str):
        return f"{noun} has a 'type', which is a str: {what!r} has none"
    return None


def _words(event: Event) -> str:
    """Put an event in a line: "http.request body=b''"."""
    fields = (f"{name}={_short(v)}" for name, v in event.items() if name != "type")
    return " ".join([event["type"], *fields])


def _short(value: object) -> str:
    return repr(value[:_SHOWN] if isinstance(value, (str, bytes)) else value)
