"""One run of an ASGI application, seen from both of its sides.

Whoever runs it gives it events and takes those that it sends. What they mean
is not known here.
"""

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import Context
from typing import Any, Final, TypeAlias, cast, final

from anyio.lowlevel import checkpoint

from wstest_core import explain, quiescence, settings
from wstest_core.drivers import Run
from wstest_core.drivers._call import apart_from
from wstest_core.errors import IllegalAsgiEvent
from wstest_core.events import Crash, Return, Silence
from wstest_core.legality import Event
from wstest_core.transcript import Transcript

__all__ = ["AnyEvent", "AnyScope", "Life", "fault"]

# What they hold is told by their type, of which there is no closed list.
AnyEvent: TypeAlias = dict[str, Any]
AnyScope: TypeAlias = MutableMapping[str, Any]

_BREATH: Final = 1024  # unread events after which a sending application pauses
_INSISTENCE: Final = 3  # times an application is cancelled that does not want to end
_SHOWN: Final = 72  # characters of a value in a transcript
_NO_REST = Silence("expired", "the application did not come to rest")


@final
class Life:
    """One run of an application: what it was given, what it sent, how it ended.

    It starts at once, in the loop that runs. It does not know its communicator,
    so that one can be let go of.
    """

    __slots__ = (
        "_asking",
        "_bell",
        "_call",
        "_inbox",
        "_input_bell",
        "_running",
        "_scope",
        "_stopped",
        "_transcript",
        "_virtual",
        "done",
        "exception",
        "outbox",
        "watch",
    )

    def __init__(
        self,
        call: Run,
        scope: AnyScope,
        context: Context | None,
        transcript: Transcript,
    ) -> None:
        self._call, self._scope, self._transcript = call, scope, transcript
        self.watch = watch = quiescence.watch()
        self._bell, self._input_bell = watch.bell(), watch.bell()
        self._inbox: deque[AnyEvent] = deque()  # what it has not taken yet
        self.outbox: deque[AnyEvent] = deque()  # what the test has not
        self._asking = 0  # how many of its tasks wait for an event
        self._stopped = False  # we have cancelled it
        self.done = False
        self.exception: BaseException | None = None
        self._virtual = self._start_clock()
        self._running = watch.spawn(self._run, context=context)

    # --- the test's side

    @property
    def asks(self) -> bool:
        """Whether it waits for an event, and there is none for it."""
        return self._asking > 0 and not self._inbox and not self.done

    def give(self, event: Event) -> None:
        """Give it an event."""
        words = _words(event)
        if self.done:
            words = f"{words} to an application that has ended"
            self._transcript.remark(self.watch.now(), words)
            return
        self._transcript.sent(self.watch.now(), words)
        self._inbox.append(dict(event))
        self._input_bell.ring()

    async def until(
        self, over: Callable[[], bool], timeout: float, *, horizon: float | None = None
    ) -> Silence | None:
        """Wait until `over()`, or return how it is known that it does not get so."""
        watch = self.watch
        watch.attach()
        try:
            deadline = watch.now() + timeout
            horizon = deadline if horizon is None else horizon
            while not over():
                silence = await self._bell.wait_until(
                    deadline=deadline, horizon=horizon
                )
                if silence is None and watch.now() > deadline:
                    silence = _NO_REST  # one that never pauses for breath
                if silence is not None and not over():
                    return silence
        finally:
            watch.detach()
        return None

    def cancel(self) -> None:
        """Ask it to end."""
        if not self.done:
            self._stopped = True
            self._running.cancel()

    async def end(self, timeout: float) -> bool:
        """Make it end; return whether it has."""
        for _ in range(_INSISTENCE):
            if self.done:
                break
            self.cancel()
            await self.until(lambda: self.done, timeout)
        return self.done

    def is_here(self) -> bool:
        """Whether it lives in the loop that runs here and now."""
        try:
            return not self.done and quiescence.watch() is self.watch
        except RuntimeError:
            return False

    def standing(self) -> str:
        """Say where it stands: "is waiting in f() at a.py:3"."""
        if self.exception is not None:
            return f"raised {self.exception!r}"
        if self.done:
            return "was stopped" if self._stopped else "has returned"
        return f"is {self._running.doing()}"

    def doing(self) -> str:
        """Say the same in a sentence."""
        sentences = [f"The application {self.standing()}.", self._running.failures()]
        return " ".join(filter(None, sentences))

    def failure(self, lack: str, why: str, remedy: str | None = None) -> str:
        """Return the whole text of a failure."""
        line = f"{lack} the application ({self._transcript.name}): {why}"
        transcript = self._transcript
        return explain.failure(
            line, transcript=transcript, doing=self.doing(), remedy=remedy
        )

    # --- the application's side

    async def _run(self) -> None:
        cancelled = self.watch.cancelled
        try:
            await self._call(self._scope, self._app_receive, self._app_send)
        except BaseException as error:
            self.exception = apart_from(error, cancelled) if self._stopped else error
            if isinstance(error, (cancelled, KeyboardInterrupt, SystemExit)):
                raise
        finally:
            self._close()

    def _close(self) -> None:
        self.done = True
        if self.exception is not None:
            self._transcript.received(self.watch.now(), Crash(self.exception))
        elif self._stopped:
            self._transcript.remark(self.watch.now(), "the application was stopped")
        else:
            self._transcript.received(self.watch.now(), Return())
        if self._virtual:
            self.watch.virtual_clock(run=False)
            self.watch.detach()
        self._bell.ring()

    async def _app_receive(self) -> AnyEvent:
        self._asking += 1
        try:
            while not self._inbox:
                self._bell.ring()
                await self._input_bell.wait()
        finally:
            self._asking -= 1
        return self._inbox.popleft()

    async def _app_send(self, event: Event) -> None:
        if wrong := fault(event, "an event"):
            raise IllegalAsgiEvent(
                f"The application sent what ASGI does not allow: {wrong}"
            )
        self._transcript.received(self.watch.now(), _words(event))
        self.outbox.append(dict(event))
        self._bell.ring()
        if len(self.outbox) % _BREATH == _BREATH - 1:
            await checkpoint()  # where it can be cancelled, too

    def _start_clock(self) -> bool:
        if not settings.current.virtual_clock:
            return False
        self.watch.attach()
        try:
            self.watch.virtual_clock(run=True)
        except RuntimeError:
            self.watch.detach()
            raise
        return True


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
