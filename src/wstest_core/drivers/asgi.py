"""Runs an ASGI application in the test's own event loop."""

from collections.abc import Callable
from contextvars import Context
from typing import final

from anyio.lowlevel import checkpoint

from wstest_core import settings
from wstest_core.drivers._application import AsgiApplication, single_callable
from wstest_core.drivers._call import AT_ONCE, NO_REST, Call
from wstest_core.drivers._conversation import ClientDisconnected, Conversation
from wstest_core.errors import hidden
from wstest_core.events import Accept, Frame, Silence, Terminal
from wstest_core.legality import Event
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

__all__ = ["AsgiDriver", "ClientDisconnected"]

__tracebackhide__ = hidden


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
        "_call",
        "_closed",
        "_context",
        "_explain",
        "_input_bell",
        "_lingers",
        "_opened",
        "_owes",
        "_talk",
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
        self._opened = False
        self._closed = True  # there is nothing to give back
        self._lingers: str | None = None

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        if self._opened:
            raise RuntimeError(
                "an AsgiDriver is one connection: make another for the next"
            )
        self._call = call = Call(virtual=settings.current.virtual_clock)
        talk, watch = self._talk, call.watch
        self._input_bell = watch.bell()
        watch.attach()
        self._opened, self._closed = True, False
        talk.begin(scope, transcript, watch)
        call.start(
            self._application,
            scope,
            self._app_receive,
            self._app_send,
            ended=self._end,
            context=self._context,
        )
        await watch.pause()
        if self._asked and talk.opened is not None:
            return talk.opened  # as fast as most are
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
            await self._call.watch.pause()
            if not inbox and talk.terminal is None:
                silence = await self._call.until(self._has_event, timeout)
                if silence is not None:
                    return silence
        return inbox.popleft() if inbox else talk.terminal or NO_REST

    async def settle(self, *, timeout: float) -> Silence:
        if self._closed:
            return Silence("proved")
        return await self._call.until(lambda: False, timeout) or NO_REST

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        if self._closed:
            return
        self._closed = True
        call = self._call
        try:
            if self._owes:
                await call.until(self._has_dealt_with_all, timeout, horizon=AT_ONCE)
            self._leave(code, reason)
            await call.watch.pause()
            if not call.done:
                await self._let_end(timeout)
        except BaseException:  # whoever closes is being cancelled
            self._leave(code, reason)
            await call.end(timeout)
            raise
        finally:
            call.stop_clock()
            call.watch.detach()

    async def drop(self, *, code: int) -> None:
        self._leave(code, "")

    def now(self) -> float:
        return self._call.watch.now()

    def doing(self) -> str:
        refused = self._talk.refused
        sentences = [
            f"The application {self._call.standing()}.",
            refused and f"It sent what ASGI forbids: {refused}.",
            self._call.failures(),
            self._explain(),
        ]
        return " ".join(filter(None, sentences))

    @property
    def ended(self) -> Terminal | None:
        return self._talk.terminal

    @property
    def exception(self) -> BaseException | None:
        return self._call.exception if self._opened else None

    @property
    def lingers(self) -> str | None:
        return self._lingers

    # --- waiting

    async def _wait_for_answer(self, timeout: float) -> Accept | Terminal | Silence:
        call, talk = self._call, self._talk
        deadline = call.watch.now() + timeout
        silence = await call.until(lambda: talk.opened is not None, timeout)
        if silence is None:
            finished, left = self._has_finished_connecting, deadline - call.watch.now()
            silence = await call.until(finished, left, horizon=AT_ONCE)
        return talk.opened or silence or NO_REST

    def _has_finished_connecting(self) -> bool:
        return self._asked or self._talk.terminal is not None

    def _has_dealt_with_all(self) -> bool:
        """Whether it asks for more than it was sent, or will not any more."""
        return not self._owes or self._talk.gone or self._talk.terminal is not None

    def _has_event(self) -> bool:
        return bool(self._talk.inbox) or self._talk.terminal is not None

    async def _let_end(self, timeout: float) -> None:
        call = self._call
        if await call.until_done(timeout) is not None:
            self._lingers = call.doing() if self._talk.told else None
            await call.end(timeout)

    def _leave(self, code: int, reason: str) -> None:
        self._talk.leave(code, reason)
        self._input_bell.ring()

    # --- the application's side

    async def _app_receive(self) -> Event:
        talk = self._talk
        while not talk.to_application:
            if self._owes or not self._asked:
                self._asked, self._owes = True, False
                self._call.bell.ring()
            await self._input_bell.wait()
        return talk.next_for_application()

    async def _app_send(self, event: Event) -> None:
        call, talk = self._call, self._talk
        talk.hear(event)
        call.bell.ring()
        if talk.terminal is not None:  # its disconnect event is there to be taken
            self._input_bell.ring()
        elif call.is_breathless():
            await checkpoint()  # where it can be cancelled, too

    def _end(self) -> None:
        call, talk = self._call, self._talk
        if call.exception is not None and talk.forgives(call.exception):
            call.exception = None  # the application's way to say goodbye
        talk.end(call.exception)
