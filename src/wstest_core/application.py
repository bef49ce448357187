"""Gives raw ASGI events to any application, and takes what it answers.

For background consumers, HTTP, lifespan and everything else that has a scope
type. For WebSockets there is `WebsocketCommunicator`, which knows their rules.
"""

import math
from contextvars import Context
from types import TracebackType
from typing import Self

from anyio import CancelScope

from wstest_core import explain, quiescence, settings
from wstest_core._life import AnyEvent, AnyScope, Life, fault
from wstest_core.drivers import AsgiApplication, single_callable
from wstest_core.drivers._call import AT_ONCE
from wstest_core.errors import LingeringApplicationWarning, warn
from wstest_core.events import Silence
from wstest_core.legality import Event
from wstest_core.transcript import Transcript

__all__ = ["AnyEvent", "AnyScope", "ApplicationCommunicator"]


class ApplicationCommunicator:
    """Runs an ASGI application of any scope type, on raw events.

    `application` is an ASGI 3 callable (a legacy double callable and a
    consumer class too) or an import string "package.module:app". `scope` is
    given to it as it is. `timeout`, in seconds, guards each wait against
    hanging. The application runs in `context`, by default an empty one.

    It starts with the first event that is sent or waited for, and the
    communicator belongs to the event loop of then. It is ended by leaving an
    `async with`, by `stop()`, or when nothing refers to the communicator any
    more; a timeout never ends it.

    >>> import asyncio
    >>> async def worker(scope, receive, send):
    ...     while True:
    ...         event = await receive()
    ...         await send({"type": "done", "task": event["task"]})
    >>> async def test():
    ...     async with ApplicationCommunicator(worker, {"type": "channel"}) as app:
    ...         await app.send_input({"type": "do", "task": 1})
    ...         assert await app.receive_output() == {"type": "done", "task": 1}
    ...         assert await app.receive_nothing()
    >>> asyncio.run(test())
    """

    __module__ = "wstest_core"

    _life: Life | None = None

    def __init__(
        self,
        application: AsgiApplication | str,
        scope: AnyScope,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        if wrong := fault(scope, "a scope"):
            raise TypeError(wrong)
        if timeout is not None:
            settings.check_seconds(timeout)
        self.scope: AnyScope = scope
        """The ASGI scope. What is put in before the start the application sees."""
        self._call = single_callable(application)
        self._timeout = timeout
        self._context = context
        self._transcript = Transcript(f"scope type {scope['type']!r}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        life = self._life
        if life is None:
            return
        if error is not None:
            self._transcript.failed(life.call.watch.now(), life.doing())
        with CancelScope(shield=True):
            await self._end(life)
        failure = None if life.crash_told else life.crash("no clean end of")
        if failure is None:
            return
        if error is None:
            raise failure
        error.add_note(f"And {failure}")

    # --- talking

    async def send_input(self, message: Event) -> None:
        """Give the application an event. After its end it is thrown away.

        Raises:
            ApplicationCrashed: if the application raised.
            TypeError: for what is no event: a mapping with a `type`.
        """
        if wrong := fault(message, "an event"):
            raise TypeError(wrong)
        life = self._started()
        if crash := life.crash("nothing can be sent to"):
            raise crash
        life.give(message)

    async def receive_output(self, timeout: float | None = None) -> AnyEvent:
        """Receive the next event that the application sent.

        Raises:
            NoMessage: as soon as none can come. It is a `TimeoutError` too.
            ApplicationCrashed: if the application raised, once all that it
                had sent before is received.
        """
        wait = self._seconds(timeout)
        life = self._started()
        silence = await self._next(life, wait)
        if life.outbox:
            return life.outbox.popleft()
        why = None if silence is None else explain.silence(silence, wait)
        raise life.missing("no event from", why)

    async def receive_nothing(
        self, timeout: float = 0.1, interval: float | None = None
    ) -> bool:
        """Whether nothing arrives within `timeout` seconds; takes nothing.

        After the application's end nothing does. `interval` is Channels' and
        not used, because nothing is polled.

        Raises:
            ApplicationCrashed: if the application raised, once all that it
                had sent before is received.
        """
        settings.check_seconds(timeout)
        life = self._started()
        await self._next(life, timeout)
        if not life.outbox and (crash := life.crash("no silence from")):
            raise crash
        return not life.outbox

    # --- steering

    async def settle(self, timeout: float | None = None) -> bool:
        """Let the application come to rest, with all that it caused.

        Returns whether it has: nothing more can happen before `timeout`
        seconds have passed. Where that cannot be known (uvloop; a socket that
        may answer), it takes them all and returns False: `awaits_input` may
        tell enough then.
        """
        wait = self._seconds(timeout)
        life = self._started()
        horizon = life.call.watch.now() + self._guard(timeout)
        silence = await life.call.until(lambda: False, wait, horizon=horizon)
        return silence is not None and silence.kind != "expired"

    async def wait(self, timeout: float | None = None) -> None:
        """Wait for the application to end by itself.

        Raises:
            ApplicationCrashed: if it raised. What it sent can be received.
            NoMessage: as soon as it is known that it does not end. It is left
                alone.
        """
        wait = self._seconds(timeout)
        life = self._started()
        silence = await life.call.until_done(wait)
        if life.call.exception is not None or silence is not None:
            why = None if silence is None else _no_end(silence, wait)
            raise life.missing("no end of", why)

    def stop(self, exceptions: bool = True) -> None:
        """Cancel the application, if it runs; this does not wait for its end.

        Raises:
            ApplicationCrashed: if it has raised, unless `exceptions` is False.
        """
        life = self._life
        if life is None:
            return
        if not life.call.done:
            life.call.cancel()
        elif exceptions and (crash := life.crash("no clean end of")):
            raise crash

    # --- looking

    @property
    def awaits_input(self) -> bool:
        """Whether the application has dealt with all its events and asks for more.

        It need not be at rest: it may have other things to do meanwhile.
        """
        return self._life is not None and self._life.asks

    @property
    def ended(self) -> bool:
        """Whether the application has returned, raised or been stopped."""
        return self._life is not None and self._life.call.done

    @property
    def exception(self) -> BaseException | None:
        """What the application raised, or None."""
        return None if self._life is None else self._life.call.exception

    @property
    def transcript(self) -> Transcript:
        """What was sent and received so far."""
        return self._transcript

    def doing(self) -> str:
        """Say in a sentence what the application is doing now."""
        life = self._life
        return "The application has not been started." if life is None else life.doing()

    def __del__(self) -> None:
        if self._life is not None and self._life.is_here():
            self._life.call.cancel()

    # --- inner workings

    def _started(self) -> Life:
        if self._life is None:
            self._life = Life(self._call, self.scope, self._context, self._transcript)
        elif self._life.call.watch is not quiescence.watch():
            raise RuntimeError(
                "this application was started in another event loop, where its "
                "communicator belongs: use it in one loop, or make another"
            )
        return self._life

    def _seconds(self, timeout: float | None) -> float:
        """Return the timeout of one wait; without end while a person debugs."""
        guard = self._guard(timeout)
        return math.inf if settings.debugger_attached() else guard

    def _guard(self, timeout: float | None = None) -> float:
        if timeout is None:
            timeout = self._timeout
        return (
            settings.current.timeout
            if timeout is None
            else settings.check_seconds(timeout)
        )

    async def _next(self, life: Life, timeout: float) -> Silence | None:
        """Wait for an event or the end."""
        call, outbox = life.call, life.outbox
        if outbox or call.done:
            return None
        await call.watch.pause()  # the answer is often one turn of the loop away
        return await call.until(lambda: bool(outbox) or call.done, timeout)

    async def _end(self, life: Life) -> None:
        """Let the application finish with what it has, then end it."""
        call, timeout = life.call, self._guard()
        await call.until(lambda: call.done or life.asks, timeout, horizon=AT_ONCE)
        doing = call.standing()
        if await call.end(timeout):
            return
        text = f"the application cannot be stopped: it {doing}"
        warn(text, LingeringApplicationWarning, stacklevel=3)


def _no_end(silence: Silence, timeout: float) -> str:
    match silence.kind:
        case "proved":
            return f"nothing can end it within {timeout:g} s"
        case "presumed":
            return f"nothing is expected to end it ({silence.why})"
        case _:
            return f"it has not ended within {timeout:g} s ({silence.why})"
