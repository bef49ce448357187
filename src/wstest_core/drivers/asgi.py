"""Runs an ASGI application in the test's own event loop."""

from collections.abc import Callable
from contextvars import Context
from typing import final

from wstest_core import quiescence, settings
from wstest_core.drivers._application import AsgiApplication, single_callable
from wstest_core.drivers._call import apart_from
from wstest_core.drivers._conversation import ClientDisconnected, Conversation
from wstest_core.errors import hidden
from wstest_core.events import (
    Accept,
    Crash,
    Frame,
    Reject,
    Return,
    Silence,
    Terminal,
)
from wstest_core.legality import Event
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

__all__ = ["AsgiDriver", "ClientDisconnected"]

__tracebackhide__ = hidden

_AT_ONCE = float("-inf")  # a horizon: nothing happens unless time passes
_BREATH = 1024  # unread frames after which a sending application pauses
_INSISTENCE = 3  # times an application is cancelled that does not want to end
_NO_REST = Silence("expired", "the application did not come to rest")


@final
class AsgiDriver:
    """Runs an ASGI 3 application, or a legacy double callable, in this loop.

    `application` may be an import string, "package.module:app". It runs in
    an empty `contextvars.Context`, unless one is given. `explain` may know more
    of the application: where a failure tells what it is doing, the sentence
    that it returns is added. One driver is one connection.
    """

    __module__ = "wstest_core.drivers"
    __slots__ = (
        "_application",
        "_asked",
        "_bell",
        "_closed",
        "_context",
        "_explain",
        "_input_bell",
        "_lingers",
        "_opened",
        "_owes",
        "_running",
        "_scope",
        "_stopping",
        "_talk",
        "_virtual",
        "_watch",
    )

    def __init__(
        self,
        application: AsgiApplication | str,
        *,
        context: Context | None = None,
        explain: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._application = single_callable(application)
        self._context = context
        self._explain = explain
        self._talk = Conversation()
        self._asked = False  # the application has wanted an event after connect
        self._owes = False  # it has not dealt with all that it was sent
        self._stopping = False  # we have cancelled it
        self._opened = False
        self._closed = True  # there is nothing to give back
        self._virtual = False  # we have started the virtual clock
        self._lingers: str | None = None

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        if self._opened:
            raise RuntimeError(
                "an AsgiDriver is one connection: make another for the next"
            )
        watch, talk = quiescence.watch(), self._talk
        self._scope, self._watch = scope, watch
        self._bell, self._input_bell = watch.bell(), watch.bell()
        self._attach(watch)
        self._opened, self._closed = True, False
        talk.begin(scope, transcript, watch)
        self._running = watch.spawn(self._run, context=self._context)
        await watch.pause()
        if talk.opened is not None and self._has_finished_connecting():
            return talk.opened
        return await self._wait_for_answer(timeout)

    async def send(self, frame: Frame) -> None:
        if self._talk.terminal is None:
            self._owes = True
            self._talk.say(frame)
            self._input_bell.ring()

    async def receive(self, *, timeout: float) -> Frame | Terminal | Silence:
        talk = self._talk
        inbox = talk.inbox
        if not inbox and talk.terminal is None:
            # The answer is often one turn of the loop away.
            await self._watch.pause()
            if not inbox and talk.terminal is None:
                deadline = self._watch.now() + timeout
                silence = await self._until(self._has_event, deadline)
                if silence is not None:
                    return silence
        return inbox.popleft() if inbox else talk.terminal or _NO_REST

    async def settle(self, *, timeout: float) -> Silence:
        if self._closed:
            return Silence("proved")
        deadline = self._watch.now() + timeout
        return await self._until(lambda: False, deadline) or _NO_REST

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._owes:
                await self._let_deal(timeout)
            self._leave(code, reason)
            await self._watch.pause()
            if not self._talk.done:
                await self._let_end(timeout)
        except BaseException:  # whoever closes is being cancelled
            self._leave(code, reason)
            await self._stop(timeout)
            raise
        finally:
            if self._virtual:
                self._watch.virtual_clock(run=False)
            self._watch.detach()

    async def drop(self, *, code: int) -> None:
        self._leave(code, "")

    def now(self) -> float:
        return self._watch.now()

    def doing(self) -> str:
        refused = self._talk.refused
        sentences = [
            f"The application {self._standing()}.",
            refused and f"It sent what ASGI forbids: {refused}.",
            self._running.failures(),
            self._explain(),
        ]
        return " ".join(filter(None, sentences))

    @property
    def ended(self) -> Terminal | None:
        return self._talk.terminal

    @property
    def exception(self) -> BaseException | None:
        return self._talk.exception

    @property
    def lingers(self) -> str | None:
        return self._lingers

    # --- waiting

    async def _wait_for_answer(
        self, timeout: float
    ) -> Accept | Reject | Crash | Return | Silence:
        deadline, talk = self._watch.now() + timeout, self._talk
        silence = await self._until(lambda: talk.opened is not None, deadline)
        if silence is None:
            finished = self._has_finished_connecting
            silence = await self._until(finished, deadline, horizon=_AT_ONCE)
        return talk.opened or silence or _NO_REST

    def _has_finished_connecting(self) -> bool:
        return self._asked or self._talk.terminal is not None

    def _has_dealt_with_all(self) -> bool:
        return not self._owes or self._talk.gone or self._talk.terminal is not None

    def _has_event(self) -> bool:
        return bool(self._talk.inbox) or self._talk.terminal is not None

    async def _until(
        self, done: Callable[[], bool], deadline: float, horizon: float | None = None
    ) -> Silence | None:
        """Wait until `done()`, or return how it is known that it does not get so."""
        horizon = deadline if horizon is None else horizon
        while not done():
            silence = await self._bell.wait_until(deadline=deadline, horizon=horizon)
            if silence is None and self._watch.now() > deadline:
                silence = _NO_REST  # an application that never pauses for breath
            if silence is not None and not done():
                return silence
        return None

    async def _let_deal(self, timeout: float) -> None:
        """Wait until it asks for more than it was sent, or can do nothing at once."""
        deadline = self._watch.now() + timeout
        await self._until(self._has_dealt_with_all, deadline, horizon=_AT_ONCE)

    async def _let_end(self, timeout: float) -> None:
        if await self._has_ended(timeout):
            return
        self._lingers = self._running.doing() if self._talk.told else None
        await self._stop(timeout)

    async def _stop(self, timeout: float) -> None:
        """Make an application end that does not want to, or has no time to."""
        import anyio

        self._stopping = True
        with anyio.CancelScope(shield=True):
            for _ in range(_INSISTENCE):
                if self._talk.done:
                    break
                self._running.cancel()
                await self._has_ended(timeout)

    async def _has_ended(self, timeout: float) -> bool:
        deadline = self._watch.now() + timeout
        return await self._until(lambda: self._talk.done, deadline) is None

    def _attach(self, watch: quiescence.Watch) -> None:
        watch.attach()
        if not settings.current.virtual_clock:
            return
        try:
            watch.virtual_clock(run=True)
        except RuntimeError:
            watch.detach()
            raise
        self._virtual = True

    def _leave(self, code: int, reason: str) -> None:
        self._talk.leave(code, reason)
        self._input_bell.ring()

    def _standing(self) -> str:
        if isinstance(self._talk.exception, self._watch.cancelled):
            return (
                "was cancelled, by itself or because the event loop that it was "
                "connected in has ended"
            )
        if self._talk.exception is not None:
            return f"raised {self._talk.exception!r}"
        if self._talk.done:
            return "has returned"
        return f"is {self._running.doing()}"

    # --- what the application runs in

    async def _run(self) -> None:
        cancelled = self._watch.cancelled
        try:
            await self._application(self._scope, self._app_receive, self._app_send)
        except BaseException as error:
            self._end(apart_from(error, cancelled) if self._stopping else error)
            if isinstance(error, (cancelled, KeyboardInterrupt, SystemExit)):
                raise
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        self._talk.end(error)
        self._bell.ring()

    async def _app_receive(self) -> Event:
        talk = self._talk
        while not talk.to_application:
            if self._owes or not self._asked:
                self._asked, self._owes = True, False
                self._bell.ring()
            await self._input_bell.wait()
        return talk.next_for_application()

    async def _app_send(self, event: Event) -> None:
        talk = self._talk
        talk.hear(event)
        self._bell.ring()
        if talk.terminal is not None:  # its disconnect event is there to be taken
            self._input_bell.ring()
        elif len(talk.inbox) % _BREATH == _BREATH - 1:
            await self._watch.pause()
