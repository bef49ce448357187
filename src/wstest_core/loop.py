"""Coroutines of a plain test, in the event loop of its communicators.

`SyncWebsocketCommunicator` shares one loop, which lives as long as one of
them is connected. A `Loop` keeps it alive as they do, and runs in it what it
is told to. Each run is a task of its own: one that does not end is given up,
and may end later without anybody waiting for it.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar, final

from anyio.from_thread import BlockingPortal

from wstest_core import explain, quiescence, settings
from wstest_core._portal import Work, finish, provider, require_plain_test
from wstest_core._session import how_to_wait
from wstest_core.drivers._call import Call
from wstest_core.errors import (
    ApplicationCrashed,
    LingeringApplicationWarning,
    NoMessage,
    hidden,
    warn,
)
from wstest_core.events import Accept, Return, Silence
from wstest_core.transcript import Transcript

__all__ = ["Loop", "running"]

__tracebackhide__ = hidden

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_running: "set[Loop]" = set()


@final
class _Run(Generic[T_co]):
    """Something that runs, and what came of it."""

    def __init__(
        self, title: str, main: Callable[[], Awaitable[T_co]], transcript: Transcript
    ) -> None:
        self.title = title
        self.error: BaseException | None = None
        self._result: list[T_co] = []
        self._main = main
        self._transcript = transcript
        self.call = Call()
        transcript.sent(self.call.watch.now(), title)
        self.call.start(self._work, ended=self._note_end)

    def result(self) -> T_co:
        """Return what it has returned, or raise what it has raised."""
        if self.error is not None:
            raise self.error
        return self._result[0]

    def doing(self) -> str:
        """Say in a sentence where it stands, and what failed beside it."""
        sentences = [f"{self.title} is {self.call.doing()}.", self.call.failures()]
        return " ".join(filter(None, sentences))

    async def _work(self) -> None:
        try:
            self._result.append(await self._main())
        except self.call.watch.cancelled:
            raise
        except BaseException as error:  # raised here, it might end the loop
            self.error = error

    def _note_end(self) -> None:
        now, error = self.call.watch.now(), self.error or self.call.exception
        if error is not None:
            self._transcript.received(now, f"{self.title}: raised {error!r}")
        elif self.call.stopped:
            self._transcript.remark(now, f"{self.title}: stopped")
        else:
            self._transcript.received(now, f"{self.title}: done")


@final
class Loop:
    """Keeps the event loop of sync communicators alive, and runs things there.

    Used with `with`, by any number of threads. `timeout`, in seconds, guards
    each run against hanging. What still runs at the end is cancelled.
    """

    __module__ = "wstest_core.loop"

    def __init__(
        self,
        name: str,
        *,
        timeout: float,
        backend: Literal["asyncio", "trio"] = "asyncio",
    ) -> None:
        self.transcript: Transcript = Transcript(name)
        """What was run, and what came of it."""
        self._timeout = settings.check_seconds(timeout)
        self._provider = provider(backend)
        self._portal: BlockingPortal | None = None
        self._attached = ExitStack()
        self._runs: list[_Run[object]] = []  # that have not ended, or lately

    def __enter__(self) -> Self:
        work = self._begin()
        require_plain_test(work)
        if self._portal is not None:
            work.close()
            raise RuntimeError(f"{self.transcript.name} has its event loop already")
        with ExitStack() as stack:
            self._portal = stack.enter_context(self._provider)
            stack.callback(self._forget)
            self._wait(work)
            stack.pop_all()
        _running.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._wait(self._end(failed=error is not None))
        finally:
            self._forget()
            self._provider.__exit__(None, None, None)

    def run(self, title: str, main: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function and return what it returns, or raise.

        Raises:
            NoMessage: as soon as it is known that it does not end. It is left
                alone.
            ApplicationCrashed: if it was cancelled from within.
        """
        # Raised here: in the loop, some of what it may have raised would end that.
        return self._wait(self._run(title, main)).result()

    def settle(self) -> None:
        """Let all that is in the loop come to rest."""
        self._wait(self._settle())

    def stop(self) -> None:
        """Cancel what still runs, and wait for its end."""
        self._wait(self._stop())

    def disconnect(self) -> None:
        """Give the loop back, as leaving `with` does."""
        self.__exit__(None, None, None)

    # --- in the test's thread

    def _wait(self, work: Work[T]) -> T:
        require_plain_test(work)
        if self._portal is None:
            work.close()
            raise RuntimeError(
                f"{self.transcript.name} has no event loop: use it in a `with` block"
            )
        try:
            return finish(self._portal, work)
        except CancelledError as error:
            raise RuntimeError(
                f"the event loop of {self.transcript.name} was stopped from within"
            ) from error

    def _forget(self) -> None:
        self._portal = None
        _running.discard(self)

    # --- in the loop

    async def _begin(self) -> None:
        watch = quiescence.watch()
        with ExitStack() as stack:
            watch.attach()
            stack.callback(watch.detach)
            if settings.current.virtual_clock:
                watch.virtual_clock(run=True)
                stack.callback(partial(watch.virtual_clock, run=False))
            self._attached = stack.pop_all()
        # A report reads the log as that of a connection.
        self.transcript.received(watch.now(), Accept())

    async def _end(self, *, failed: bool) -> None:
        watch = quiescence.watch()
        if failed:
            self.transcript.failed(watch.now(), self._doing())
        with self._attached:
            await self._stop()
        self.transcript.received(watch.now(), Return(asked=True))

    async def _run(self, title: str, main: Callable[[], Awaitable[T]]) -> _Run[T]:
        run = _Run(title, main, self.transcript)
        self._runs = [*self._unfinished(), run]
        timeout = float("inf") if settings.debugger_attached() else self._timeout
        silence = await run.call.until_done(timeout)
        if silence is not None:
            raise self._given_up(run, silence)
        if run.call.exception is not None:
            raise self._crashed(run, run.call.exception) from run.call.exception
        return run

    async def _settle(self) -> None:
        watch = quiescence.watch()
        # Not endless where a person debugs, for it does not end with an event.
        deadline = watch.now() + self._timeout
        await watch.bell().wait_until(deadline=deadline, horizon=deadline)

    async def _stop(self) -> None:
        for run in self._unfinished():
            if not await run.call.end(self._timeout):
                text = f"what was given up cannot be stopped: {run.doing()}"
                warn(text, LingeringApplicationWarning, stacklevel=3)

    def _unfinished(self) -> list[_Run[object]]:
        return [run for run in self._runs if not run.call.done]

    def _doing(self) -> str:
        return " ".join(run.doing() for run in self._unfinished()) or "Nothing runs."

    # --- failures

    def _given_up(self, run: _Run[object], silence: Silence) -> NoMessage:
        timeout, doing, remedy = self._timeout, self._doing(), None
        if silence.kind == "proved" and silence.why:
            remedy = how_to_wait(doing, timeout)
        text = self._text(run, explain.silence(silence, timeout), doing, remedy)
        self.transcript.remark(quiescence.watch().now(), f"{run.title}: given up")
        return NoMessage(text)

    def _crashed(self, run: _Run[object], error: BaseException) -> ApplicationCrashed:
        text = self._text(run, f"it raised {error!r}", self._doing())
        return ApplicationCrashed(text, error=error)

    def _text(
        self, run: _Run[object], why: str, doing: str, remedy: str | None = None
    ) -> str:
        line = f"no answer to {run.title} for {self.transcript.name}: {why}"
        return explain.failure(
            line, transcript=self.transcript, doing=doing, remedy=remedy
        )


def running() -> frozenset[Loop]:
    """Return the loops that were entered and not left."""
    return frozenset(_running)
