"""What the rules are checked with: connections, and words for what is wrong."""

import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Never, TypeAlias, final

from wstest_core import quiescence
from wstest_core.drivers import AsgiApplication, Driver
from wstest_core.events import (
    Accept,
    Close,
    Crash,
    Frame,
    Reject,
    Return,
    Silence,
    Terminal,
)
from wstest_core.scope import HeadersInput, build_scope
from wstest_core.transcript import Transcript

__all__ = ["Bench", "Event", "Line", "Make", "fail", "same", "shown"]

Event: TypeAlias = Frame | Terminal | Silence
Make: TypeAlias = Callable[
    [AsgiApplication], Driver | AbstractAsyncContextManager[Driver]
]

_SHOWN = 200
_LONGEST = 1000  # turns of the loop that a cancelled receive may still take


def fail(text: str) -> Never:
    """Raise what a check raises."""
    raise AssertionError(text)


def same(what: str, found: object, wanted: object) -> None:
    """Fail unless they are equal and of one type."""
    if found != wanted or type(found) is not type(wanted):
        fail(f"{what}: wanted {shown(wanted)}, found {shown(found)}")


def shown(value: object) -> str:
    """Return a value as it stands in a failure."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} long)"


@final
@dataclass(slots=True)
class Line:
    """A connection through the driver under check."""

    driver: Driver
    transcript: Transcript
    opened: Accept | Terminal | Silence
    timeout: float
    closed: bool = False

    async def take(self) -> Event:
        """Receive the next event."""
        return await self.driver.receive(timeout=self.timeout)

    async def expect(self, *frames: Frame) -> None:
        """Receive just these frames."""
        for number, frame in enumerate(frames, 1):
            same(f"event {number} of {len(frames)}", await self.take(), frame)

    async def end(self) -> Terminal:
        """Receive the terminal event."""
        event = await self.take()
        if not isinstance(event, Close | Reject | Crash | Return):
            fail(f"wanted the terminal event, found {shown(event)}")
        return event

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close from the client's side."""
        self.closed = True
        await self.driver.close(code=code, reason=reason, timeout=self.timeout)

    async def take_and_cancel(self, turns: int) -> list[Event]:
        """Receive, but cancel that after some turns of the loop, 1 or more."""
        watch = quiescence.watch()
        found: list[Event | Exception] = []
        finished: list[bool] = []

        async def take() -> None:
            try:
                found.append(await self.take())
            except Exception as error:
                found.append(error)
            finally:
                finished.append(True)

        running = watch.spawn(take)
        for _ in range(turns):
            await watch.pause()
        running.cancel()
        for _ in range(_LONGEST):
            if finished:
                break
            await watch.pause()
        else:
            fail("a cancelled receive did not end")
        return _raise_errors(found)


async def _close_after(line: Line, failure: BaseException) -> None:
    if line.closed:
        return
    try:
        await line.close()
    except Exception as error:
        failure.add_note(f"Closing did not work either: {error!r}")


def _raise_errors(found: Iterable[Event | Exception]) -> list[Event]:
    events: list[Event] = []
    for event in found:
        if isinstance(event, Exception):
            raise event
        events.append(event)
    return events


@final
@dataclass(frozen=True, slots=True)
class Bench:
    """Makes connections with a fresh driver each."""

    make: Make
    timeout: float

    @asynccontextmanager
    async def connect(
        self,
        application: AsgiApplication,
        path: str = "/",
        headers: HeadersInput | None = None,
        subprotocols: Iterable[str] | None = None,
        *,
        patience: float | None = None,
    ) -> AsyncGenerator[Line]:
        """Connect to an application, whatever its answer."""
        scope = build_scope(path, headers, subprotocols)
        transcript = Transcript("conformance")
        async with self._driver(application) as driver:
            wait = self.timeout if patience is None else patience
            opened = await driver.open(scope, transcript, timeout=wait)
            line = Line(driver, transcript, opened, self.timeout)
            try:
                yield line
            except BaseException as failure:
                await _close_after(line, failure)
                raise
            if not line.closed:
                await line.close()

    @asynccontextmanager
    async def accepted(self, application: AsgiApplication) -> AsyncGenerator[Line]:
        """Connect to an application that accepts."""
        async with self.connect(application) as line:
            if not isinstance(line.opened, Accept):
                fail(f"the application accepted, open returned {shown(line.opened)}")
            yield line

    async def happens(self, event: threading.Event) -> bool:
        """Wait for something that another thread may do."""
        import anyio

        if event.is_set():
            return True
        return await anyio.to_thread.run_sync(
            event.wait, self.timeout, abandon_on_cancel=True
        )

    @asynccontextmanager
    async def _driver(self, application: AsgiApplication) -> AsyncGenerator[Driver]:
        made = self.make(application)
        if isinstance(made, AbstractAsyncContextManager):
            async with made as driver:
                yield driver
        else:
            yield made
