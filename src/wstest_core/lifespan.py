"""Runs an application's startup and shutdown around a test, as a server does.

The application's side of the lifespan protocol is one call that lasts as long
as the application lives. It has a task of its own here, the same from startup
to shutdown, so whatever the application enters in one and leaves in the other
(a cancel scope, a task group, an async generator) is left where it was
entered, even if the test enters and leaves `Lifespan` in different tasks.
"""

import math
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self, TypeAlias, final

from anyio import CancelScope, Event

from wstest_core import settings
from wstest_core.drivers import AsgiApplication
from wstest_core.drivers._application import import_application, single_callable
from wstest_core.drivers._call import Call
from wstest_core.errors import (
    ApplicationCrashed,
    IllegalAsgiEvent,
    NoMessage,
    WebSocketTestError,
)
from wstest_core.events import Silence

__all__ = ["Lifespan", "State"]

# What an application keeps in its state is its own business.
State: TypeAlias = dict[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Event: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Event]]
_Send: TypeAlias = Callable[[_Event], Awaitable[None]]


@final
class Lifespan:
    """Runs startup and shutdown of an application around a block.

    `application` is what a communicator takes, but for a URL or a `Driver`;
    an import string is loaded at once, see `application`. `timeout`, in
    seconds, guards startup and shutdown, each, against hanging.

    `state` is what startup put there (ASGI lifespan spec 2.0). The object is
    an ASGI application itself: the same one, with a copy of the state in each
    scope. So give it to a communicator, or to an HTTP client's transport:

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     event = await receive()
    ...     if event["type"] == "lifespan.startup":
    ...         scope["state"]["greeting"] = "hello"
    ...         await send({"type": "lifespan.startup.complete"})
    ...         await receive()
    ...         return await send({"type": "lifespan.shutdown.complete"})
    ...     await send({"type": "websocket.accept"})
    ...     await send({"type": "websocket.send", "text": scope["state"]["greeting"]})
    ...     await receive()
    >>> async def test():
    ...     async with Lifespan(app) as lifespan:
    ...         async with WebsocketCommunicator(lifespan, "/") as ws:
    ...             assert await ws.receive_text() == "hello"
    >>> from wstest_core import WebsocketCommunicator
    >>> asyncio.run(test())

    An application without a lifespan just works, as under a server: one that
    raises or returns before it has answered is left alone (`supported` is
    False then, and `exception` what it raised).

    Raises:
        ApplicationCrashed: on entering and leaving, chained to what startup
            or shutdown raised. An error of the block is not replaced: it gets
            a note.
        NoMessage: as soon as it is known that it does not end.
    """

    __module__ = "wstest_core.lifespan"

    def __init__(
        self, application: AsgiApplication | str, *, timeout: float = 30.0
    ) -> None:
        self.application: AsgiApplication = (
            import_application(application)
            if isinstance(application, str)
            else application
        )
        self.state: State = {}
        self.supported: bool = False
        self.exception: BaseException | None = None
        self._run = single_callable(self.application)
        self._timeout = timeout
        self._entered = False
        self._asked = False  # the application has its startup event
        self._failed: str | None = None  # what it says went wrong

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Call the application with a copy of the state in the scope."""
        scope["state"] = {**self.state, **scope.get("state", {})}
        await self._run(scope, receive, send)

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a Lifespan is one life: make another for the next")
        self._entered = True
        self._call = Call()
        self._leave, self._never = Event(), Event()
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        sides = self._receive, self._send
        self._call.start(self._run, scope, *sides, ended=self._end)
        silence = await self._started()
        if not self.supported and (silence or self._failed is not None):
            await self._stop()
            raise self._failure("start", silence) from self.exception
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if not self.supported:
            return
        early, silence = self._call.done, None
        self._leave.set()
        with CancelScope(shield=True):
            silence = await self._call.until_done(self._seconds())
            await self._stop()
        if silence is None and self._failed is None and self.exception is None:
            return
        failure = self._failure("stay alive" if early else "shut down", silence)
        if error is None:
            raise failure from self.exception
        error.add_note(_note(failure, self.exception))

    # --- the server's side

    async def _started(self) -> Silence | None:
        call = self._call
        try:
            return await call.until(
                lambda: self.supported or call.done, self._seconds()
            )
        except BaseException:
            await self._stop()
            raise

    def _seconds(self) -> float:
        return math.inf if settings.debugger_attached() else self._timeout

    async def _stop(self) -> None:
        """Make an application end that does not want to."""
        self._standing = self._call.standing()
        await self._call.end(self._seconds())

    def _failure(self, deed: str, silence: Silence | None) -> WebSocketTestError:
        line = f"the application did not {deed}"
        error = self.exception
        if error is not None:
            text = f"{line}: it raised {error!r}"
            return ApplicationCrashed(text, error=error)
        if self._failed is not None:
            return WebSocketTestError(f"{line}: it says {self._failed!r}")
        why = _why(silence, self._timeout)
        return NoMessage(f"{line} {why}\n\nThe application {self._standing}.")

    # --- the application's side

    def _end(self) -> None:
        self.exception = self._call.exception

    async def _receive(self) -> _Event:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._leave.wait()
        self._leave = self._never
        return {"type": "lifespan.shutdown"}

    async def _send(self, event: _Event) -> None:
        match event.get("type"):
            case "lifespan.startup.complete":
                self.supported = True
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                self._failed = str(event.get("message", ""))
            case "lifespan.shutdown.complete":
                pass
            case other:
                raise IllegalAsgiEvent(f"{other!r} is no event of a lifespan")
        self._call.bell.ring()


def _why(silence: Silence | None, timeout: float) -> str:
    if silence is None or silence.kind == "proved":
        return f"and nothing can make it within {timeout:g} s"
    return f"within {timeout:g} s ({silence.why})"


def _note(failure: WebSocketTestError, cause: BaseException | None) -> str:
    lines = [] if cause is None else traceback.format_exception(cause)
    return "\n".join([f"And {failure}", *lines]).rstrip()
