"""Runs an ASGI application in the test's own event loop."""

from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import replace
from typing import final

from wstest_core import quiescence, settings
from wstest_core.drivers._application import AsgiApplication, single_callable
from wstest_core.errors import IllegalAsgiEvent
from wstest_core.events import (
    ABNORMAL_CLOSURE,
    Accept,
    Crash,
    Frame,
    Reject,
    Return,
    Silence,
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

__all__ = ["AsgiDriver", "ClientDisconnected"]


_AT_ONCE = float("-inf")  # a horizon: nothing happens unless time passes
_BREATH = 1024  # unread frames after which a sending application pauses
_RETURNED, _LEFT = Return(), Return(asked=True)
_INSISTENCE = 3  # times an application is cancelled that does not want to end


@final
class ClientDisconnected(ConnectionError):
    """The application sent something to a client that has gone.

    An `OSError`, as ASGI 2.4 wants it.
    """

    __module__ = "wstest_core.drivers"


@final
class AsgiDriver:
    """Runs an ASGI 3 application, or a legacy double callable, in this loop.

    `application` may be an import string, "package.module:app". It runs in
    an empty `contextvars.Context`, unless one is given. One driver is one
    connection.
    """

    __module__ = "wstest_core.drivers"
    __slots__ = (
        "_application",
        "_asked",
        "_bell",
        "_closed",
        "_context",
        "_denial",
        "_done",
        "_exception",
        "_gone",
        "_inbox",
        "_input",
        "_input_bell",
        "_lingers",
        "_opened",
        "_refused",
        "_running",
        "_scope",
        "_state",
        "_stopping",
        "_terminal",
        "_told",
        "_transcript",
        "_virtual",
        "_watch",
    )

    def __init__(
        self, application: AsgiApplication | str, *, context: Context | None = None
    ) -> None:
        self._application = single_callable(application)
        self._context = context
        self._state = State.CONNECTING
        self._opened: Accept | Reject | Crash | Return | None = None
        self._terminal: Terminal | None = None
        self._inbox: deque[Frame] = deque()  # what the client has not taken yet
        self._input: deque[Event] = deque()  # what the application has not
        self._asked = False  # the application wants its next event
        self._gone = False  # the client will take nothing more
        self._told = False  # the application has been given its disconnect event
        self._done = False  # the application has ended
        self._stopping = False  # we have cancelled it
        self._closed = False  # we have given everything back
        self._lingers = False
        self._virtual = False  # we have started the virtual clock
        self._refused: str | None = None  # the last illegal event, with its rule
        self._exception: BaseException | None = None

    async def open(
        self, scope: Scope, transcript: Transcript, *, timeout: float
    ) -> Accept | Terminal | Silence:
        watch = quiescence.watch()
        self._scope, self._transcript, self._watch = scope, transcript, watch
        self._bell, self._input_bell = watch.bell(), watch.bell()
        self._input.append({"type": "websocket.connect"})
        transcript.unread_in(self._inbox)
        self._attach(watch)
        self._running = watch.spawn(self._run, context=self._context)
        await watch.pause()
        if self._opened is not None and (self._asked or self._terminal):
            return self._opened
        return await self._wait_for_answer(watch, timeout)

    async def send(self, frame: Frame) -> None:
        if self._terminal is not None:
            return
        kind = "text" if isinstance(frame, str) else "bytes"
        self._transcript.sent(self._watch.now(), frame)
        self._give({"type": "websocket.receive", kind: frame})

    async def receive(self, *, timeout: float) -> Frame | Terminal | Silence:
        inbox = self._inbox
        if not inbox and self._terminal is None:
            # The answer is often one turn of the loop away.
            await self._watch.pause()
            if not inbox and self._terminal is None:
                silence = await self._wait_for_event(timeout)
                if silence is not None:
                    return silence
        return inbox.popleft() if inbox else self._the_end()

    async def settle(self, *, timeout: float) -> Silence:
        watch = self._watch
        deadline = watch.now() + timeout
        while True:
            silence = await self._bell.wait_until(deadline=deadline, horizon=deadline)
            if silence is not None:
                return silence

    async def close(self, *, code: int, reason: str, timeout: float) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._say_goodbye(code, reason)
            await self._watch.pause()
            if not self._done:
                await self._let_end(timeout)
        finally:
            if not self._done:
                self._running.cancel()
            if self._virtual:
                self._watch.virtual_clock(run=False)
            self._watch.detach()

    async def drop(self, *, code: int) -> None:
        self._say_goodbye(code, "")

    def now(self) -> float:
        return self._watch.now()

    def doing(self) -> str:
        refused = (
            f" It sent what ASGI forbids: {self._refused}." if self._refused else ""
        )
        return f"The application {self._standing()}.{refused}"

    @property
    def ended(self) -> Terminal | None:
        return self._terminal

    @property
    def exception(self) -> BaseException | None:
        return self._exception

    @property
    def lingers(self) -> bool:
        return self._lingers

    # --- the client's side

    async def _wait_for_answer(
        self, watch: quiescence.Watch, timeout: float
    ) -> Accept | Reject | Crash | Return | Silence:
        deadline = watch.now() + timeout
        while self._opened is None or not (self._asked or self._terminal):
            horizon = deadline if self._opened is None else _AT_ONCE
            silence = await self._bell.wait_until(deadline=deadline, horizon=horizon)
            if silence is not None:
                return self._opened or silence
        return self._opened

    async def _wait_for_event(self, timeout: float) -> Silence | None:
        watch = self._watch
        deadline = watch.now() + timeout
        while not self._inbox and self._terminal is None:
            silence = await self._bell.wait_until(deadline=deadline, horizon=deadline)
            if silence is not None and not self._inbox and self._terminal is None:
                return silence
        return None

    def _attach(self, watch: quiescence.Watch) -> None:
        watch.attach()
        if not settings.current.virtual_clock:
            return
        try:
            watch.virtual_clock(run=True)
        except RuntimeError:
            self._closed = True
            watch.detach()
            raise
        self._virtual = True

    def _the_end(self) -> Terminal:
        if self._terminal is None:  # only another receiver could have taken it
            raise RuntimeError("two receivers waited for the same frame")
        return self._terminal

    def _give(self, event: Event) -> None:
        self._input.append(event)
        self._input_bell.ring()

    def _say_goodbye(self, code: int, reason: str) -> None:
        if self._gone:
            return
        self._gone = True
        if self._terminal is None and not self._done:
            words = f"the client disconnects, code {code}"
            self._transcript.remark(self._watch.now(), words)
            self._give_disconnect(code, reason)

    def _give_disconnect(self, code: int, reason: str) -> None:
        event = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._give(event)

    async def _let_end(self, timeout: float) -> None:
        if await self._has_ended(timeout):
            return
        self._lingers = self._told
        self._stopping = True
        for _ in range(_INSISTENCE):
            self._running.cancel()
            if await self._has_ended(timeout):
                return

    async def _has_ended(self, timeout: float) -> bool:
        deadline = self._watch.now() + timeout
        while not self._done:
            silence = await self._bell.wait_until(deadline=deadline, horizon=deadline)
            if silence is not None:
                break
        return self._done

    def _standing(self) -> str:
        if self._exception is not None:
            return f"raised {self._exception!r}"
        if self._done:
            return "has returned"
        return f"is {self._running.doing()}"

    # --- the application's side

    async def _run(self) -> None:
        watch = self._watch
        try:
            await self._application(self._scope, self._app_receive, self._app_send)
        except BaseException as error:
            self._end(error)
            if isinstance(error, (watch.cancelled, KeyboardInterrupt, SystemExit)):
                raise
        else:
            self._end(None)

    async def _app_receive(self) -> Event:
        while not self._input:
            if not self._asked:
                self._asked = True
                self._bell.ring()
            await self._input_bell.wait()
        event = self._input.popleft()
        if event["type"] == "websocket.disconnect":
            self._told = True
        return event

    async def _app_send(self, event: Event) -> None:
        frame = plain_frame(event) if self._state is State.OPEN else None
        if frame is None or self._gone:
            self._send_with_care(event)
        else:
            self._take(frame)
            if len(self._inbox) % _BREATH == 0:
                await self._watch.pause()

    def _send_with_care(self, event: Event) -> None:
        denial = "websocket.http.response" in self._scope["extensions"]
        rule = violation(event, self._state, denial=denial)
        if rule is not None:
            self._refuse(event, rule)
        if self._gone:
            self._send_to_nobody(event)
        elif self._state is State.OPEN:
            self._send_open(event)
        else:
            self._send_connecting(event)

    def _take(self, frame: Frame) -> None:
        self._transcript.received(self._watch.now(), frame)
        self._inbox.append(frame)
        self._bell.ring()

    def _send_open(self, event: Event) -> None:
        if event["type"] == "websocket.send":
            self._take(frame_of(event))
        else:
            close = close_of(event)
            self._finish(close)
            self._give_disconnect(close.code, close.reason)

    def _send_connecting(self, event: Event) -> None:
        match event["type"]:
            case "websocket.accept":
                self._state = State.OPEN
                self._opened = accept_of(event)
                self._transcript.received(self._watch.now(), self._opened)
                self._bell.ring()
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
        self._opened = reject
        self._finish(reject)
        self._give_disconnect(ABNORMAL_CLOSURE, "")

    def _finish(self, terminal: Terminal) -> None:
        self._state = State.CLOSED
        self._terminal = terminal
        self._transcript.received(self._watch.now(), terminal)
        self._bell.ring()

    def _send_to_nobody(self, event: Event) -> None:
        words = f"{event['type']} to a client that has gone"
        self._transcript.remark(self._watch.now(), words)
        if _raises_when_gone(self._scope):
            raise ClientDisconnected(f"{words} (ASGI 2.4: send raises an OSError)")

    def _refuse(self, event: object, rule: str) -> None:
        self._refused = f"{name_of(event)}: {rule}"
        raise IllegalAsgiEvent(
            f"The application sent an event that ASGI does not allow: {self._refused}"
        )

    def _end(self, error: BaseException | None) -> None:
        self._done = True
        stopped = self._stopping and isinstance(error, self._watch.cancelled)
        if (
            error is not None
            and not stopped
            and not (self._gone and _is_goodbye(error))
        ):
            self._exception = error
        if self._terminal is None:
            terminal = self._ending()
            self._opened = self._opened or terminal
            self._finish(terminal)
        elif self._exception is not None:
            self._transcript.received(self._watch.now(), Crash(self._exception))
        self._bell.ring()

    def _ending(self) -> Reject | Crash | Return:
        accepted = self._opened is not None
        if self._exception is not None:
            return Crash(self._exception, accepted=accepted)
        if accepted or self._gone:
            return _LEFT if self._gone else _RETURNED
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
    version = str(scope["asgi"].get("spec_version", "2.0"))
    major, _, minor = version.partition(".")
    return (int(major), int(minor or 0)) >= (2, 4)
